//! What all connections share.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kith_common::limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::blobs::Blobs;
use crate::bulk::Bulk;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::WebApp;
use crate::hub::Hub;
use crate::limiter::Limiter;
use crate::passwords::Passwords;
use crate::random::Random;
use crate::store::{Origin, Store};
use crate::tickets::Tickets;
use crate::tls::Identity;
use crate::transfers::Transfers;
use crate::uploads::Uploads;

/// The parts of a running server.
pub struct Server {
    /// What the operator decided.
    pub config: Config,
    /// The database.
    pub store: Store,
    /// Who is connected.
    pub hub: Arc<Hub>,
    /// Files.
    pub blobs: Blobs,
    /// Files that are on their way here.
    pub uploads: Uploads,
    /// How many of them, and of those on their way from here, may be.
    pub transfers: Transfers,
    /// What lets them in.
    pub tickets: Tickets,
    /// Where they, and all of HTTP, are dealt with.
    pub bulk: Bulk,
    /// Password hashing.
    pub passwords: Passwords,
    /// Who may try how often.
    pub limiter: Limiter,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The certificate that is shown right now.
    pub identity: Arc<Identity>,
    /// What browsers are served.
    pub web_app: WebApp,
    /// Cancelled when the server is to stop.
    pub shutdown: CancellationToken,
    /// Memory for large frames, in KiB.
    pub large_frames: Arc<Semaphore>,
    /// The number of the next connection.
    pub origins: AtomicU64,
}

impl Server {
    /// The number of a new connection; never given twice in a run.
    pub fn next_origin(&self) -> Origin {
        Origin(self.origins.fetch_add(1, Ordering::Relaxed))
    }

    /// Waits for a share of the memory for large frames. `None` when the server stops.
    pub async fn large_frame(&self) -> Option<OwnedSemaphorePermit> {
        let kibibytes = u32::try_from(limits::FRAME / 1024).unwrap_or(u32::MAX);
        self.large_frames.clone().acquire_many_owned(kibibytes).await.ok()
    }
}

/// The machine's cores.
pub fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
