//! What a person writes: it goes into the outbox, from where it is sent.

use kith_common::{
    Base64Bytes, ClientId, ContactAction, ContactsRequest, DeleteRequest, EditRequest, Mark, MessageRequest,
    ProfileAction, ProfileRequest, ReactRequest, Request, Username, limits as protocol,
};
use tokio::sync::oneshot;

use super::copy::News;
use super::{Command, Engine, EngineError, Progress, To, lock};
use crate::Error;
use crate::local_store::{ItemChange, ItemState, NewItem, Source};
use crate::session::new_client_id;

impl Engine {
    /// Sends a text, perhaps as an answer to the message or file with this number. Returns its id in the outbox, where it
    /// is safe.
    ///
    /// # Errors
    /// It is empty or too long; the conversation isn't known here; the outbox can't be written.
    pub async fn send(
        &self,
        to: impl Into<To>,
        content: String,
        reply_to: Option<u64>,
    ) -> Result<u64, EngineError> {
        check_text(&content)?;
        let (receiver, conversation, lane) = self.place(to.into())?;
        let client_id = Some(new_client_id()?);
        let request = MessageRequest {
            receiver,
            conversation,
            content,
            reply_to,
            client_id,
            expect: None,
        };
        self.enqueue(lane, Request::Message(request), None, None).await
    }

    /// Gives one's own message another text.
    ///
    /// # Errors
    /// As [`Engine::send`].
    pub async fn edit(&self, conversation: &str, target: u64, content: String) -> Result<u64, EngineError> {
        check_text(&content)?;
        let client_id = Some(new_client_id()?);
        let request = EditRequest {
            conversation: conversation.to_owned(),
            target,
            content,
            client_id,
            expect: None,
        };
        self.enqueue(self.lane(conversation)?, Request::Edit(request), None, None)
            .await
    }

    /// Erases one's own message or file, and with it all its edits that are known here when it is sent.
    ///
    /// # Errors
    /// As [`Engine::send`].
    pub async fn delete(&self, conversation: &str, target: u64) -> Result<u64, EngineError> {
        let client_id = Some(new_client_id()?);
        let request = DeleteRequest {
            conversation: conversation.to_owned(),
            targets: vec![target],
            client_id,
        };
        self.enqueue(self.lane(conversation)?, Request::Delete(request), None, None)
            .await
    }

    /// Puts a reaction on a message or file, or takes it back.
    ///
    /// # Errors
    /// As [`Engine::send`].
    pub async fn react(
        &self,
        conversation: &str,
        target: u64,
        reaction: String,
        on: bool,
    ) -> Result<u64, EngineError> {
        let client_id = Some(new_client_id()?);
        let request = ReactRequest {
            conversation: conversation.to_owned(),
            target,
            reaction,
            on,
            client_id,
        };
        self.enqueue(self.lane(conversation)?, Request::React(request), None, None)
            .await
    }

    /// Adds, removes, blocks or unblocks somebody. Returns its id in the outbox.
    ///
    /// # Errors
    /// The outbox can't be written.
    pub async fn change_contact(&self, action: ContactAction, person: &Username) -> Result<u64, EngineError> {
        let request = ContactsRequest {
            contact_action: action,
            contact_username: Some(person.to_string()),
            client_id: Some(new_client_id()?),
        };
        // Before what is written to them afterwards, so that somebody can be unblocked and written to.
        self.enqueue(
            person_lane(person.as_str()),
            Request::Contacts(request),
            None,
            None,
        )
        .await
    }

    /// Changes the fields of one's own profile that are given; an empty `about` or picture removes it. Returns its id in
    /// the outbox.
    ///
    /// # Errors
    /// The outbox can't be written.
    pub async fn change_profile(
        &self,
        display_name: Option<String>,
        about: Option<String>,
        avatar: Option<Vec<u8>>,
    ) -> Result<u64, EngineError> {
        let request = ProfileRequest {
            profile_action: ProfileAction::Set,
            username: None,
            display_name,
            about,
            avatar: avatar.map(Base64Bytes),
            client_id: Some(new_client_id()?),
        };
        self.enqueue("profile".to_owned(), Request::Profile(request), None, None)
            .await
    }

    /// Waits for the fate of something in the outbox: that the server and the copy have it, that the server won't have it,
    /// or that it was discarded. Of what isn't there any more, only this is known.
    ///
    /// # Errors
    /// The outbox can't be read; the engine was closed.
    pub async fn settled(&self, id: u64) -> Result<Progress, EngineError> {
        let (waiter, mut fate) = oneshot::channel();
        lock(&self.shared().waiters).entry(id).or_default().push(waiter);
        match self.shared().copy.store.item(id).await?.map(|item| item.state) {
            Some(ItemState::Waiting | ItemState::Transfer | ItemState::Paused | ItemState::Sent { .. }) => {
                fate.await.map_err(|_| EngineError::Closed)
            }
            Some(ItemState::Failed(error)) => Ok(Progress::Failed(error)),
            Some(ItemState::Cancelled) => Ok(Progress::Discarded),
            // What happened before the waiter was there isn't known any more.
            None => {
                let known = fate.try_recv();
                drop(fate);
                lock(&self.shared().waiters).retain(|_, waiters| {
                    waiters.retain(|waiter| !waiter.is_closed());
                    !waiters.is_empty()
                });
                Ok(known.unwrap_or(Progress::Sent { place: None }))
            }
        }
    }

