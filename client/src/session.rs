//! What a person does with a server: an account, a session, and everything in it.

mod guest;
mod missed;

use std::collections::BTreeMap;
use std::sync::Arc;

use kith_common::{
    ClientId, ContactAction, ContactsReply, ContactsRequest, DeviceId, FileGetReply, FileGetRequest,
    FileName, FileRequest, HelloReply, LoginReply, MessageRequest, PasswordRequest, Pin, Request,
    ResumeRequest, SentReply, SessionAction, SessionInfo, SessionsReply, SessionsRequest, SyncReply,
    SyncRequest, Username,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::sync::Mutex;

use crate::connection::{Connection, PushQueue, Pushes};
use crate::{Error, ServerAddress, Trust, random};

pub use guest::Guest;
pub use missed::Missed;

/// A session of an account. Clones share it.
///
/// A request whose connection is lost is sent once more over a new one. For a write that is safe, because it carries
/// a `client_id`: it takes effect once, whether or not it did so before the connection was lost.
#[derive(Clone, Debug)]
pub struct Session {
    inner: Arc<Inner>,
}

struct Inner {
    target: Target,
    token: String,
    login: LoginReply,
    pushes: PushQueue,
    link: Mutex<Connection>,
    pins: Vec<Pin>,
}

/// Where and how to connect.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where the server is.
    pub server: ServerAddress,
    /// How it is trusted.
    pub trust: Trust,
    /// Name and version of this program, for the server's log.
    pub program: String,
}

/// Leaves out the token.
impl core::fmt::Debug for Inner {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Session")
            .field("target", &self.target)
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Connects and resumes a session by its token. The pushes of all its connections come through [`Pushes`].
    ///
    /// # Errors
    /// As [`Guest::connect`], and what the server refuses a token for: that its session ended.
    pub async fn resume(target: Target, token: String) -> Result<(Self, Pushes), Error> {
        let guest = Guest::connect(target).await?;
        guest.resume(token).await
    }

    /// The account and device, as the login or resumption said it.
    pub fn login(&self) -> &LoginReply {
        &self.inner.login
    }

    /// The secret to resume this session with.
    pub fn token(&self) -> &str {
        &self.inner.token
    }

    /// Where and how it connects.
    pub fn target(&self) -> &Target {
        &self.inner.target
    }

    /// The connection it has now.
    pub(crate) async fn connection(&self) -> Connection {
        self.inner.link.lock().await.clone()
    }

    /// The keys to pin from now on, or none where the server announces none that it shows itself.
    pub fn pins(&self) -> &[Pin] {
        &self.inner.pins
    }

    /// What the server said of itself.
    pub async fn hello(&self) -> HelloReply {
        self.inner.link.lock().await.hello().clone()
    }

    /// Connects and resumes again if the connection was lost; [`crate::Push::Behind`] then asks to sync.
    ///
    /// # Errors
    /// As [`Session::resume`].
    pub async fn reconnect(&self) -> Result<(), Error> {
        let mut link = self.inner.link.lock().await;
        if link.is_open() {
            return Ok(());
        }
        let Target {
            server,
            trust,
            program,
        } = &self.inner.target;
        let connection = Connection::open_into(server, trust, program, self.inner.pushes.clone()).await?;
        let token = self.inner.token.clone();
        let _: IgnoredAny = connection.call(&Request::Resume(ResumeRequest { token })).await?;
        *link = connection;
        self.inner.pushes.reconnected();
        Ok(())
    }

    /// Ends the connection and keeps the session.
    pub async fn close(&self) {
        let connection = self.inner.link.lock().await.clone();
        connection.close().await;
    }

    /// Ends the session: its token is worth nothing afterwards.
    ///
    /// # Errors
    /// As every request: [`Error`].
    pub async fn logout(&self) -> Result<(), Error> {
        let connection = self.inner.link.lock().await.clone();
        let _: IgnoredAny = connection.call(&Request::Logout).await?;
        connection.close().await;
        Ok(())
    }

    /// Sends a text to a person.
    ///
    /// # Errors
    /// As every request: [`Error`]. [`Error::Unconfirmed`] says that it may have been sent.
    pub async fn send(&self, receiver: &Username, content: String) -> Result<SentReply, Error> {
        self.write(&Request::Message(MessageRequest {
            receiver: Some(receiver.to_string()),
            conversation: None,
            content,
            reply_to: None,
            client_id: Some(new_client_id()?),
            expect: None,
        }))
        .await
    }

