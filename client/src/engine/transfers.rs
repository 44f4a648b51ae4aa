//! Files of any size: what a program asks for. The bytes go over HTTP beside the chat, as far as the line and the limit let them, and
//! go on where they were after a cut, a pause or a restart.

mod blank;
#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(not(target_arch = "wasm32"))]
mod download;
#[cfg(not(target_arch = "wasm32"))]
mod hashes;
mod live;
#[cfg(not(target_arch = "wasm32"))]
mod native;
mod pace;
#[cfg(not(target_arch = "wasm32"))]
mod reading;
mod running;
mod upload;

use kith_common::{
    Base64Bytes, DownloadReply, DownloadRequest, FileDetails, FileHash, FileName, FileRequest, Request,
    WireError,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use super::{Command, Engine, EngineError, Pending, Progress, To, lock};
use crate::http::HttpError;
#[cfg(not(target_arch = "wasm32"))]
use crate::local_store::LocalFile;
use crate::local_store::{Item, Source, StoreError};
use crate::session::new_client_id;
use crate::{Error, limits};

pub use blank::Blank;
#[cfg(not(target_arch = "wasm32"))]
pub use reading::FileBytes;

pub(super) use live::Live;
pub(super) use pace::Pace;
pub(super) use running::{Running, Transferred};

/// Where the bytes of a file are that is sent.
pub enum FileSource {
    /// Here. What a native program sends so is kept in the outbox, and has at most [`limits::KEPT_FILE`] bytes.
    Bytes(Vec<u8>),
    /// In a file of this device. It has to stay as it is until it is sent: one that was changed meanwhile fails.
    #[cfg(not(target_arch = "wasm32"))]
    Path(std::path::PathBuf),
    /// The same, without these parts of it. The file stays as it is; what is kept with the outbox is where they lie.
    #[cfg(not(target_arch = "wasm32"))]
    PathWithout(std::path::PathBuf, Vec<Blank>),
    /// In what a browser holds, or a file that a person has chosen there. It is kept with the outbox.
    #[cfg(target_arch = "wasm32")]
    Blob(web_sys::Blob),
}

impl From<Vec<u8>> for FileSource {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl From<std::path::PathBuf> for FileSource {
    fn from(path: std::path::PathBuf) -> Self {
        Self::Path(path)
    }
}

#[cfg(target_arch = "wasm32")]
impl From<web_sys::Blob> for FileSource {
    fn from(blob: web_sys::Blob) -> Self {
        Self::Blob(blob)
    }
}

/// A file that is on its way, or is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its id in the outbox.
    pub id: u64,
    /// Where it goes.
    pub direction: Direction,
    /// How far it has come.
    pub progress: Progress,
    /// How many bytes are there, as far as that is known: an engine that was just opened knows it when the transfer goes on.
    pub done: u64,
    /// How many there will be; 0 where that isn't known yet.
    pub total: u64,
    /// When it was begun by this device's clock, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
}

/// What a server knows of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// What it is called.
    pub name: FileName,
    /// Its size in bytes.
    pub size: u64,
    /// The BLAKE3 of its bytes.
    pub hash: FileHash,
}

/// Where a file goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the server. [`Engine::outbox`] says what it is.
    Up {
        /// Where it lies, if it lies in a file.
        #[cfg(not(target_arch = "wasm32"))]
        path: Option<std::path::PathBuf>,
    },
    /// From the server.
    Down {
        /// The file's id.
        file: String,
        /// Where it will be.
        #[cfg(not(target_arch = "wasm32"))]
        path: std::path::PathBuf,
    },
}

/// Why a transfer doesn't go on.
pub(super) enum Trouble {
    /// The chat's connection says it.
    Chat(Error),
    /// It may go on later.
    Later(Error),
    /// It can't be done.
    Failed(WireError),
    /// It was paused or called off.
    Stopped,
    /// The store fails.
    Store(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<HttpError> for Trouble {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Line(error) => Self::Later(error),
            // Too large, no room.
            HttpError::Refused {
                status: 413 | 507,
                error,
            } => Self::Failed(error),
            // A fresh ticket, or another look at what is there, may help.
            HttpError::Refused {
                status: 401 | 404 | 408..=410 | 423 | 429 | 500..,
                error,
            } => Self::Later(Error::Refused(error)),
            HttpError::Refused { error, .. } => Self::Failed(error),
        }
    }
}

