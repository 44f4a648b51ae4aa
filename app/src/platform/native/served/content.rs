//! What is found under an address, and where its bytes come from.

use std::io::{self, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;
use kith_client::{Engine, EngineError, FileBytes, Identity, WeakEngine, system_reason};
use quick_cache::Weighter;
use quick_cache::unsync::Cache;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::{SERVED, lock};
use crate::model::files::HEAD;
use crate::model::media::media_type;

/// Received files up to this size are fetched whole, with the chat, in bytes; larger ones are read beside it, as they are wanted.
const SMALL: u64 = kith_common::limits::INLINE_FILE as u64;

/// Bytes of small files that are kept, so that what comes into sight again isn't fetched again.
const RECENT: u64 = 32 * 1024 * 1024;

/// Small files that may be among them.
const RECENT_FILES: usize = 256;

/// Bytes that are read of a file of this device at a time.
const PIECE: usize = 256 * 1024;

/// How often in a row a file is asked for anew that breaks off without a byte.
const TRIES: u32 = 3;

/// Where the bytes of a file are.
#[derive(Clone)]
pub(in crate::platform::native) enum Content {
    /// In memory.
    Bytes(Bytes),
    /// On the disk.
    Path(PathBuf),
    /// On the server.
    Sent(Sent),
}

/// A file of a conversation. It doesn't keep its account going.
#[derive(Clone)]
pub(in crate::platform::native) struct Sent {
    engine: WeakEngine,
    /// Whose it is.
    me: Identity,
    /// Its id.
    file: String,
}

/// What is found under an address.
pub(super) struct Entry {
    content: Content,
    /// Its media type, as its first bytes tell it.
    pub(super) media: String,
    /// Its size in bytes.
    pub(super) size: u64,
}

impl Entry {
    /// That of a file of this device, or of bytes.
    pub(super) async fn new(content: Content, media: String) -> Result<Self, EngineError> {
        let size = match &content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Path(path) => {
                let found = tokio::fs::metadata(path).await;
                found
                    .map_err(|error| EngineError::File(system_reason(&error)))?
                    .len()
            }
            Content::Sent(sent) => sent.engine()?.file_info(&sent.file).await?.size,
        };
        Ok(Self { content, media, size })
    }

    /// That of a received file, and its bytes if it is small. What its sender says it is counts for nothing here.
    pub(super) async fn sent(engine: &Engine, file: String) -> Result<(Self, Option<Bytes>), EngineError> {
        let sent = Sent {
            engine: engine.downgrade(),
            me: engine.me().clone(),
            file,
        };
        let size = engine.file_info(&sent.file).await?.size;
        let (head, bytes) = if size <= SMALL {
            let bytes = sent.whole().await?;
            (bytes.clone(), Some(bytes))
        } else {
            (sent.read(0).await?.next().await?.unwrap_or_default(), None)
        };
        let head = head.get(..head.len().min(HEAD as usize)).unwrap_or_default();
        let media = media_type(head).unwrap_or("application/octet-stream").to_owned();
        let content = Content::Sent(sent);
        Ok((Self { content, media, size }, bytes))
    }

    /// Whether it is one that an account received, or this one.
    pub(super) fn is_of(&self, account: &Engine, one: Option<&str>) -> bool {
        matches!(&self.content, Content::Sent(sent)
            if sent.me == *account.me() && one.is_none_or(|one| one == sent.file))
    }

    /// Whether its account was closed.
    pub(super) fn is_over(&self) -> bool {
        matches!(&self.content, Content::Sent(sent) if sent.engine.upgrade().is_none())
    }

    /// Its bytes, from some on.
    pub(super) async fn open(&self, secret: &str, from: u64) -> Result<Reading, EngineError> {
        let unreadable = |error: io::Error| EngineError::File(system_reason(&error));
        Ok(match &self.content {
            Content::Bytes(bytes) => Reading::Bytes(rest(bytes, from)),
            Content::Path(path) => {
                let mut file = tokio::fs::File::open(path).await.map_err(unreadable)?;
                file.seek(SeekFrom::Start(from)).await.map_err(unreadable)?;
                Reading::File(file)
            }
            Content::Sent(sent) if self.size <= SMALL => {
                let known = lock(&SERVED.recent).get(secret);
                let bytes = match known {
                    Some(bytes) => bytes,
                    None => {
                        let bytes = sent.whole().await?;
                        SERVED.remember(secret, bytes.clone());
                        bytes
                    }
                };
                Reading::Bytes(rest(&bytes, from))
            }
            Content::Sent(sent) => Reading::Sent {
                bytes: sent.read(from).await?,
                sent: sent.clone(),
                at: from,
                left_to_try: TRIES,
            },
        })
    }
}

impl Sent {
    fn engine(&self) -> Result<Engine, EngineError> {
        self.engine.upgrade().ok_or(EngineError::Closed)
    }

    async fn whole(&self) -> Result<Bytes, EngineError> {
        Ok(self.engine()?.file(&self.file).await?.file_data.0.into())
    }

    async fn read(&self, from: u64) -> Result<FileBytes, EngineError> {
        self.engine()?.read_file(&self.file, from).await
    }
}

fn rest(bytes: &Bytes, from: u64) -> Bytes {
    let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(from..)
}

/// A file that is being read.
pub(super) enum Reading {
    /// What is left of it.
    Bytes(Bytes),
    /// From the disk.
    File(tokio::fs::File),
    /// From the server. What plays a film may take no byte of it for so long that the server gives up, and be right.
    Sent {
        sent: Sent,
        at: u64,
        bytes: FileBytes,
        left_to_try: u32,
    },
}

impl Reading {
    /// Some of the next bytes; none at the end.
    pub(super) async fn next(&mut self) -> io::Result<Bytes> {
        match self {
            Self::Bytes(left) => Ok(left.split_to(left.len().min(PIECE))),
            Self::File(file) => {
                let mut piece = bytes::BytesMut::with_capacity(PIECE);
                file.read_buf(&mut piece).await?;
                Ok(piece.freeze())
            }
            Self::Sent {
                sent,
                at,
                bytes,
                left_to_try,
            } => loop {
                match bytes.next().await {
                    Ok(piece) => {
                        let piece = piece.unwrap_or_default();
                        *at += piece.len() as u64;
                        *left_to_try = TRIES;
                        return Ok(piece);
                    }
                    Err(error) if *left_to_try == 0 => return Err(io::Error::other(error)),
                    Err(_) => {
                        *left_to_try -= 1;
                        *bytes = sent.read(*at).await.map_err(io::Error::other)?;
                    }
                }
            },
        }
    }
}

/// Small files that were fetched, as many as there is room for; those that weren't asked for longest go first.
pub(super) struct Recent(Cache<String, Bytes, Size>);

#[derive(Clone)]
struct Size;

impl Weighter<String, Bytes> for Size {
    fn weight(&self, _secret: &String, bytes: &Bytes) -> u64 {
        bytes.len() as u64
    }
}

impl Recent {
    pub(super) fn new() -> Self {
        Self(Cache::with_weighter(RECENT_FILES, RECENT, Size))
    }

    pub(super) fn get(&self, secret: &str) -> Option<Bytes> {
        self.0.get(secret).cloned()
    }

    pub(super) fn insert(&mut self, secret: String, bytes: Bytes) {
        self.0.insert(secret, bytes);
    }

    pub(super) fn remove(&mut self, secret: &str) {
        self.0.remove(secret);
    }
}
