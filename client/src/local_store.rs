//! What an engine keeps on its device: a copy of the logs, and what was written and isn't sent yet.
//!
//! [`LocalStore`] is narrow on purpose, so that a browser's IndexedDB can do it as well as SQLite: it keeps rows and knows
//! no rule. Which event may be put where, and what becomes of it, is decided by the engine.

mod error;
#[cfg(target_arch = "wasm32")]
pub mod indexed_db;
#[cfg(not(target_arch = "wasm32"))]
pub mod sqlite;

use std::pin::Pin;

use kith_common::{LogEvent, Mark, ProfileInfo, WireError};
use serde::{Deserialize, Serialize};

pub use error::StoreError;

/// What a store answers, later.
#[cfg(not(target_arch = "wasm32"))]
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;
/// What a store answers, later.
#[cfg(target_arch = "wasm32")]
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + 'a>>;

/// What can be shared between threads, where there are threads.
#[cfg(not(target_arch = "wasm32"))]
pub trait Shared: Send + Sync {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send + Sync> Shared for T {}
/// What can be shared between threads, where there are threads.
#[cfg(target_arch = "wasm32")]
pub trait Shared {}
#[cfg(target_arch = "wasm32")]
impl<T> Shared for T {}

/// Where an engine keeps its copy and its outbox.
///
/// Several engines, of one or several processes, may use one store at a time: [`LocalStore::commit`] is a compare-and-set
/// on the heads of the logs that it changes. What was committed or added is there after a crash; for the outbox that
/// includes a power cut.
pub trait LocalStore: Shared {
    /// All that isn't an event.
    fn load(&self) -> Answer<'_, Loaded>;

    /// Changes the copy, all of it or nothing.
    ///
    /// [`StoreError::Changed`] if the head of a log isn't what the batch says it was.
    fn commit(&self, batch: Batch) -> Answer<'_, ()>;

    /// Events of one log, in the order of their numbers.
    fn events(&self, query: Query) -> Answer<'_, Vec<LogEvent>>;

    /// The events that act on the events with these numbers (first and last): what they act on, and they themselves, in the
    /// order of their numbers.
    fn effects(&self, log: String, targets: (u64, u64)) -> Answer<'_, Vec<(u64, LogEvent)>>;

    /// How many messages and files of others than `me`, that weren't erased, are held above a number.
    fn unread(&self, log: String, above: u64, me: String) -> Answer<'_, u64>;

    /// Throws the copy away and begins an empty one. The outbox stays.
    ///
    /// [`StoreError::InUse`] while another process uses the store.
    fn rebuild(&self) -> Answer<'_, ()>;

    /// Throws everything away, the outbox too.
    fn wipe(&self) -> Answer<'_, ()>;

    /// Adds to the end of the outbox and returns its place there. When this returns it will survive.
    ///
    /// [`StoreError::Full`] beyond [`crate::limits::OUTBOX`].
    fn add(&self, item: NewItem) -> Answer<'_, u64>;

    /// The outbox in order, without the bytes of files.
    fn outbox(&self) -> Answer<'_, Vec<Item>>;

    /// The first item that waits and whose lane isn't among these, whole.
    fn next(&self, busy: Vec<String>) -> Answer<'_, Option<Item>>;

    /// The items that are to be transferred or called off, in order, without the bytes of files.
    fn transfers(&self) -> Answer<'_, Vec<Item>>;

    /// An item of the outbox, whole.
    fn whole(&self, id: u64) -> Answer<'_, Option<Item>>;

    /// Takes a transfer for this engine alone, until the claim is dropped or the process ends; none while another process has it.
    ///
    /// It spares two engines on one outbox from taking turns in interrupting each other, and is not what keeps a file from being
    /// sent twice.
    fn claim(&self, id: u64) -> Answer<'_, Option<Claim>>;

    /// An item of the outbox, without the bytes of a file.
    fn item(&self, id: u64) -> Answer<'_, Option<Item>>;

    /// Changes an item of the outbox. `false` if it is gone.
    fn update(&self, id: u64, change: ItemChange) -> Answer<'_, bool>;

    /// Removes an item of the outbox. `false` if it was gone.
    fn remove(&self, id: u64) -> Answer<'_, bool>;

    /// Notes that all of a conversation up to a number was read and the server is to be told.
    fn want_read(&self, log: String, number: u64) -> Answer<'_, ()>;

    /// What the server is still to be told of [`LocalStore::want_read`].
    fn wanted_reads(&self) -> Answer<'_, Vec<(String, u64)>>;

    /// The server was told of this number; a greater one stays.
    fn read_done(&self, log: String, number: u64) -> Answer<'_, ()>;
}

/// Whose store it is. A store belongs to one owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The server, as its address is written.
    pub server: String,
    /// The account's id there.
    pub account: String,
}

/// The end of a log as the copy has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Who is in it: user names; empty for the account's own log.
    pub members: Vec<String>,
    /// The oldest number that the server still has.
    pub first: u64,
    /// The oldest number that is held, from which on all are held; `newest + 1` where none is.
    pub oldest: u64,
    /// The newest number that is held.
    pub newest: u64,
}

/// All that isn't an event.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Loaded {
    /// Every log and its head.
    pub heads: Vec<(String, Head)>,
    /// Every mark.
    pub marks: Vec<Mark>,
    /// Every profile.
    pub profiles: Vec<ProfileInfo>,
    /// What `sync` gave as `since`; 0 at first.
    pub since: u64,
}

