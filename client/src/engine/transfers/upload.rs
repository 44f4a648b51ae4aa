//! An upload: opened by the chat's connection, carried by HTTP, and sent as a file by the chat's connection.
//!
//! Every step can be done again. The opening is known by its `client_id` and then by the upload's id, which is noted before a byte is
//! sent; how much is there the server tells; and the file is sent once, by its own `client_id`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kith_common::{ClientId, ErrorCode, FileRequest, Request, UploadRequest, WireError};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::running::{Outcome, Transferred};
use super::{Live, Trouble};
use crate::engine::Shared;
use crate::engine::sending::{Done, to_json};
use crate::http::{Line, Way};
use crate::local_store::{Claim, Item, ItemChange, ItemState};
use crate::{Connection, Error, Target};

#[cfg(target_arch = "wasm32")]
use super::browser::send_bytes;
#[cfg(not(target_arch = "wasm32"))]
use super::native::send_bytes;

/// An upload that runs.
pub(super) struct Upload {
    pub(super) item: Item,
    pub(super) request: FileRequest,
    pub(super) connection: Connection,
    pub(super) target: Target,
    pub(super) shared: Arc<Shared>,
    pub(super) live: Arc<Live>,
}

/// What is needed of a reply to `upload`.
#[derive(Deserialize)]
struct Found {
    upload: Option<String>,
    url: String,
    ticket: String,
}

/// How an upload is found.
enum Opened {
    /// Bytes are to be sent, or all are there.
    Open(Found),
    /// It was sent already, with this answer, which was lost.
    Sent(Box<RawValue>),
}

impl Upload {
    /// Runs until the file is sent, or something is in the way.
    pub(super) async fn run(mut self, stop: Arc<Notify>, claim: Claim) -> Done {
        let live = Arc::clone(&self.live);
        let prepared = tokio::select! {
            biased;
            () = stop.notified() => Err(Trouble::Stopped),
            trouble = live.watch() => Err(trouble),
            prepared = Box::pin(self.prepare()) => prepared,
        };
        let result = match prepared {
            Ok(None) => Box::pin(self.commit()).await.map(Outcome::Sent),
            Ok(Some(reply)) => Ok(Outcome::Sent(reply)),
            Err(trouble) => Err(trouble),
        };
        self.done(result, claim)
    }

    /// Tells the server that an upload is no more.
    pub(super) async fn call_off(mut self, claim: Claim) -> Done {
        let result = match Box::pin(self.give_up()).await {
            Err(trouble @ (Trouble::Later(_) | Trouble::Store(_))) => Err(trouble),
            Err(Trouble::Chat(error @ Error::Refused(_))) if error.is_passing() => Err(Trouble::Later(error)),
            Err(Trouble::Chat(error)) if error.is_passing() => Err(Trouble::Chat(error)),
            // It is there no more, or will be given up by the server itself.
            _ => Ok(Outcome::CalledOff),
        };
        self.done(result, claim)
    }

    fn done(self, result: Result<Outcome, Trouble>, claim: Claim) -> Done {
        Done::Transfer(Box::new(Transferred {
            item: self.item,
            request: Request::File(self.request),
            result,
            live: self.live,
            claim,
        }))
    }

    /// Sees to it that all bytes are there. Gives the answer where the file turns out to be sent.
    async fn prepare(&mut self) -> Result<Option<Box<RawValue>>, Trouble> {
        let opened = match self.open().await? {
            Opened::Open(opened) => opened,
            Opened::Sent(reply) => return Ok(Some(reply)),
        };
        let way = Way {
            url: opened.url,
            ticket: opened.ticket,
        };
        match send_bytes(self, &way).await {
            Ok(hash) => {
                self.request.hash = hash;
                Ok(None)
            }
            Err(Trouble::Failed(error)) => {
                // What is there isn't worth its room; if it can't be told now, the server gives it up in time.
                let _ = self.abandon(&way).await;
                Err(Trouble::Failed(error))
            }
            Err(trouble) => Err(trouble),
        }
    }

