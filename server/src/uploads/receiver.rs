//! The bytes of an upload on their way from a connection to the disk.
//!
//! They are gathered to large writes; while one is written and hashed on a thread that may wait, the next one is gathered. The memory of
//! both is used again and again. Now and then what is written is synced and noted in the database, beside the writing, so that the sync at
//! the end is short and no burst of dirty pages holds up the commits of messages.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::BodyDataStream;
use bytes::Bytes;
use futures_util::StreamExt as _;
use kith_common::DeviceId;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::receive::{Checksum, Failure, Received};
use super::{Claim, disk_error, store_error, too_large};
use crate::blobs::{Part, blocking};
use crate::server::Server;
use crate::store::{NewBlob, StoreError, Upload};

/// Bytes that are written at once, from a multiple of them on. With those that are gathered meanwhile a transfer holds twice as many.
/// Less means more hand-overs between threads.
const WRITE: usize = 512 * 1024;

/// What is written is synced after so many bytes, or after such a time.
const CHECKPOINT: u64 = 32 * 1024 * 1024;
const CHECKPOINT_EVERY: Duration = Duration::from_secs(30);

/// How long nothing may come before the request is ended.
const SILENCE: Duration = Duration::from_secs(60);

/// Who has to let go of an upload takes in first what is already here: until nothing has come for a moment, but not for long.
const QUIET: Duration = Duration::from_millis(100);
const LAST: Duration = Duration::from_secs(2);

/// Room is reserved in such steps where the size isn't known.
const GROW: u64 = 8 * 1024 * 1024;

/// What comes back from a write: the file, the memory of what was written, and how it went.
type Written = (Part, Vec<u8>, io::Result<()>);

/// What comes of an upload within a request.
pub(super) struct Receiver {
    pub(super) server: Arc<Server>,
    device: DeviceId,
    pub(super) upload: Upload,
    /// So many bytes may come.
    reserved: u64,
    /// What came last and isn't gathered yet.
    came: Bytes,
    /// What is to be written next.
    gathered: Vec<u8>,
    /// Its memory is used next.
    spare: Vec<u8>,
    /// How far it is with all that was gathered.
    offset: u64,
    /// `None` while it is being written to.
    part: Option<Part>,
    writing: Option<JoinHandle<Written>>,
    syncing: Option<JoinHandle<Result<(), Failure>>>,
    /// How far it was when it was synced last, and when that was.
    synced: u64,
    synced_at: Instant,
    checksum: Option<Checksum>,
}

impl Receiver {
    /// Goes on with what is there of an upload.
    pub(super) fn new(
        server: Arc<Server>,
        device: DeviceId,
        upload: Upload,
        part: Part,
        checksum: Option<Checksum>,
    ) -> Self {
        let start = upload.stored;
        Self {
            server,
            device,
            reserved: upload.size.unwrap_or(upload.reserved),
            came: Bytes::new(),
            gathered: Vec::new(),
            spare: Vec::new(),
            offset: start,
            part: Some(part),
            writing: None,
            syncing: None,
            synced: start,
            synced_at: Instant::now(),
            checksum,
            upload,
        }
    }

    /// Can be cancelled, and then be called again.
    pub(super) async fn take_all(&mut self, body: &mut BodyDataStream, claim: &Claim) -> Result<(), Failure> {
        let server = self.server.clone();
        let (stopped, stopping) = (claim.stop.cancelled(), server.shutdown.cancelled());
        let (mut patience, mut last): (Duration, Option<Instant>) = (SILENCE, None);
        // One for all, put off when it is over: to set it for each piece would wake up the thread that waits for the earliest.
        let silence = sleep(patience);
        tokio::pin!(stopped, stopping, silence);
        let mut came_at = Instant::now();
        loop {
            if self.take_in().await? {
                if last.is_none() && claim.stop.is_cancelled() {
                    (patience, last) = (QUIET, Some(Instant::now() + LAST));
                    silence.as_mut().reset(came_at + patience);
                }
                if last.is_some_and(|last| Instant::now() >= last) {
                    return Err(Failure::TakenOver);
                }
                if server.shutdown.is_cancelled() {
                    return Err(Failure::Stopping);
                }
            }
            tokio::select! {
                // In this order, so that who sends all the time costs no looks at the others.
                biased;
                next = body.next() => match next {
                    Some(Ok(bytes)) => (self.came, came_at) = (bytes, Instant::now()),
                    Some(Err(_)) => return Err(Failure::Cut),
                    None => return Ok(()),
                },
                () = &mut silence => {
                    let end = came_at + patience;
                    if Instant::now() < end {
                        silence.as_mut().reset(end);
                    } else if last.is_some() {
                        return Err(Failure::TakenOver);
                    } else {
                        return Err(Failure::Silent);
                    }
                }
                () = &mut stopped, if last.is_none() => {
                    (patience, last) = (QUIET, Some(Instant::now() + LAST));
                    came_at = Instant::now();
                    silence.as_mut().reset(came_at + patience);
                }
                () = &mut stopping => return Err(Failure::Stopping),
            }
        }
    }

