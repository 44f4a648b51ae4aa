//! Which transfers run, and what becomes of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kith_common::{ErrorCode, FileRequest, Request, WireError};
use serde_json::value::RawValue;
use tokio::sync::Notify;

use super::upload::Upload;
use super::{Live, Trouble};
use crate::engine::online::Online;
use crate::engine::outbox::parse;
use crate::engine::runner::{End, Runner};
use crate::engine::sending::{longer, wait_for};
use crate::engine::{EngineError, Progress, lock};
use crate::limits;
#[cfg(not(target_arch = "wasm32"))]
use crate::local_store::Source;
use crate::local_store::{Claim, Item, ItemChange, ItemState};
use crate::runtime::time::Instant;

/// A transfer that runs.
pub(in crate::engine) struct Running {
    /// Ends it.
    stop: Arc<Notify>,
    live: Arc<Live>,
    class: Class,
}

/// What a place among those that run is given by.
#[derive(Clone, Copy, PartialEq)]
struct Class {
    down: bool,
    large: bool,
}

/// A transfer that ran.
pub(in crate::engine) struct Transferred {
    pub(super) item: Item,
    pub(super) request: Request,
    pub(super) result: Result<Outcome, Trouble>,
    pub(super) live: Arc<Live>,
    /// It is held up to here.
    pub(super) claim: Claim,
}

/// What has become of a transfer.
pub(in crate::engine) enum Outcome {
    /// The server has sent the file, and answered so.
    Sent(Box<RawValue>),
    /// It is here.
    #[cfg(not(target_arch = "wasm32"))]
    Saved,
    /// The server knows that it is no more.
    CalledOff,
}

impl Class {
    fn of(item: &Item) -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        let down = item
            .new
            .source
            .as_ref()
            .is_some_and(|source| source.target().is_some());
        #[cfg(target_arch = "wasm32")]
        let down = false;
        Self {
            down,
            // Of a download the size isn't known before it runs.
            large: item.size.is_none_or(|size| size > limits::LARGE_FILE),
        }
    }

    /// Whether there is room for one more beside those that run.
    fn has_room(self, running: impl Iterator<Item = Self>) -> bool {
        let (mut all, mut large) = (0, 0);
        for other in running.filter(|other| other.down == self.down) {
            all += 1;
            large += usize::from(other.large);
        }
        all < limits::TRANSFERS_AT_ONCE && (!self.large || self.down || large < limits::LARGE_AT_ONCE)
    }
}

impl Online<'_> {
    /// Begins what is to be transferred, the oldest first, as far as there is room.
    pub(in crate::engine) async fn start_transfers(&mut self) -> Result<(), End> {
        if !core::mem::take(&mut self.sending.transfers_due) {
            return Ok(());
        }
        // Pages of a browser are told of each other's end by nobody either, and come back soon.
        self.sending.look = cfg!(not(target_arch = "wasm32")).then(|| Instant::now() + limits::OUTBOX_LOOK);
        let shared = Arc::clone(&self.runner.shared);
        for item in shared.copy.store.transfers().await? {
            let class = Class::of(&item);
            let room = {
                let running = lock(&shared.running);
                !running.contains_key(&item.id)
                    && class.has_room(running.values().map(|running| running.class))
            };
            if room && !self.sending.waits(&item.new.lane) {
                self.start(item, class).await?;
            }
        }
        Ok(())
    }

    async fn start(&mut self, item: Item, class: Class) -> Result<(), End> {
        let id = item.id;
        let shared = Arc::clone(&self.runner.shared);
        let claim = shared.copy.store.claim(id).await?;
        // What it was before it was this engine's is of no interest.
        let whole = shared.copy.store.whole(id).await?;
        let whole = whole.filter(|item| item.state.due() == 2);
        let (Some(claim), Some(item)) = (claim, whole) else {
            // The other program may leave it to this one, or bring it to its end, which nobody tells.
            let look = wait_for(limits::CLAIM_LOOK);
            self.sending.waiting.insert(item.new.lane, look);
            return Ok(());
        };
        let live =
            Arc::clone(lock(&shared.lives).entry(id).or_insert_with(|| {
                Arc::new(Live::new(id, item.size.unwrap_or_default(), Arc::clone(&shared)))
            }));
        live.begin();
        let stop = Arc::new(Notify::new());
        let called_off = item.state == ItemState::Cancelled;
        match parse(&item.new.request) {
            Some(Request::File(request)) => {
                let upload = self.upload(item, request, Arc::clone(&live));
                if called_off {
                    self.sending.under_way.spawn(upload.call_off(claim));
                } else {
                    let run = upload.run(Arc::clone(&stop), claim);
                    self.sending.under_way.spawn(run);
                }
            }
            #[cfg(not(target_arch = "wasm32"))]
            Some(Request::Download(request)) => {
                let download = super::download::Download {
                    file: request.file,
                    connection: self.connection.clone(),
                    target: self.runner.options.target.clone(),
                    shared: Arc::clone(&shared),
                    live: Arc::clone(&live),
                    item,
                };
                let run = download.run(Arc::clone(&stop), claim);
                self.sending.under_way.spawn(run);
            }
            _ => {
                let message = "this version can't transfer it any more";
                return self
                    .fail(id, WireError::new(ErrorCode::BadRequest, message))
                    .await;
            }
        }
        lock(&shared.running).insert(id, Running { stop, live, class });
        if !called_off {
            lock(&shared.sending).insert(id);
            shared.progress(id, Progress::Sending);
        }
        Ok(())
    }

    fn upload(&self, item: Item, request: FileRequest, live: Arc<Live>) -> Upload {
        Upload {
            item,
            request,
            connection: self.connection.clone(),
            target: self.runner.options.target.clone(),
            shared: Arc::clone(&self.runner.shared),
            live,
        }
    }

    /// Takes a transfer that has come to an end, or to a halt.
    pub(in crate::engine) async fn transferred(&mut self, transferred: Transferred) -> Result<(), End> {
        let Transferred {
            item,
            request,
            result,
            live,
            claim,
        } = transferred;
        let id = item.id;
        let shared = Arc::clone(&self.runner.shared);
        lock(&shared.running).remove(&id);
        lock(&shared.sending).remove(&id);
        self.sending.transfers_due = true;
        // Whoever has it next finds what has become of it.
        let done = match result {
            Ok(Outcome::Sent(reply)) => self.sent(item, &request, &reply).await,
            #[cfg(not(target_arch = "wasm32"))]
            Ok(Outcome::Saved) => {
                shared.copy.store.remove(id).await?;
                shared.progress(id, Progress::Saved);
                Ok(())
            }
            Ok(Outcome::CalledOff) => {
                shared.copy.store.remove(id).await?;
                Ok(())
            }
            Err(Trouble::Stopped) => Ok(()),
            Err(Trouble::Failed(error)) => self.fail(id, error).await,
            Err(Trouble::Later(error)) => {
                if item.state != ItemState::Cancelled {
                    shared.progress(id, Progress::Waiting);
                }
                // Another page goes on with it: the two would take turns in interrupting each other.
                let by_another = error.is_refused(ErrorCode::Conflict);
                let fresh = live.fresh.load(Ordering::Relaxed) && !by_another;
                let wait = self.sending.waiting.remove(&item.new.lane);
                let wait = wait.filter(|_| !fresh);
                self.sending.waiting.insert(item.new.lane, longer(wait, &error));
                Ok(())
            }
            Err(Trouble::Chat(error)) => self.refused(item, error).await,
            Err(Trouble::Store(error)) => Err(error.into()),
        };
        drop(claim);
        done
    }
}