    async fn open(&mut self) -> Result<Opened, Trouble> {
        let size = self.item.size.unwrap_or_default();
        let limit = self.connection.hello().limits.file;
        if size > limit {
            let message = format!("a file has at most {limit} bytes on this server");
            return Err(Trouble::Failed(WireError::new(ErrorCode::TooLarge, message)));
        }
        if let Some(upload) = self.request.upload.clone() {
            let request = UploadRequest {
                upload: Some(upload),
                ..UploadRequest::default()
            };
            match self.ask(request).await {
                Ok(opened) => return Ok(Opened::Open(opened)),
                Err(error) if error.is_refused(ErrorCode::NotFound) => {}
                Err(error) => return Err(trouble(error)),
            }
            // It was given up, or sent and the answer was lost.
            match self.connection.request(&self.as_request()).await {
                Ok(reply) => return Ok(Opened::Sent(reply)),
                Err(Error::Refused(error)) if error.field.as_deref() == Some("upload") => {
                    self.forget_upload().await?;
                }
                Err(error) => return Err(trouble(error)),
            }
        }
        let request = UploadRequest {
            size: Some(size),
            file_name: Some(self.request.file_name.clone()),
            client_id: Some(self.opening_id()?),
            ..UploadRequest::default()
        };
        let opened = self.ask(request).await.map_err(trouble)?;
        self.request.upload.clone_from(&opened.upload);
        self.save().await?;
        Ok(Opened::Open(opened))
    }

    /// Sends the file, whose bytes are there.
    async fn commit(&mut self) -> Result<Box<RawValue>, Trouble> {
        self.live.committed.store(true, Ordering::Release);
        let item = self.shared.copy.store.item(self.item.id).await?;
        if item.is_none_or(|item| item.state != ItemState::Transfer) {
            return Err(Trouble::Stopped);
        }
        match self.connection.request(&self.as_request()).await {
            // What is there isn't what was read here.
            Err(Error::Refused(error)) if error.code == ErrorCode::Conflict => {
                // If it can't be told now, the server gives it up in time.
                let _ = self.give_up().await;
                self.forget_upload().await?;
                Err(Trouble::Failed(error))
            }
            Err(Error::Refused(error)) if error.field.as_deref() == Some("upload") => {
                Err(Trouble::Later(Error::Refused(error)))
            }
            result => result.map_err(trouble),
        }
    }

    /// Frees the room that an upload takes.
    async fn give_up(&mut self) -> Result<(), Trouble> {
        let request = match self.request.upload.clone() {
            Some(upload) => UploadRequest {
                upload: Some(upload),
                ..UploadRequest::default()
            },
            // It may have been opened without this being known here.
            None => UploadRequest {
                size: self.item.size,
                client_id: Some(self.opening_id()?),
                ..UploadRequest::default()
            },
        };
        let opened = self.ask(request).await.map_err(trouble)?;
        let way = Way {
            url: opened.url,
            ticket: opened.ticket,
        };
        self.delete(&way).await
    }

    async fn abandon(&mut self, way: &Way) -> Result<(), Trouble> {
        self.forget_upload().await?;
        self.delete(way).await
    }

    async fn delete(&self, way: &Way) -> Result<(), Trouble> {
        let line = Line::open(&self.target.server, &self.target.trust).await;
        let mut line = line.map_err(Trouble::Later)?;
        Ok(line.delete(way).await?)
    }

    async fn ask(&self, request: UploadRequest) -> Result<Found, Error> {
        self.connection.call(&Request::Upload(request)).await
    }

    fn as_request(&self) -> Request {
        Request::File(self.request.clone())
    }

    /// The key by which the opening happens once.
    fn opening_id(&self) -> Result<ClientId, Trouble> {
        let id = format!("{} upload", self.item.new.client_id);
        ClientId::try_from(id).map_err(|error| Trouble::Chat(Error::Local(error.to_string())))
    }

    async fn forget_upload(&mut self) -> Result<(), Trouble> {
        (self.request.upload, self.request.hash) = (None, None);
        self.live.set(0);
        self.save().await
    }

    async fn save(&self) -> Result<(), Trouble> {
        let request = to_json(&self.as_request()).map_err(Trouble::Chat)?;
        let store = &self.shared.copy.store;
        match store.update(self.item.id, ItemChange::Request(request)).await? {
            true => Ok(()),
            false => Err(Trouble::Stopped),
        }
    }
}

/// What a refusal of the chat's connection means for a transfer: a full disk won't be emptier soon.
pub(super) fn trouble(error: Error) -> Trouble {
    match error {
        Error::Refused(error) if error.code == ErrorCode::Storage => Trouble::Failed(error),
        error => Trouble::Chat(error),
    }
}