    /// Gathers what came, and begins to write where there is enough. Returns whether it was.
    async fn take_in(&mut self) -> Result<bool, Failure> {
        self.admit().await?;
        let mut is_written = false;
        while !self.came.is_empty() {
            self.gather();
            if self.offset.is_multiple_of(WRITE as u64) || self.synced_at.elapsed() >= CHECKPOINT_EVERY {
                self.write().await?;
                is_written = true;
            }
        }
        Ok(is_written)
    }

    /// Makes sure that what came may be kept.
    async fn admit(&mut self) -> Result<(), Failure> {
        let end = self.offset.saturating_add(self.came.len() as u64);
        if end > self.reserved {
            if self.upload.size.is_some() {
                return Err(Failure::Excess);
            }
            let limits = &self.server.config.files;
            if end > limits.largest_bytes {
                return Err(too_large(limits).into());
            }
            let reserved = end.saturating_add(GROW).min(limits.largest_bytes);
            let grown = self
                .server
                .store
                .grow_upload(
                    self.upload.account,
                    self.upload.id.clone(),
                    reserved,
                    limits.room(),
                )
                .await;
            grown.map_err(|error| failure(&error))?;
            self.reserved = reserved;
        }
        Ok(())
    }

    /// Puts what came to what is gathered, as far as it belongs into one write: they end at multiples of [`WRITE`], so that the disk gets
    /// whole pages and the hash whole trees of its chunks. It is copied, for a piece that is kept would be memory allocated anew for the
    /// next one, and given back by another thread.
    fn gather(&mut self) {
        let room = WRITE - (self.offset % WRITE as u64) as usize;
        let bytes = self.came.split_to(room.min(self.came.len()));
        if let Some(checksum) = &mut self.checksum {
            checksum.context.update(&bytes);
        }
        let needed = self.gathered.len() + bytes.len();
        if needed > self.gathered.capacity() {
            let capacity = needed.next_power_of_two().min(WRITE).max(needed);
            self.gathered.reserve_exact(capacity - self.gathered.len());
        }
        self.gathered.extend_from_slice(&bytes);
        self.offset += bytes.len() as u64;
    }

    /// Begins to write what was gathered, once what was gathered before is written.
    async fn write(&mut self) -> Result<(), Failure> {
        self.written().await?;
        let is_due = |part: &Part| {
            let length = part.length();
            length > self.synced
                && (length - self.synced >= CHECKPOINT || self.synced_at.elapsed() >= CHECKPOINT_EVERY)
        };
        if self.part.as_ref().is_some_and(is_due) {
            self.checkpoint().await?;
        }
        if let Some(mut part) = self.part.take() {
            let mut bytes = std::mem::replace(&mut self.gathered, std::mem::take(&mut self.spare));
            self.writing = Some(tokio::task::spawn_blocking(move || {
                let written = part.write(&bytes);
                bytes.clear();
                (part, bytes, written)
            }));
        }
        Ok(())
    }

    /// Waits until what was handed over is written.
    async fn written(&mut self) -> Result<(), Failure> {
        if let Some(writing) = &mut self.writing {
            let joined = writing.await;
            self.writing = None;
            let (part, spare, written) = joined.map_err(|error| disk_error(&io::Error::other(error)))?;
            (self.part, self.spare) = (Some(part), spare);
            written.map_err(|error| disk_error(&error))?;
        }
        Ok(())
    }

    /// Begins to bring what is written to the disk, and to note it. Not before the last such sync is through: a disk that
    /// is slower than the line slows the line down.
    async fn checkpoint(&mut self) -> Result<(), Failure> {
        self.checked().await?;
        let Some(part) = &self.part else { return Ok(()) };
        let (length, sync) = (part.length(), part.sync());
        (self.synced, self.synced_at) = (length, Instant::now());
        let (server, upload, device) = (self.server.clone(), self.upload.clone(), self.device);
        self.syncing = Some(tokio::spawn(async move {
            let synced = blocking(move || sync.run()).await;
            synced.map_err(|error| disk_error(&error))?;
            if server.blobs.room().await.map_err(|error| disk_error(&error))? == 0 {
                return Err(super::server_full().into());
            }
            // The session may have ended, the upload may have been given up.
            let owner = server.store.owner_of(device).await;
            owner.map_err(|error| match error {
                StoreError::NotFound => Failure::SessionEnded,
                error => failure(&error),
            })?;
            note(&server, &upload, length).await.map(drop)
        }));
        Ok(())
    }

