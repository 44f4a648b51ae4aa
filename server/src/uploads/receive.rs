//! The bytes of an upload within a request, from its start to what is said at its end. Whatever way it ends, what has come is kept.

use std::io;
use std::sync::Arc;

use axum::body::BodyDataStream;
use kith_common::{DeviceId, ErrorCode, WireError};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::receiver::{Receiver, failure};
use super::{Claim, disk_error};
use crate::server::Server;
use crate::store::Upload;
use crate::transfers::Transfer;

/// What is received, and for whom.
pub(crate) struct Incoming {
    /// The upload as it stands in the database.
    pub(crate) upload: Upload,
    /// The turn to write.
    pub(crate) claim: Claim,
    /// Its place among the transfers.
    pub(crate) transfer: Transfer,
    /// The device whose ticket was shown.
    pub(crate) device: DeviceId,
    /// Its owner's name.
    pub(crate) user: Arc<str>,
    /// Where the bytes come from.
    pub(crate) body: BodyDataStream,
    /// What their checksum has to be.
    pub(crate) checksum: Option<Checksum>,
}

/// A checksum and how it is computed.
pub(crate) struct Checksum {
    pub(crate) context: aws_lc_rs::digest::Context,
    pub(crate) expected: Vec<u8>,
}

/// How far the upload is afterwards.
#[derive(Debug)]
pub(crate) struct Received {
    /// Bytes that are there, and on the disk.
    pub(crate) offset: u64,
    /// When it is given up.
    pub(crate) expires_at: i64,
    /// The hash, if they are all there.
    pub(crate) hash: Option<[u8; 32]>,
}

/// Why not everything was received. What had come is kept unless it is said otherwise.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the connection broke")]
    Cut,
    #[error("nothing came for a minute")]
    Silent,
    #[error("another request goes on with it")]
    TakenOver,
    #[error("the server stops")]
    Stopping,
    /// Nothing of this request is kept.
    #[error("the checksum is another one")]
    Checksum,
    /// Nothing of this request is kept.
    #[error("more bytes came than were announced")]
    Excess,
    #[error("the upload was given up")]
    Gone,
    #[error("the session has ended")]
    SessionEnded,
    #[error(transparent)]
    Refused(#[from] WireError),
}

/// Receives until the body ends, or something ends it.
pub(crate) async fn receive(server: Arc<Server>, incoming: Incoming) -> Result<Received, Failure> {
    let Incoming {
        upload,
        claim,
        transfer,
        device,
        user,
        body,
        checksum,
    } = incoming;
    let (id, start) = (upload.id.clone(), upload.stored);
    let known = server.uploads.hashers.remove(&id);
    let hasher = known.and_then(|(_, (length, hasher))| (length == start).then_some(hasher));
    let part = match server.blobs.part(&id, start, hasher).await {
        // Its file was lost, and with it what the client needn't send again: it has to begin anew.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            tracing::error!(target: "error", file = id, %error, "an upload was lost");
            let dropped = server.store.drop_upload(upload.account, id.clone()).await;
            dropped.map_err(|error| failure(&error))?;
            super::delete_file(&server, &id).await;
            return Err(Failure::Gone);
        }
        part => part.map_err(|error| disk_error(&error))?,
    };
    let before = part.hasher();
    let receiver = Receiver::new(server.clone(), device, upload, part, checksum);
    let work = Work {
        user,
        receiver,
        body,
        claim,
        start,
        before,
        _transfer: transfer,
    };
    let mut job = Job {
        server,
        work: Some(work),
    };
    let outcome = match &mut job.work {
        Some(work) => work.take_all().await,
        None => Ok(()),
    };
    match job.keep(outcome) {
        Some(kept) => kept.await.unwrap_or_else(|error| {
            tracing::error!(target: "error", %error, "receiving failed");
            Err(internal().into())
        }),
        None => Err(internal().into()),
    }
}

fn internal() -> WireError {
    WireError::new(ErrorCode::Internal, "the server failed; its log says more")
}

/// What is received within a request, in the very task that reads from the connection, so that no piece has to change threads before it is
/// written. hyper drops a request whose connection breaks; what has come is then kept by a task of its own.
struct Job {
    server: Arc<Server>,
    work: Option<Work>,
}

impl Job {
    fn keep(&mut self, outcome: Result<(), Failure>) -> Option<JoinHandle<Result<Received, Failure>>> {
        let work = self.work.take()?;
        Some(self.server.uploads.tasks.spawn(work.keep(outcome)))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // A runtime that ends keeps nothing.
        if let (Some(mut work), Ok(runtime)) = (self.work.take(), Handle::try_current()) {
            let keeping = async move {
                // What is still in the body, and then its end.
                let outcome = work.take_all().await;
                work.keep(outcome).await
            };
            self.server.uploads.tasks.spawn_on(keeping, &runtime);
        }
    }
}

struct Work {
    user: Arc<str>,
    receiver: Receiver,
    body: BodyDataStream,
    claim: Claim,
    /// Where this request began, and the hash up to there.
    start: u64,
    before: blake3::Hasher,
    _transfer: Transfer,
}

impl Work {
    async fn take_all(&mut self) -> Result<(), Failure> {
        self.receiver.take_all(&mut self.body, &self.claim).await
    }

    async fn keep(self, outcome: Result<(), Failure>) -> Result<Received, Failure> {
        let Self {
            user,
            receiver,
            start,
            before,
            ..
        } = self;
        let (server, id) = (receiver.server.clone(), receiver.upload.id.clone());
        let kept = Box::pin(receiver.keep(outcome, start, before)).await;
        let (user, file) = (&*user, &*id);
        match &kept {
            Ok(Received {
                offset,
                hash: Some(_),
                ..
            }) => tracing::info!(target: "transfer", user, file, size = offset, "upload complete"),
            Ok(Received { offset, .. }) => {
                tracing::info!(target: "transfer", user, file, from = start, to = offset, "upload goes on later");
            }
            Err(failure) => {
                tracing::warn!(target: "transfer", user, file, from = start, reason = %failure, "upload stopped");
            }
        }
        if let Err(Failure::Gone) = kept {
            super::delete_file(&server, file).await;
        }
        kept
    }
}
