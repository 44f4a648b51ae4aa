//! What goes into the store and what comes out of it.

use std::sync::Arc;

use bytes::Bytes;
use kith_common::{ClientId, DeviceId, EventKind, Notice};

use super::error::StoreError;

/// An account, as numbered by the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(pub i64);

/// A log, as numbered by the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogId(pub i64);

/// A connection that writes, so that its own event isn't sent back to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(pub u64);

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// It can.
    Active,
    /// An administrator has switched it off.
    Disabled,
    /// It has ended; its name stays taken.
    Deleted,
}

impl AccountState {
    pub(super) fn from_column(value: i16) -> Self {
        match value {
            0 => Self::Active,
            1 => Self::Disabled,
            _ => Self::Deleted,
        }
    }

    pub(super) fn to_column(self) -> i16 {
        match self {
            Self::Active => 0,
            Self::Disabled => 1,
            Self::Deleted => 2,
        }
    }
}

/// What everybody may need to know of an account.
#[derive(Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its own log.
    pub log: Arc<Log>,
    /// The name as its owner typed it.
    pub username: Arc<str>,
    /// How others see the person.
    pub display_name: Arc<str>,
    /// Whether it administrates the server.
    pub admin: bool,
    /// Whether it can be used.
    pub state: AccountState,
}

/// What never changes about a log.
#[derive(Debug)]
pub struct Log {
    /// Its id in the database.
    pub id: LogId,
    /// Its id for clients.
    pub public_id: Arc<str>,
    /// Whose it is.
    pub kind: LogKind,
}

/// Whose log it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// An account's own.
    Account,
    /// A conversation's between two people.
    Direct,
    /// A conversation's of many.
    Room,
}

impl LogKind {
    pub(super) fn from_column(value: i16) -> Self {
        match value {
            0 => Self::Account,
            1 => Self::Direct,
            _ => Self::Room,
        }
    }

    pub(super) fn to_column(self) -> i16 {
        match self {
            Self::Account => 0,
            Self::Direct => 1,
            Self::Room => 2,
        }
    }
}

/// An idempotency key and what it is used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientKey {
    /// The key.
    pub id: ClientId,
    /// A digest of the request's content: the same key with another digest is a conflict.
    pub digest: i64,
}

/// How many bytes of files may count, for an account and for all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// For one account.
    pub account: i64,
    /// For all accounts.
    pub server: i64,
}

impl Room {
    /// As much as the disk takes.
    pub const UNLIMITED: Self = Self {
        account: i64::MAX,
        server: i64::MAX,
    };

    /// Whether so many bytes more have room.
    ///
    /// # Errors
    /// [`StoreError::AccountFull`], [`StoreError::ServerFull`].
    pub(super) fn check(self, used: i64, used_by_all: i64, bytes: i64) -> Result<(), StoreError> {
        if used.saturating_add(bytes) > self.account {
            return Err(StoreError::AccountFull);
        }
        if self.server != i64::MAX && used_by_all.saturating_add(bytes) > self.server {
            return Err(StoreError::ServerFull);
        }
        Ok(())
    }
}

/// The file of an event.
#[derive(Clone, Debug)]
pub enum Attachment {
    /// Its bytes came with the request. They count from now on, if there is room for them.
    Inline(NewBlob, Room),
    /// It was uploaded by the sender, is complete, and belongs to no event yet.
    Uploaded(NewBlob),
}

impl Attachment {
    /// The file.
    pub fn blob(&self) -> &NewBlob {
        match self {
            Self::Inline(blob, _) | Self::Uploaded(blob) => blob,
        }
    }
}

/// A file's bytes that are on disk already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBlob {
    /// Its id.
    pub id: String,
    /// Its size in bytes.
    pub size: u64,
    /// The BLAKE3 of its bytes.
    pub hash: [u8; 32],
}

impl NewBlob {
    /// Its size as a column has it.
    pub(super) fn bytes(&self) -> i64 {
        i64::try_from(self.size).unwrap_or(i64::MAX)
    }
}

/// An earlier event of the same conversation that an append is about: it has to be there and to fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A message or file that is answered; it may be erased.
    Answered(i64),
    /// A message of the same sender that gets another text.
    Edited(i64),
    /// A message or file that is reacted to.
    ReactedTo(i64),
}

impl Target {
    /// Its number.
    pub fn number(self) -> i64 {
        match self {
            Self::Answered(number) | Self::Edited(number) | Self::ReactedTo(number) => number,
        }
    }
}

/// An event to be appended to a conversation.
#[derive(Debug)]
pub struct Append {
    /// The conversation.
    pub log: Arc<Log>,
    /// Who writes.
    pub sender: Arc<Account>,
    /// From which device.
    pub device: DeviceId,
    /// Over which connection.
    pub origin: Origin,
    /// What it is about.
    pub kind: EventKind,
    /// The content.
    pub body: Bytes,
    /// A file that comes with it.
    pub blob: Option<Attachment>,
    /// The event that it is about.
    pub target: Option<Target>,
    /// The idempotency key.
    pub client: Option<ClientKey>,
    /// The number that the event must get, or it fails.
    pub expect: Option<i64>,
}

/// What was stored, for the reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The conversation's id for clients.
    pub conversation: Arc<str>,
    /// The event's number.
    pub number: i64,
    /// When it was stored, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// The file that came with it.
    pub blob: Option<String>,
    /// The BLAKE3 of that file's bytes.
    pub hash: Option<[u8; 32]>,
    /// Whether this is the answer of an earlier write with the same `client_id`.
    pub replayed: bool,
}

/// A committed event and who is to see it.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The log.
    pub log: Arc<Log>,
    /// Its number there.
    pub number: i64,
    /// Who wrote it.
    pub sender: Arc<Account>,
    /// From which device.
    pub device: DeviceId,
    /// Over which connection.
    pub origin: Origin,
    /// What it is about.
    pub kind: EventKind,
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// The content.
    pub body: Bytes,
    /// The accounts that see the log.
    pub audience: Arc<[Reader]>,
}

/// An account that sees a log.
#[derive(Clone, Debug)]
pub struct Reader {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub username: Arc<str>,
}

/// A committed change that is no event of a log, and who is to be told of it.
#[derive(Clone, Debug)]
pub struct Announcement {
    /// The accounts, as far as they have connections that said `hello`.
    pub audience: Vec<AccountId>,
    /// The connection that caused it, where its reply says the same.
    pub except: Option<Origin>,
    /// What they are told.
    pub notice: Notice,
}

/// The number under which an event kind is stored; never reused.
pub(super) fn kind_to_column(kind: EventKind) -> i16 {
    match kind {
        EventKind::Message => 1,
        EventKind::File => 2,
        EventKind::Edit => 3,
        EventKind::Delete => 4,
        EventKind::Reaction => 5,
        EventKind::Contact => 32,
        EventKind::Conversation => 33,
        EventKind::Device => 34,
        EventKind::Password => 35,
        EventKind::Profile => 36,
        // Nothing of this kind is ever written.
        EventKind::Unknown => 0,
    }
}

pub(super) fn kind_from_column(value: i16) -> Option<EventKind> {
    Some(match value {
        1 => EventKind::Message,
        2 => EventKind::File,
        3 => EventKind::Edit,
        4 => EventKind::Delete,
        5 => EventKind::Reaction,
        32 => EventKind::Contact,
        33 => EventKind::Conversation,
        34 => EventKind::Device,
        35 => EventKind::Password,
        36 => EventKind::Profile,
        _ => return None,
    })
}
