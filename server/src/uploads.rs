//! Uploads, from their opening to the file that can be announced, whoever asks: the protocol's `upload` or tus over HTTP.
//!
//! What an upload is stands in the database (`store/uploads.rs`), what came of it in `ID.part` (`blobs/part.rs`). Here is what
//! is only in memory: who is receiving right now, and hashes to go on with.

mod receive;
mod receiver;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use kith_common::{ErrorCode, WireError};
use quick_cache::sync::Cache;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::FileLimits;
use crate::handlers::{describe, too_many};
use crate::server::Server;
use crate::store::{Account, AccountId, ClientKey, NewUpload, Room, StoreError, Upload};

pub(crate) use receive::{Checksum, Failure, Incoming, Received, receive};

/// How long a request waits for the one before it to let go of an upload, and how often it says so.
const TAKE_OVER: Duration = Duration::from_secs(20);
const TAKE_OVER_AGAIN: Duration = Duration::from_millis(200);

/// Hashes of unfinished uploads that are remembered, of two kilobytes each. Others are computed from the file again.
const HASHERS: usize = 1024;

/// Uploads that are given up in one transaction.
const EXPIRED: u64 = 500;

const MILLISECONDS_AN_HOUR: i64 = 60 * 60 * 1000;

/// The uploads of all accounts, as far as they are in memory.
pub struct Uploads {
    slots: Arc<DashMap<String, Arc<Slot>>>,
    hashers: Cache<String, (u64, blake3::Hasher)>,
    /// What is being received, apart from the requests that it comes with: these may end at any moment.
    pub(crate) tasks: TaskTracker,
}

/// An upload that requests deal with.
#[derive(Default)]
struct Slot {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Tells the request whose turn it is that another one wants it.
    stop: Mutex<CancellationToken>,
}

/// The turn to deal with an upload; nobody else does until it is dropped.
pub(crate) struct Claim {
    slots: Arc<DashMap<String, Arc<Slot>>>,
    id: String,
    /// Somebody else wants it.
    pub(crate) stop: CancellationToken,
    turn: Option<OwnedMutexGuard<()>>,
}

/// What an upload is opened with.
pub(crate) struct Opening {
    /// How many bytes it will have, where that is known.
    pub(crate) size: Option<u64>,
    /// What the client says of it.
    pub(crate) metadata: String,
    /// The idempotency key.
    pub(crate) client: Option<ClientKey>,
}

impl Uploads {
    /// Nobody has sent anything yet.
    pub fn new() -> Self {
        Self {
            slots: Arc::default(),
            hashers: Cache::new(HASHERS),
            tasks: TaskTracker::new(),
        }
    }

    /// Waits for the turn to deal with an upload. Whoever receives it right now is told to stop, and keeps what has come: a client that
    /// asks again knows better than the server that its connection broke. `None` when that takes too long.
    pub(crate) async fn claim(&self, id: &str) -> Option<Claim> {
        let slot = self.slots.entry(id.to_owned()).or_default().clone();
        let deadline = Instant::now() + TAKE_OVER;
        let turn = loop {
            slot.stop().cancel();
            match timeout(TAKE_OVER_AGAIN, slot.turn.clone().lock_owned()).await {
                Ok(turn) => break turn,
                Err(_) if Instant::now() < deadline => {}
                Err(_) => return None,
            }
        };
        let stop = CancellationToken::new();
        slot.set_stop(stop.clone());
        Some(Claim {
            slots: self.slots.clone(),
            id: id.to_owned(),
            stop,
            turn: Some(turn),
        })
    }

    /// Whoever receives this upload is to stop: it is given up.
    pub(crate) fn stop(&self, id: &str) {
        if let Some(slot) = self.slots.get(id) {
            slot.stop().cancel();
        }
        self.hashers.remove(id);
    }
}

impl Default for Uploads {
    fn default() -> Self {
        Self::new()
    }
}

impl Slot {
    fn stop(&self) -> CancellationToken {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_stop(&self, stop: CancellationToken) {
        *self.stop.lock().unwrap_or_else(PoisonError::into_inner) = stop;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.turn.take();
        // One that nobody waits for is held by the map alone.
        self.slots
            .remove_if(&self.id, |_, slot| Arc::strong_count(slot) == 1);
    }
}

impl FileLimits {
    /// The room for files.
    pub(crate) fn room(&self) -> Room {
        let bytes = |limit: u64| i64::try_from(limit).unwrap_or(i64::MAX);
        Room {
            account: bytes(self.account_bytes),
            server: if self.server_bytes == 0 {
                i64::MAX
            } else {
                bytes(self.server_bytes)
            },
        }
    }