    /// Sends a file to a person, inside the request. The server's `hello` says how large it may be.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub async fn send_file(
        &self,
        receiver: &Username,
        name: FileName,
        bytes: Vec<u8>,
    ) -> Result<SentReply, Error> {
        self.write(&Request::File(FileRequest {
            receiver: Some(receiver.to_string()),
            file_data: Some(kith_common::Base64Bytes(bytes)),
            client_id: Some(new_client_id()?),
            ..FileRequest::new(name)
        }))
        .await
    }

    /// Fetches a file by the id that its event gives.
    ///
    /// # Errors
    /// As every request: [`Error`].
    pub async fn file(&self, id: &str) -> Result<FileGetReply, Error> {
        let file = id.to_owned();
        self.read(&Request::FileGet(FileGetRequest { file })).await
    }

    /// The contacts and blocked people.
    ///
    /// # Errors
    /// As every request: [`Error`].
    pub async fn contacts(&self) -> Result<ContactsReply, Error> {
        self.read(&Request::Contacts(ContactsRequest {
            contact_action: ContactAction::List,
            contact_username: None,
            client_id: None,
        }))
        .await
    }

    /// Adds, removes, blocks or unblocks somebody.
    ///
    /// # Errors
    /// As every request: [`Error`].
    pub async fn change_contact(&self, action: ContactAction, person: &Username) -> Result<(), Error> {
        let request = Request::Contacts(ContactsRequest {
            contact_action: action,
            contact_username: Some(person.to_string()),
            client_id: Some(new_client_id()?),
        });
        self.write::<IgnoredAny>(&request).await.map(|_| ())
    }

    /// The devices that are logged in.
    ///
    /// # Errors
    /// As every request: [`Error`].
    pub async fn sessions(&self) -> Result<Vec<SessionInfo>, Error> {
        let request = Request::Sessions(SessionsRequest {
            session_action: SessionAction::List,
            device: None,
            client_id: None,
        });
        let reply: SessionsReply = self.read(&request).await?;
        Ok(reply.sessions)
    }

    /// Logs a device out.
    ///
    /// # Errors
    /// As every request: [`Error`].
    pub async fn revoke(&self, device: DeviceId) -> Result<(), Error> {
        let request = Request::Sessions(SessionsRequest {
            session_action: SessionAction::Revoke,
            device: Some(device),
            client_id: Some(new_client_id()?),
        });
        self.write::<IgnoredAny>(&request).await.map(|_| ())
    }

    /// Changes the password, which logs all other devices out.
    ///
    /// # Errors
    /// As every request: [`Error`].
    pub async fn change_password(&self, old_password: String, new_password: String) -> Result<(), Error> {
        let request = Request::Password(PasswordRequest {
            old_password,
            new_password,
            client_id: Some(new_client_id()?),
        });
        self.write::<IgnoredAny>(&request).await.map(|_| ())
    }

    /// One page of what is newer than `held`: for each log, the number of the newest event held.
    ///
    /// # Errors
    /// As every request: [`Error`].
    pub async fn sync(&self, held: BTreeMap<String, u64>) -> Result<SyncReply, Error> {
        self.read(&Request::Sync(SyncRequest {
            logs: held,
            ..SyncRequest::default()
        }))
        .await
    }

    /// All that is newer than `held`, page by page.
    pub fn missed(&self, held: BTreeMap<String, u64>) -> Missed {
        Missed::new(self.clone(), held)
    }

    /// Sends a request that changes nothing.
    async fn read<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        let connection = self.inner.link.lock().await.clone();
        match connection.call(request).await {
            Err(error) if error.is_lost() => {
                self.reconnect().await?;
                let connection = self.inner.link.lock().await.clone();
                connection.call(request).await
            }
            result => result,
        }
    }

    /// Sends a request that changes something and carries its `client_id`.
    async fn write<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        let unconfirmed = |error: Error| match error {
            Error::Refused(_) | Error::Trust(_) if !error.is_passing() => error,
            error => Error::Unconfirmed(error.to_string()),
        };
        let connection = self.inner.link.lock().await.clone();
        match connection.call(request).await {
            Err(error) if error.is_lost() => {
                self.reconnect().await.map_err(unconfirmed)?;
                let connection = self.inner.link.lock().await.clone();
                connection.call(request).await.map_err(unconfirmed)
            }
            result => result,
        }
    }
}

pub(crate) fn new_client_id() -> Result<ClientId, Error> {
    let bytes = random::bytes::<16>()?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    ClientId::try_from(text).map_err(|error| Error::Local(error.to_string()))
}
