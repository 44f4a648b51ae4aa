//! Every limit and timeout of the client that isn't a limit of the protocol, in one place.

use std::time::Duration;

/// Longest time to reach one of a server's addresses by TCP.
pub const DIAL: Duration = Duration::from_secs(10);

/// Time an address has for itself before the next is tried beside it (RFC 8305, section 5).
pub const DIAL_STAGGER: Duration = Duration::from_millis(250);

/// Longest TLS handshake.
pub const HANDSHAKE: Duration = Duration::from_secs(15);

/// Longest silence in both directions while a reply is due, besides what the request may take on its way.
pub const SILENCE: Duration = Duration::from_secs(30);

/// The slowest line on which a large request isn't given up, in bytes a second.
pub const SLOWEST_LINE: u64 = 16 * 1024;

/// Longest wait for a reply, however many bytes move: a large file over a slow line fits in.
pub const REPLY: Duration = Duration::from_secs(900);

/// Idle time after which the client pings, so that a dead connection is noticed and a living one kept by routers.
pub const KEEPALIVE: Duration = Duration::from_secs(60);

/// Longest farewell when a connection is closed.
pub const FAREWELL: Duration = Duration::from_secs(2);

/// Requests that wait to be written; more make their senders wait.
pub const REQUEST_QUEUE: usize = 64;

/// Requests that are written and not answered; more wait in the queue.
pub const IN_FLIGHT: usize = 256;

/// Pushed events that wait to be taken; more are dropped, and the taker is told to sync.
pub const PUSH_QUEUE: usize = 256;

/// Longest line taken from a server, in bytes: a full page of `sync` with the longest texts, and room for escapes.
pub const INCOMING_FRAME: usize = 64 * 1024 * 1024;

/// First and longest wait between attempts to reconnect.
pub const RECONNECT: core::ops::RangeInclusive<Duration> =
    Duration::from_millis(500)..=Duration::from_secs(60);

/// Bytes that a browser may hold to be sent; more make their senders wait.
pub const SOCKET_BUFFER: u32 = 256 * 1024;

/// How soon it is looked again whether a browser has sent some of them, of which it doesn't tell.
pub const SOCKET_LOOK: Duration = Duration::from_millis(20);

/// Calls of a local store that wait for its thread; more make their callers wait.
pub const STORE_QUEUE: usize = 64;

/// Longest wait of a local store for another program that is writing to it.
pub const STORE_BUSY: Duration = Duration::from_secs(20);

/// Changes that wait for a user interface; more become one [`crate::Change::Reload`].
pub const CHANGES: usize = 1_000;

/// Numbers of messages in one change; of more, a user interface is told that the whole conversation has changed.
pub const CHANGED_MESSAGES: usize = 1_000;

/// How long changes of the network are gathered before the engine acts on them: an interface comes up in several steps.
pub const NETWORK_SETTLES: Duration = Duration::from_millis(500);

/// Commands that wait for the engine's task; more make their callers wait.
pub const COMMANDS: usize = 64;

/// The newest events that are fetched of a conversation that isn't known yet.
pub const TAIL: u32 = 50;

/// Items that an outbox takes.
pub const OUTBOX: u64 = 10_000;

/// Writes of the outbox that are under way at a time, each in another conversation.
pub const OUTBOX_IN_FLIGHT: usize = 8;

/// Largest file that goes inside a request, in the order of the conversation; a larger one is uploaded beside it.
pub const INLINE_FILE: usize = 256 * 1024;

/// Most bytes of a file that an outbox keeps; a larger one has to lie in a file, or a browser's blob.
pub const KEPT_FILE: usize = 64 * 1024 * 1024;

/// Uploads, and downloads, that run at a time.
pub const TRANSFERS_AT_ONCE: usize = 3;

/// How many of them may be large, so that a small one never waits behind large ones.
pub const LARGE_AT_ONCE: usize = 2;

/// What counts as large, in bytes.
pub const LARGE_FILE: u64 = 32 * 1024 * 1024;

/// Bytes of a file that are read at once.
pub const PIECE: usize = 256 * 1024;

/// Pieces that are read and wait for the line.
pub const PIECES: usize = 2;

/// How far back the hash of what was sent is known, in pieces: more than can be under way when a line breaks.
pub const KNOWN_HASHES: usize = 32;

/// Bytes that the system may hold of an upload and not have sent yet.
pub const UNSENT: u32 = 128 * 1024;

/// Longest time in which nothing moves in a transfer.
pub const TRANSFER_SILENCE: Duration = Duration::from_secs(60);

/// How often a transfer is looked after: whether it moves, and whether another program has paused it or called it off.
pub const TRANSFER_LOOK: Duration = Duration::from_secs(2);

/// How often the progress of a transfer is told.
pub const TRANSFER_TOLD: Duration = Duration::from_millis(100);

/// How soon it is looked again whether another program has left a transfer to this one.
pub const CLAIM_LOOK: Duration = Duration::from_secs(3);

/// How often the outbox is looked at for what another program has left in it.
pub const OUTBOX_LOOK: Duration = Duration::from_secs(10);

/// Into how many pieces a second a limited transfer is cut.
pub const PIECES_A_SECOND: u64 = 8;

/// Longest answer that says why a transfer is refused, in bytes.
pub const REFUSAL: usize = 64 * 1024;

/// How often a write is tried that the server fails at with `internal`, before it counts as refused.
pub const FAULTS: u32 = 5;

/// Events that came before those in front of them and wait for them; more are fetched again.
pub const EARLY_EVENTS: usize = 256;

/// Marks under way at a time.
pub const MARKS_IN_FLIGHT: usize = 4;

/// How long somebody counts as typing after they were last heard to.
pub const TYPING: Duration = Duration::from_secs(8);

/// Within this time a person's typing isn't told again in the same conversation.
pub const TYPING_REPEAT: Duration = Duration::from_secs(3);

/// Most messages in a page that a user interface asks for.
pub const PAGE: u32 = 500;