    /// When an upload is given up of which the last byte came now.
    pub(crate) fn expiry(&self, now: i64) -> i64 {
        now.saturating_add(i64::from(self.upload_hours).saturating_mul(MILLISECONDS_AN_HOUR))
    }
}

/// Opens an upload, if it and its owner keep to the limits.
///
/// # Errors
/// They don't, or the server has no room; nothing is opened then.
pub(crate) async fn open(server: &Server, account: &Account, opening: Opening) -> Result<Upload, WireError> {
    let limits = &server.config.files;
    // One that is open already takes nothing more.
    if let Some(client) = &opening.client {
        let earlier = server.store.upload_opened_with(account.id, client).await;
        if let Some(upload) = earlier.map_err(|error| store_error(&error))? {
            return Ok(upload);
        }
    }
    let size = opening.size.unwrap_or_default();
    if size > limits.largest_bytes {
        return Err(too_large(limits));
    }
    server.limiter.upload(account.id).map_err(too_many)?;
    require_room(server, size).await?;
    let id = server.blobs.new_id().map_err(|error| disk_error(&error))?;
    let new = NewUpload {
        id,
        size: opening.size,
        metadata: opening.metadata,
        client: opening.client,
        expires_at: limits.expiry(server.clock.now()),
        at_most: limits.uploads_per_account.into(),
    };
    let opened = server.store.open_upload(account.id, new, limits.room()).await;
    let upload = opened.map_err(|error| store_error(&error))?;
    if upload.size == Some(0) && upload.hash.is_none() {
        return complete_empty(server, upload).await;
    }
    Ok(upload)
}

/// Nothing is left to be received of a file without bytes.
async fn complete_empty(server: &Server, mut upload: Upload) -> Result<Upload, WireError> {
    let finished = async {
        let part = server.blobs.part(&upload.id, 0, None).await?;
        crate::blobs::blocking(move || part.finish()).await
    };
    upload.hash = Some(finished.await.map_err(|error| disk_error(&error))?);
    if let Some(blob) = upload.blob() {
        let completed = server
            .store
            .complete_upload(upload.account, blob, upload.expires_at)
            .await;
        completed.map_err(|error| store_error(&error))?;
    }
    Ok(upload)
}

/// Gives an upload up. Whoever sends it is stopped first.
///
/// # Errors
/// The account has none of this id, or the database failed.
pub(crate) async fn abandon(server: &Server, account: AccountId, id: &str) -> Result<(), StoreError> {
    let claim = server.uploads.claim(id).await.ok_or(StoreError::Busy)?;
    server.store.drop_upload(account, id.to_owned()).await?;
    server.uploads.stop(id);
    delete_file(server, id).await;
    drop(claim);
    Ok(())
}

/// Gives up what nobody has gone on with for long.
pub(crate) async fn expire(server: &Server) {
    loop {
        let now = server.clock.now();
        let expired = match server.store.drop_expired_uploads(now, EXPIRED).await {
            Ok(expired) => expired,
            Err(error) => {
                tracing::error!(target: "error", %error, "giving up old uploads failed");
                return;
            }
        };
        for id in &expired {
            server.uploads.stop(id);
            delete_file(server, id).await;
            tracing::info!(target: "transfer", user = "-", file = id, "upload given up");
        }
        if (expired.len() as u64) < EXPIRED {
            return;
        }
    }
}

/// Deletes a file that nothing needs any more. If that fails, the next start does it.
pub(crate) async fn delete_file(server: &Server, id: &str) {
    if let Err(error) = server.blobs.delete(id).await {
        tracing::warn!(target: "error", file = id, %error, "a file that nothing needs could not be deleted");
    }
}

/// Makes sure that the disk has room for so many bytes more than it was promised already.
async fn require_room(server: &Server, bytes: u64) -> Result<(), WireError> {
    let outstanding = server.store.outstanding().await;
    let promised = outstanding.map_err(|error| store_error(&error))?;
    let room = server.blobs.room().await.map_err(|error| disk_error(&error))?;
    if promised.saturating_add(bytes) > room {
        return Err(server_full());
    }
    Ok(())
}

pub(crate) fn too_large(limits: &FileLimits) -> WireError {
    let message = format!("a file has at most {} bytes on this server", limits.largest_bytes);
    WireError::field(ErrorCode::TooLarge, "size", message)
}

fn server_full() -> WireError {
    describe(&StoreError::ServerFull)
}

/// What the database said goes to the log.
pub(crate) fn store_error(error: &StoreError) -> WireError {
    if let StoreError::Database(_) = error {
        tracing::error!(target: "error", %error, "the database failed");
    }
    describe(error)
}

/// What the disk said goes to the log.
pub(crate) fn disk_error(error: &std::io::Error) -> WireError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return server_full();
    }
    tracing::error!(target: "error", %error, "a file could not be written");
    WireError::new(
        ErrorCode::Storage,
        "the server could not store the file; try again later",
    )
}