/// Changes of the copy that belong together.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Changed logs.
    pub logs: Vec<LogChange>,
    /// Marks to be kept instead of what is there.
    pub marks: Vec<Mark>,
    /// Profiles to be kept instead of what is there.
    pub profiles: Vec<ProfileInfo>,
    /// The new `since`.
    pub since: Option<u64>,
}

/// Changes of one log.
#[derive(Clone, Debug)]
pub struct LogChange {
    /// The log.
    pub log: String,
    /// Its head so far; none for a new log.
    pub before: Option<Head>,
    /// Its head from now on. Events below `oldest` are forgotten.
    pub after: Head,
    /// New events, each with the numbers that it acts on.
    pub events: Vec<(LogEvent, Vec<u64>)>,
    /// Events that lose their body, if they are by this sender.
    pub erase: Vec<(u64, String)>,
}

/// Which events of a log.
#[derive(Clone, Debug)]
pub struct Query {
    /// The log.
    pub log: String,
    /// The newest below `before`, or else the oldest above `after`.
    pub range: Range,
    /// Only messages and files.
    pub base_only: bool,
    /// Most events wanted.
    pub limit: u32,
}

/// From where on, and in which direction.
#[derive(Clone, Copy, Debug)]
pub enum Range {
    /// The newest events with smaller numbers.
    Before(u64),
    /// The oldest events with greater numbers.
    After(u64),
}

/// Something to be sent.
#[derive(Clone)]
pub struct NewItem {
    /// What may not overtake each other has the same.
    pub lane: String,
    /// The idempotency key; unique in the outbox.
    pub client_id: String,
    /// The request as JSON, without the bytes of a file.
    pub request: String,
    /// The bytes of a file.
    pub data: Option<Vec<u8>>,
    /// Where the bytes lie that are uploaded, or go to that are downloaded; none where all goes into the request.
    pub source: Option<Source>,
    /// When it was written by this device's clock, in milliseconds since 1970-01-01T00:00:00Z; shown and nothing else.
    pub time: i64,
}

/// Leaves out what it says, so that nothing of it can reach a log by accident.
impl core::fmt::Debug for NewItem {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("NewItem")
            .field("lane", &self.lane)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Where the bytes of a transfer lie, or go to.
#[derive(Clone)]
pub enum Source {
    /// Beside the request, in the outbox.
    #[cfg(not(target_arch = "wasm32"))]
    Kept,
    /// In a file.
    #[cfg(not(target_arch = "wasm32"))]
    Path(LocalFile),
    /// They come from the server into a file that isn't there yet.
    #[cfg(not(target_arch = "wasm32"))]
    Target(std::path::PathBuf),
    /// They come from the server into a file that takes the place of this one, when it is whole.
    #[cfg(not(target_arch = "wasm32"))]
    Over(LocalFile),
    /// In what a browser holds; items that aren't whole have none.
    #[cfg(target_arch = "wasm32")]
    Blob(Option<web_sys::Blob>),
}

#[cfg(not(target_arch = "wasm32"))]
impl Source {
    /// Where the file will be, if it comes from the server.
    pub fn target(&self) -> Option<&std::path::Path> {
        match self {
            Self::Target(path) => Some(path),
            Self::Over(file) => Some(&file.path),
            Self::Kept | Self::Path(_) => None,
        }
    }
}

/// A file of this device, as it was when it was to be sent, or its place to be taken.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFile {
    /// Where it is.
    pub path: std::path::PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// When it was changed last, in nanoseconds since 1970-01-01T00:00:00Z.
    pub modified: i64,
    /// The parts of it that don't leave the device.
    pub blanks: Vec<crate::Blank>,
}

/// The right to run a transfer, for as long as it is held.
#[derive(Debug)]
pub struct Claim {
    /// Locked as long as it is open.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) _lock: std::fs::File,
}

/// Something to be sent, in the outbox.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its place.
    pub id: u64,
    /// What was added.
    pub new: NewItem,
    /// The size of the file in bytes, where there is one and it is known.
    pub size: Option<u64>,
    /// How far it has come.
    pub state: ItemState,
}

/// How far an item of the outbox has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// It is to be sent.
    Waiting,
    /// Its bytes are to be transferred.
    Transfer,
    /// They are, but not now.
    Paused,
    /// They aren't any more, and the server is to be told.
    Cancelled,
    /// The server has it, at this place, and the copy doesn't yet.
    Sent {
        /// The conversation.
        log: String,
        /// Its number there.
        number: u64,
    },
    /// The server won't have it.
    Failed(WireError),
}

impl NewItem {
    /// The state that it begins with.
    pub(crate) fn first_state(&self) -> ItemState {
        match self.source {
            Some(_) => ItemState::Transfer,
            None => ItemState::Waiting,
        }
    }
}

impl ItemState {
    /// What it is looked for by: 1 is to be sent, 2 to be transferred or called off.
    pub(crate) fn due(&self) -> u8 {
        match self {
            Self::Waiting => 1,
            Self::Transfer | Self::Cancelled => 2,
            Self::Paused | Self::Sent { .. } | Self::Failed(_) => 0,
        }
    }
}

/// A change of an item of the outbox.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemChange {
    /// It came further.
    State(ItemState),
    /// It asks for something else.
    Request(String),
}