    /// Waits for the sync that is under way.
    async fn checked(&mut self) -> Result<(), Failure> {
        let Some(syncing) = &mut self.syncing else {
            return Ok(());
        };
        let joined = syncing.await;
        self.syncing = None;
        joined.unwrap_or_else(|error| Err(disk_error(&io::Error::other(error)).into()))
    }

    /// Writes what was gathered, and makes all that is to be kept last.
    pub(super) async fn keep(
        mut self,
        outcome: Result<(), Failure>,
        start: u64,
        before: blake3::Hasher,
    ) -> Result<Received, Failure> {
        let mut outcome = outcome;
        // What came with a checksum and can't be checked isn't kept either.
        let mut is_discarded = matches!(outcome, Err(Failure::Excess));
        if let Some(checksum) = self.checksum.take() {
            let is_right = checksum.context.finish().as_ref() == checksum.expected;
            is_discarded |= !is_right || outcome.is_err();
            if outcome.is_ok() && !is_right {
                outcome = Err(Failure::Checksum);
            }
        }
        if is_discarded {
            self.discard(start, before).await?;
        }
        let written = self.flush().await;
        let checked = self.checked().await;
        let outcome = outcome.and(written).and(checked);
        if let Err(Failure::Gone) = outcome {
            return Err(Failure::Gone);
        }
        let Some(part) = self.part.take() else {
            return Err(outcome.err().unwrap_or(Failure::Cut));
        };
        let length = part.length();
        if self.upload.size == Some(length) && !is_discarded {
            return self.complete(part).await;
        }
        let (hasher, sync) = (part.hasher(), part.sync());
        let synced = blocking(move || sync.run()).await;
        synced.map_err(|error| disk_error(&error))?;
        let expires_at = note(&self.server, &self.upload, length).await?;
        let hashers = &self.server.uploads.hashers;
        hashers.insert(self.upload.id.clone(), (length, hasher));
        outcome.map(|()| Received {
            offset: length,
            expires_at,
            hash: None,
        })
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        if !self.gathered.is_empty() {
            self.write().await?;
        }
        self.written().await
    }

    /// Goes back to where this request began.
    async fn discard(&mut self, start: u64, before: blake3::Hasher) -> Result<(), Failure> {
        self.came.clear();
        self.gathered.clear();
        self.written().await?;
        // The note first, so that there is never less than is noted; and none may come after it.
        let _ = self.checked().await;
        note(&self.server, &self.upload, start).await?;
        if let Some(mut part) = self.part.take() {
            let cut = blocking(move || part.cut_back(start, before).map(|()| part)).await;
            self.part = Some(cut.map_err(|error| disk_error(&error))?);
        }
        Ok(())
    }

    async fn complete(self, part: Part) -> Result<Received, Failure> {
        let size = part.length();
        let hash = match blocking(move || part.finish()).await {
            // Whoever gave it up has deleted the file too.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Failure::Gone),
            hash => hash.map_err(|error| disk_error(&error))?,
        };
        let expires_at = self.server.config.files.expiry(self.server.clock.now());
        let blob = NewBlob {
            id: self.upload.id.clone(),
            size,
            hash,
        };
        let (store, account) = (&self.server.store, self.upload.account);
        let completed = store.complete_upload(account, blob, expires_at).await;
        completed.map_err(|error| failure(&error))?;
        Ok(Received {
            offset: size,
            expires_at,
            hash: Some(hash),
        })
    }
}

/// Notes how far an upload is. Returns when it is given up.
async fn note(server: &Server, upload: &Upload, length: u64) -> Result<i64, Failure> {
    let expires_at = server.config.files.expiry(server.clock.now());
    let noted = server
        .store
        .note_upload(upload.account, upload.id.clone(), length, expires_at)
        .await;
    noted.map_err(|error| failure(&error))?;
    Ok(expires_at)
}

pub(super) fn failure(error: &StoreError) -> Failure {
    match error {
        StoreError::NotFound => Failure::Gone,
        StoreError::Inactive => Failure::SessionEnded,
        error => store_error(error).into(),
    }
}
