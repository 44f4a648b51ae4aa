//! How far a transfer is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Trouble;
use crate::engine::changes::Announcer;
use crate::engine::{Change, Shared};
use crate::local_store::ItemState;
use crate::runtime::time::{Instant, sleep};
use crate::{Error, limits};

/// A transfer that this engine runs or has run.
pub(in crate::engine) struct Live {
    pub(super) id: u64,
    shared: Arc<Shared>,
    done: AtomicU64,
    total: AtomicU64,
    /// Bytes have moved since it was begun last.
    pub(super) fresh: AtomicBool,
    /// It can't be stopped any more: the server is asked to send the file.
    pub(in crate::engine) committed: AtomicBool,
    times: Mutex<Times>,
    /// What is known of the hash of the bytes.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) hashes: Mutex<super::hashes::Hashes>,
}

struct Times {
    moved: Instant,
    told: Option<Instant>,
}

impl Live {
    pub(super) fn new(id: u64, total: u64, shared: Arc<Shared>) -> Self {
        Self {
            id,
            shared,
            done: AtomicU64::new(0),
            total: AtomicU64::new(total),
            fresh: AtomicBool::new(false),
            committed: AtomicBool::new(false),
            times: Mutex::new(Times {
                moved: Instant::now(),
                told: None,
            }),
            #[cfg(not(target_arch = "wasm32"))]
            hashes: Mutex::default(),
        }
    }

    /// It is begun, once more perhaps.
    pub(super) fn begin(&self) {
        self.fresh.store(false, Ordering::Relaxed);
        self.committed.store(false, Ordering::Relaxed);
        self.touch();
    }

    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(super) fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// It is known how many bytes there are.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn set_total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }

    /// So many bytes are there.
    pub(super) fn set(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.moved(true);
    }

    /// So many bytes have left.
    #[cfg(target_arch = "wasm32")]
    pub(super) fn reach(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
        self.fresh.store(true, Ordering::Relaxed);
        self.moved(done >= self.total());
    }

    /// So many bytes more have moved.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn advance(&self, bytes: u64) {
        let before = self.done.fetch_add(bytes, Ordering::Relaxed);
        self.fresh.store(true, Ordering::Relaxed);
        self.moved(before + bytes >= self.total());
    }

    /// It isn't silent.
    pub(super) fn touch(&self) {
        self.times().moved = Instant::now();
    }

    fn moved(&self, tell: bool) {
        let now = Instant::now();
        let mut times = self.times();
        times.moved = now;
        let due = times
            .told
            .is_none_or(|told| now.duration_since(told) >= limits::TRANSFER_TOLD);
        if due || tell {
            times.told = Some(now);
            drop(times);
            self.announcer().tell(Change::Transfer {
                id: self.id,
                done: self.done(),
                total: self.total(),
            });
        }
    }

    /// Returns when nothing has moved for too long, or another program has stopped it.
    pub(super) async fn watch(&self) -> Trouble {
        loop {
            sleep(limits::TRANSFER_LOOK).await;
            if self.times().moved.elapsed() >= limits::TRANSFER_SILENCE {
                return Trouble::Later(Error::Silent);
            }
            let item = self.shared.copy.store.item(self.id).await;
            let state = item.ok().flatten().map(|item| item.state);
            if !matches!(state, Some(ItemState::Transfer | ItemState::Cancelled)) {
                return Trouble::Stopped;
            }
        }
    }

    fn announcer(&self) -> &Announcer {
        self.shared.announcer()
    }

    fn times(&self) -> std::sync::MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