impl Runner {
    /// Holds a transfer up.
    pub(in crate::engine) async fn pause_transfer(&self, id: u64) -> Result<(), EngineError> {
        let store = &self.shared.copy.store;
        let state = store.item(id).await?.map(|item| item.state);
        if state == Some(ItemState::Paused) {
            return Ok(());
        }
        if state != Some(ItemState::Transfer) || self.is_committed(id) {
            return Err(EngineError::NotPending);
        }
        store.update(id, ItemChange::State(ItemState::Paused)).await?;
        self.stop_transfer(id);
        self.shared.progress(id, Progress::Paused);
        Ok(())
    }

    /// Calls a transfer off.
    pub(in crate::engine) async fn discard_transfer(&self, item: Item) -> Result<(), EngineError> {
        let id = item.id;
        let gone = matches!(item.state, ItemState::Sent { .. } | ItemState::Cancelled);
        if gone || self.is_committed(id) {
            return Err(EngineError::NotPending);
        }
        let running = self.stop_transfer(id);
        let store = &self.shared.copy.store;
        #[cfg(not(target_arch = "wasm32"))]
        if let Some(path) = item.new.source.as_ref().and_then(Source::target) {
            store.remove(id).await?;
            super::download::forget_part(path, &item.new.client_id).await;
            self.shared.progress(id, Progress::Discarded);
            return Ok(());
        }
        let begun = matches!(parse(&item.new.request), Some(Request::File(file)) if file.upload.is_some());
        if running || begun {
            // It takes room on the server until that was told.
            store.update(id, ItemChange::State(ItemState::Cancelled)).await?;
        } else {
            store.remove(id).await?;
        }
        self.shared.progress(id, Progress::Discarded);
        Ok(())
    }

    fn is_committed(&self, id: u64) -> bool {
        let running = lock(&self.shared.running);
        let running = running.get(&id);
        running.is_some_and(|running| running.live.committed.load(Ordering::Acquire))
    }

    /// Ends a transfer that runs, and says whether it ran.
    fn stop_transfer(&self, id: u64) -> bool {
        lock(&self.shared.sending).remove(&id);
        let running = lock(&self.shared.running);
        let running = running.get(&id);
        if let Some(running) = running {
            running.stop.notify_one();
        }
        running.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_one_never_waits_behind_large_ones() {
        let large = Class {
            down: false,
            large: true,
        };
        let small = Class {
            down: false,
            large: false,
        };
        let down = Class {
            down: true,
            large: true,
        };
        let room = |class: Class, running: &[Class]| class.has_room(running.iter().copied());
        assert!(room(large, &[large, down, down, down]));
        assert!(!room(large, &[large, large]));
        assert!(room(small, &[large, large]));
        assert!(!room(small, &[large, large, small]));
        assert!(!room(large, &[small, small, small]));
        assert!(room(down, &[down, down, large, large, small]));
        assert!(!room(down, &[down, down, down]));
    }
}