impl Engine {
    /// Sends a file of any size, perhaps as an answer to the message or file with this number. Returns its id in the outbox, where it
    /// is safe.
    ///
    /// A small file goes in the order of what is written to the conversation; a larger one is uploaded beside it, and has its
    /// place when it has arrived. [`super::Change::Transfer`] tells how far it is.
    ///
    /// # Errors
    /// As [`Engine::send`]; the file can't be read; bytes are too many to be kept.
    pub async fn send_file(
        &self,
        to: impl Into<To>,
        name: FileName,
        source: impl Into<FileSource>,
        details: FileDetails,
        reply_to: Option<u64>,
    ) -> Result<u64, EngineError> {
        let (receiver, conversation, lane) = self.place(to.into())?;
        let client_id = new_client_id()?;
        let mut request = FileRequest {
            receiver,
            conversation,
            reply_to,
            media_type: details.media_type,
            width: details.width,
            height: details.height,
            thumbhash: details.thumbhash,
            client_id: Some(client_id.clone()),
            ..FileRequest::new(name)
        };
        match kept(source.into()).await? {
            Kept::Inline(bytes) => {
                // The bytes are kept beside the request.
                request.file_data = Some(Base64Bytes::default());
                self.enqueue(lane, Request::File(request), Some(bytes), None)
                    .await
            }
            Kept::Upload(bytes, source) => {
                let lane = format!("file {}", String::from(client_id));
                self.enqueue(lane, Request::File(request), bytes, Some(source))
                    .await
            }
        }
    }

    /// Fetches a file of any size, by the id that its message gives, to a path where nothing is yet. Returns its id among
    /// [`Engine::transfers`]; [`Engine::settled`] waits for its end. Until it is whole and its hash is right, its bytes lie
    /// beside the path, in a file that ends in `.part`.
    ///
    /// The same file to the same path again goes on with what was begun.
    ///
    /// # Errors
    /// Something is there; the outbox can't be written.
    #[cfg(not(target_arch = "wasm32"))]
    pub async fn download(
        &self,
        file: &str,
        path: impl Into<std::path::PathBuf>,
    ) -> Result<u64, EngineError> {
        self.download_to(file, path.into(), false).await
    }

    /// As [`Engine::download`], to a path where a file may be, whose place it takes. That one stays until the new one is whole; if it
    /// is changed meanwhile, it stays for good.
    ///
    /// # Errors
    /// Something else than a file is there; the outbox can't be written.
    #[cfg(not(target_arch = "wasm32"))]
    pub async fn download_over(
        &self,
        file: &str,
        path: impl Into<std::path::PathBuf>,
    ) -> Result<u64, EngineError> {
        self.download_to(file, path.into(), true).await
    }

    #[cfg(not(target_arch = "wasm32"))]
    async fn download_to(
        &self,
        file: &str,
        path: std::path::PathBuf,
        over: bool,
    ) -> Result<u64, EngineError> {
        let path = std::path::absolute(path).map_err(|error| EngineError::File(error.to_string()))?;
        let there = path.try_exists().unwrap_or(false);
        let source = match there && over {
            true => Source::Over(native::local_file(&path)?),
            false => Source::Target(path),
        };
        let store = &self.shared().copy.store;
        for item in store.outbox().await? {
            let same = item.new.source.as_ref().and_then(Source::target) == source.target();
            if same && download::file_of(&item.new.request).is_some_and(|other| other == file) {
                match item.state {
                    crate::local_store::ItemState::Failed(_) => self.retry(item.id).await?,
                    _ => self.resume(item.id).await?,
                }
                return Ok(item.id);
            }
        }
        if let Source::Target(path) = &source
            && there
        {
            return Err(EngineError::File(download::is_there(path)));
        }
        let request = Request::Download(DownloadRequest {
            file: file.to_owned(),
        });
        let lane = format!("file {}", String::from(new_client_id()?));
        self.enqueue(lane, request, None, Some(source)).await
    }

    /// What the server knows of a file, by the id that its message gives.
    ///
    /// # Errors
    /// There is no connection; the server refuses.
    pub async fn file_info(&self, file: &str) -> Result<FileInfo, EngineError> {
        let DownloadReply {
            file_name,
            size,
            hash,
            ..
        } = self.way_to(file).await?;
        Ok(FileInfo {
            name: file_name,
            size,
            hash,
        })
    }

    /// Where a browser finds a file's bytes for the next hour: an address for pictures, sounds, videos and links. Whoever has it can
    /// read the file, so it belongs into no text and no log.
    ///
    /// # Errors
    /// There is no connection; the server refuses.
    pub async fn file_url(&self, file: &str) -> Result<String, EngineError> {
        /// All of it that a browser needs.
        #[derive(Deserialize)]
        struct Media {
            media_url: String,
        }
        let media: Media = self.way_to(file).await?;
        Ok(format!("https://{}{}", self.shared().server, media.media_url))
    }

    async fn way_to<T: DeserializeOwned>(&self, file: &str) -> Result<T, EngineError> {
        let file = file.to_owned();
        let request = Request::Download(DownloadRequest { file });
        Ok(self.connection()?.call(&request).await?)
    }

