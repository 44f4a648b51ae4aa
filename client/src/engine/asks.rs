//! What is asked of the server at once, and waits for no connection.

use kith_common::{
    DeviceId, FileGetReply, FileGetRequest, PasswordRequest, Presence, ProfileAction, ProfileReply,
    ProfileRequest, Request, SessionAction, SessionInfo, SessionsReply, SessionsRequest, TypingRequest,
};
use serde::de::IgnoredAny;

use super::{Command, Engine, EngineError, lock};
use crate::local_store::{Item, ItemState};
use crate::session::new_client_id;
use crate::{Connection, Error};

impl Engine {
    /// Says that the person types, or has stopped. Where there is no connection, nobody hears it; what is said again within
    /// a few seconds is left out.
    pub async fn typing(&self, conversation: &str, typing: bool) {
        let request = TypingRequest {
            conversation: conversation.to_owned(),
            typing,
        };
        self.command(Command::Typing(request)).await;
    }

    /// How this device shows itself from now on, over all its connections; until it is said, the server decides.
    pub async fn set_presence(&self, presence: Presence) {
        self.command(Command::Presence(presence)).await;
    }

    /// How somebody shows themselves, as far as the server tells.
    pub fn presence(&self, username: &str) -> Presence {
        lock(&self.shared().people)
            .get(username)
            .copied()
            .unwrap_or_default()
    }

    /// Fetches a file by the id that its message gives.
    ///
    /// # Errors
    /// There is no connection; the server refuses.
    pub async fn file(&self, id: &str) -> Result<FileGetReply, EngineError> {
        let file = id.to_owned();
        Ok(self
            .connection()?
            .call(&Request::FileGet(FileGetRequest { file }))
            .await?)
    }

    /// Fetches somebody's profile with its picture.
    ///
    /// # Errors
    /// There is no connection; the server refuses.
    pub async fn fetch_profile(&self, username: &str) -> Result<ProfileReply, EngineError> {
        let request = Request::Profile(ProfileRequest {
            profile_action: ProfileAction::Get,
            username: Some(username.to_owned()),
            display_name: None,
            about: None,
            avatar: None,
            client_id: None,
        });
        Ok(self.connection()?.call(&request).await?)
    }

    /// The devices that are logged in.
    ///
    /// # Errors
    /// There is no connection; the server refuses.
    pub async fn sessions(&self) -> Result<Vec<SessionInfo>, EngineError> {
        let request = Request::Sessions(SessionsRequest {
            session_action: SessionAction::List,
            device: None,
            client_id: None,
        });
        let reply: SessionsReply = self.connection()?.call(&request).await?;
        Ok(reply.sessions)
    }

    /// Logs a device out.
    ///
    /// # Errors
    /// There is no connection; the server refuses.
    pub async fn revoke(&self, device: DeviceId) -> Result<(), EngineError> {
        let request = Request::Sessions(SessionsRequest {
            session_action: SessionAction::Revoke,
            device: Some(device),
            client_id: Some(new_client_id()?),
        });
        let _: IgnoredAny = self.connection()?.call(&request).await?;
        Ok(())
    }

    /// Changes the password, which logs all other devices out. It never lies in the outbox.
    ///
    /// # Errors
    /// There is no connection; the server refuses; [`Error::Unconfirmed`] if the connection is lost before it answers.
    pub async fn change_password(
        &self,
        old_password: String,
        new_password: String,
    ) -> Result<(), EngineError> {
        let request = Request::Password(PasswordRequest {
            old_password,
            new_password,
            client_id: Some(new_client_id()?),
        });
        match self.connection()?.call::<IgnoredAny>(&request).await {
            Err(error) if error.is_lost() => Err(Error::Unconfirmed(error.to_string()).into()),
            result => Ok(result.map(|_| ())?),
        }
    }

    /// Ends the session, wipes the copy and the outbox from this device, and closes the engine.
    ///
    /// # Errors
    /// There is no connection, or the server can't be told: then everything stays. The copy can't be wiped.
    pub async fn logout(&self) -> Result<(), EngineError> {
        let connection = self.connection()?;
        let _: IgnoredAny = connection.call(&Request::Logout).await?;
        self.wipe().await
    }

    /// Wipes the copy and the outbox from this device and closes the engine, without asking the server. The session stays
    /// until it is ended from another device.
    ///
    /// # Errors
    /// The copy can't be wiped.
    pub async fn wipe(&self) -> Result<(), EngineError> {
        self.close().await;
        Ok(self.shared().copy.store.wipe().await?)
    }

    /// Throws the copy away from this device and closes the engine, as is fit where the session was ended from elsewhere. What
    /// wasn't sent stays, for the next login; where there is nothing of that kind, nothing stays.
    ///
    /// # Errors
    /// The copy can't be thrown away, or another program uses it.
    pub async fn leave(&self) -> Result<(), EngineError> {
        self.close().await;
        let store = &self.shared().copy.store;
        store.rebuild().await?;
        let outbox = store.outbox().await?;
        if outbox.iter().all(|item| !is_unsent(item)) {
            store.wipe().await?;
        }
        Ok(())
    }

    pub(super) fn connection(&self) -> Result<Connection, EngineError> {
        lock(&self.shared().link).clone().ok_or(EngineError::Offline)
    }
}

/// Whether something of a person's own would be lost with an item.
fn is_unsent(item: &Item) -> bool {
    #[cfg(not(target_arch = "wasm32"))]
    if item
        .new
        .source
        .as_ref()
        .is_some_and(|source| source.target().is_some())
    {
        return false;
    }
    !matches!(item.state, ItemState::Sent { .. } | ItemState::Cancelled)
}
