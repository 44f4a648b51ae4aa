use dioxus::prelude::*;
use kith_client::{Change, Engine, EngineError, Progress};
use kith_common::{FileDetails, WireError};
use litemap::LiteMap;

use crate::model::thumb;
use crate::platform;

/// The files of an account: what is shown of them, and how far those have come that are on their way.
#[derive(Clone, Copy, PartialEq)]
pub struct Files {
    shown: Signal<LiteMap<String, Shown>>,
    moved: Signal<LiteMap<u64, (u64, u64)>>,
    saving: Signal<LiteMap<String, Saving>>,
    thumbs: CopyValue<LiteMap<Vec<u8>, Option<String>>>,
}

/// Where the page finds a file.
#[derive(Clone, Debug)]
pub enum Shown {
    /// It is being asked for.
    Loading,
    /// At this address.
    At(String),
    /// Nowhere.
    Failed(EngineError),
}

/// A file that is being saved, or was.
#[derive(Clone, Debug, PartialEq)]
pub struct Saving {
    /// The transfer's id.
    pub id: u64,
    /// Where it goes.
    pub path: String,
    /// How far it has come.
    pub progress: Progress,
}

impl Saving {
    /// It is on its way, or will be.
    pub fn is_moving(&self) -> bool {
        matches!(
            self.progress,
            Progress::Waiting | Progress::Sending | Progress::Paused
        )
    }

    /// It was held up.
    pub fn is_paused(&self) -> bool {
        self.progress == Progress::Paused
    }

    /// It is where it should be.
    pub fn is_done(&self) -> bool {
        self.progress == Progress::Saved
    }

    /// Why it isn't.
    pub fn error(&self) -> Option<WireError> {
        match &self.progress {
            Progress::Failed(error) => Some(error.clone()),
            _ => None,
        }
    }
}

impl Files {
    pub(super) fn new() -> Self {
        Self {
            shown: Signal::new(LiteMap::new()),
            moved: Signal::new(LiteMap::new()),
            saving: Signal::new(LiteMap::new()),
            thumbs: CopyValue::new(LiteMap::new()),
        }
    }

    /// Where the page finds a file, if that was asked for.
    pub fn shown(self, file: &str) -> Option<Shown> {
        self.shown.read().get(file).cloned()
    }

    /// Asks where the page finds a file, if that isn't known or on its way. The answer is waited for even where what asked isn't shown
    /// any more: it would never be asked for again.
    pub fn show(mut self, engine: Engine, file: String) {
        if matches!(self.shown.peek().get(&file), Some(Shown::At(_) | Shown::Loading)) {
            return;
        }
        self.shown.write().insert(file.clone(), Shown::Loading);
        dioxus::core::spawn_forever(async move {
            let shown = match platform::address_of(&engine, &file).await {
                Ok(address) => Shown::At(address),
                Err(error) => Shown::Failed(error),
            };
            // Unless the account was left meanwhile.
            if let Ok(mut all) = self.shown.try_write() {
                all.insert(file, shown);
            }
        });
    }

    /// An address isn't good any more: it was for an hour, or what is there is no picture.
    pub fn forget(mut self, file: &str) {
        self.shown.write().remove(file);
    }

    /// How many bytes of a transfer are there, and how many there will be.
    pub fn moved(self, id: u64) -> Option<(u64, u64)> {
        self.moved.read().get(&id).copied()
    }

    /// How far a file is that is being saved, or was.
    pub fn saving(self, file: &str) -> Option<Saving> {
        // What a browser saves it doesn't tell.
        if platform::SAVES_UNSEEN {
            return None;
        }
        self.saving.read().get(file).cloned()
    }

    /// The address of the small picture that stands where a file's own will be.
    pub fn thumb(mut self, details: &FileDetails) -> Option<String> {
        let thumb = details.thumbhash.as_ref()?.as_bytes();
        if let Some(address) = self.thumbs.peek().get(thumb) {
            return address.clone();
        }
        let address = thumb::bitmap(thumb).map(|bitmap| platform::object_url(&bitmap, "image/bmp"));
        self.thumbs.write().insert(thumb.to_owned(), address.clone());
        address
    }

    /// Reads which transfers there are.
    pub async fn reload(mut self, engine: &Engine) {
        let Ok(transfers) = engine.transfers().await else {
            return;
        };
        for transfer in transfers {
            if transfer.total > 0 {
                self.moved
                    .write()
                    .insert(transfer.id, (transfer.done, transfer.total));
            }
            if !platform::SAVES_UNSEEN
                && let Some((file, path)) = platform::target(&transfer.direction)
            {
                let saving = Saving {
                    id: transfer.id,
                    path,
                    progress: transfer.progress,
                };
                self.saving.write().insert(file, saving);
            }
        }
    }

    /// Takes what has changed.
    pub(super) fn take(mut self, change: &Change) {
        match change {
            Change::Transfer { id, done, total } => {
                self.moved.write().insert(*id, (*done, *total));
            }
            Change::Outbox { id, progress } => {
                let is_over = !matches!(progress, Progress::Waiting | Progress::Sending | Progress::Paused);
                if is_over && self.moved.peek().contains_key(id) {
                    self.moved.write().remove(id);
                }
                if platform::SAVES_UNSEEN {
                    return;
                }
                let file = {
                    let saving = self.saving.peek();
                    saving
                        .iter()
                        .find(|(_, saving)| saving.id == *id)
                        .map(|(file, _)| file.clone())
                };
                let Some(file) = file else { return };
                let mut saving = self.saving.write();
                if *progress == Progress::Discarded {
                    saving.remove(&file);
                } else if let Some(saving) = saving.get_mut(&file) {
                    saving.progress = progress.clone();
                }
            }
            _ => {}
        }
    }
}