    /// The files that are on their way, or are to be, or failed, in order.
    ///
    /// # Errors
    /// The outbox can't be read.
    pub async fn transfers(&self) -> Result<Vec<Transfer>, EngineError> {
        let shared = self.shared();
        let sending = lock(&shared.sending).clone();
        let items = shared.copy.store.outbox().await?;
        let lives = lock(&shared.lives);
        let transfer = |item: Item| {
            let live = lives.get(&item.id);
            Some(Transfer {
                id: item.id,
                direction: direction(&item)?,
                time: item.new.time,
                progress: Pending::progress(item.state, sending.contains(&item.id))?,
                done: live.map_or(0, |live| live.done()),
                total: live.map(|live| live.total()).or(item.size).unwrap_or_default(),
            })
        };
        Ok(items.into_iter().filter_map(transfer).collect())
    }

    /// Holds a transfer up until [`Engine::resume`], over restarts too.
    ///
    /// # Errors
    /// It isn't one that can be held up: it is there already, failed, or is no transfer; the outbox can't be written.
    pub async fn pause(&self, id: u64) -> Result<(), EngineError> {
        let (reply, answer) = oneshot::channel();
        self.command(Command::Pause(id, reply)).await;
        answer.await.map_err(|_| EngineError::Closed)?
    }

    /// Goes on with a transfer that was held up. Does nothing to one that wasn't.
    ///
    /// # Errors
    /// It is no transfer any more; the outbox can't be written.
    pub async fn resume(&self, id: u64) -> Result<(), EngineError> {
        use crate::local_store::{ItemChange, ItemState};
        let store = &self.shared().copy.store;
        match store.item(id).await?.map(|item| item.state) {
            Some(ItemState::Paused) => {
                store.update(id, ItemChange::State(ItemState::Transfer)).await?;
                self.shared().progress(id, Progress::Waiting);
                self.command(Command::Send).await;
                Ok(())
            }
            Some(ItemState::Transfer) => Ok(()),
            _ => Err(EngineError::NotPending),
        }
    }

    /// Limits what all transfers together take, up and down, to so many bytes a second. It holds until this engine ends.
    pub fn set_bandwidth(&self, bytes_a_second: Option<u64>) {
        self.shared().pace.set(bytes_a_second);
    }
}

/// What is kept of a file that is to be sent.
enum Kept {
    /// All of it, for the request.
    Inline(Vec<u8>),
    /// What is to be uploaded.
    Upload(Option<Vec<u8>>, Source),
}

#[cfg(not(target_arch = "wasm32"))]
async fn kept(source: FileSource) -> Result<Kept, EngineError> {
    match source {
        FileSource::Bytes(bytes) if bytes.len() <= limits::INLINE_FILE => Ok(Kept::Inline(bytes)),
        FileSource::Bytes(bytes) if bytes.len() <= limits::KEPT_FILE => {
            Ok(Kept::Upload(Some(bytes), Source::Kept))
        }
        FileSource::Bytes(bytes) => Err(EngineError::TooLarge {
            size: bytes.len(),
            limit: limits::KEPT_FILE,
        }),
        FileSource::Path(path) => look(path, Vec::new()).await,
        FileSource::PathWithout(path, blanks) => look(path, blanks).await,
    }
}

#[cfg(not(target_arch = "wasm32"))]
async fn look(path: std::path::PathBuf, blanks: Vec<Blank>) -> Result<Kept, EngineError> {
    let looking = tokio::task::spawn_blocking(move || native::look(&path, blanks));
    looking.await.map_err(|_| EngineError::Closed)?
}

#[cfg(target_arch = "wasm32")]
async fn kept(source: FileSource) -> Result<Kept, EngineError> {
    let blob = match source {
        FileSource::Bytes(bytes) if bytes.len() <= limits::INLINE_FILE => return Ok(Kept::Inline(bytes)),
        FileSource::Bytes(bytes) => browser::blob_of(&bytes)?,
        FileSource::Blob(blob) if blob.size() <= limits::INLINE_FILE as f64 => {
            return browser::bytes_of(&blob).await.map(Kept::Inline);
        }
        FileSource::Blob(blob) => blob,
    };
    Ok(Kept::Upload(None, Source::Blob(Some(blob))))
}

#[cfg(not(target_arch = "wasm32"))]
fn direction(item: &Item) -> Option<Direction> {
    Some(match item.new.source.as_ref()? {
        Source::Target(path) | Source::Over(LocalFile { path, .. }) => Direction::Down {
            file: download::file_of(&item.new.request)?,
            path: path.clone(),
        },
        Source::Path(file) => Direction::Up {
            path: Some(file.path.clone()),
        },
        Source::Kept => Direction::Up { path: None },
    })
}

#[cfg(target_arch = "wasm32")]
fn direction(item: &Item) -> Option<Direction> {
    item.new.source.as_ref().map(|_| Direction::Up {})
}