    /// Tries something again that the server refused.
    ///
    /// # Errors
    /// It isn't in the outbox any more; the outbox can't be written.
    pub async fn retry(&self, id: u64) -> Result<(), EngineError> {
        let store = &self.shared().copy.store;
        let item = store.item(id).await?;
        let failed = item.filter(|item| matches!(item.state, ItemState::Failed(_)));
        let state = failed.ok_or(EngineError::NotPending)?.new.first_state();
        store.update(id, ItemChange::State(state)).await?;
        self.shared().progress(id, Progress::Waiting);
        self.command(Command::Send).await;
        Ok(())
    }

    /// Throws something out of the outbox. A transfer is called off: what has come of it is deleted, here or on the server.
    ///
    /// # Errors
    /// It isn't there any more, or is just being sent; the outbox can't be written.
    pub async fn discard(&self, id: u64) -> Result<(), EngineError> {
        let (reply, answer) = oneshot::channel();
        self.command(Command::Discard(id, reply)).await;
        answer.await.map_err(|_| EngineError::Closed)?
    }

    /// Says that the person has read all of a conversation up to a number. It goes no further than what is held, and never
    /// back.
    ///
    /// # Errors
    /// The conversation isn't known here; the copy can't be written.
    pub async fn mark_read(&self, conversation: &str, number: u64) -> Result<(), EngineError> {
        let copy = &self.shared().copy;
        let read = number.min(self.head(conversation)?.newest);
        let mark = copy.mark(conversation, &self.me().username);
        if read <= mark.read {
            return Ok(());
        }
        copy.store.want_read(conversation.to_owned(), read).await?;
        let marks = [Mark { read, ..mark }];
        let generation = copy.generation();
        let taken = copy.take(News::Rest {
            marks: &marks,
            profiles: &[],
            since: None,
        });
        let taken = taken.await;
        self.mended(generation, taken).await?;
        self.command(Command::Marks).await;
        Ok(())
    }

    /// Waits until the server was told of all that was received and read so far. Does nothing where there is no connection:
    /// the next one tells it.
    pub async fn marks_told(&self) {
        let (reply, told) = oneshot::channel();
        self.command(Command::MarksTold(reply)).await;
        // It is dropped where nobody can be told.
        let _ = told.await;
    }

    pub(super) async fn enqueue(
        &self,
        lane: String,
        request: Request,
        data: Option<Vec<u8>>,
        source: Option<Source>,
    ) -> Result<u64, EngineError> {
        let client_id = match client_id(&request) {
            Some(id) => id,
            None => new_client_id()?,
        };
        let client_id = String::from(client_id);
        let item = NewItem {
            lane,
            client_id,
            request: serde_json::to_string(&request).map_err(|error| Error::Local(error.to_string()))?,
            data,
            source,
            time: self.shared().clock.now(),
        };
        let id = self.shared().copy.store.add(item).await?;
        self.shared().progress(id, Progress::Waiting);
        self.command(Command::Send).await;
        Ok(id)
    }

    /// Receiver, conversation and lane: the same for all ways to name a conversation.
    pub(super) fn place(&self, to: To) -> Result<(Option<String>, Option<String>, String), EngineError> {
        match to {
            To::Person(person) => {
                let lane = person_lane(person.as_str());
                Ok((Some(person.into()), None, lane))
            }
            To::Conversation(conversation) => {
                let lane = self.lane(&conversation)?;
                Ok((None, Some(conversation), lane))
            }
        }
    }

    fn lane(&self, conversation: &str) -> Result<String, EngineError> {
        let head = self.head(conversation)?;
        let other = self.shared().copy.other(&head).map(person_lane);
        Ok(other.unwrap_or_else(|| conversation.to_owned()))
    }
}

/// The idempotency key of a request of the outbox.
pub(super) fn client_id(request: &Request) -> Option<ClientId> {
    match request {
        Request::Message(request) => request.client_id.clone(),
        Request::File(request) => request.client_id.clone(),
        Request::Edit(request) => request.client_id.clone(),
        Request::Delete(request) => request.client_id.clone(),
        Request::React(request) => request.client_id.clone(),
        Request::Contacts(request) => request.client_id.clone(),
        Request::Profile(request) => request.client_id.clone(),
        _ => None,
    }
}

/// The lane of what goes to one person: what is said to them may not overtake itself, however the conversation is named.
fn person_lane(username: &str) -> String {
    format!("@{}", username.to_ascii_lowercase())
}

fn check_text(content: &str) -> Result<(), EngineError> {
    let (size, limit) = (content.len(), protocol::MESSAGE_BYTES);
    match size {
        0 => Err(EngineError::Empty),
        _ if size > limit => Err(EngineError::TooLarge { size, limit }),
        _ => Ok(()),
    }
}
