//! Every limit and wait of this program, in one place.

use std::time::Duration;

/// Longest wait for the server to take something; then it stays in the outbox.
pub(crate) const OUTCOME: Duration = Duration::from_secs(120);

/// The same for a file.
pub(crate) const FILE_OUTCOME: Duration = Duration::from_secs(900);

/// Bytes by which the kind of a file is told.
pub(crate) const SNIFFED: u64 = 8 * 1024;

/// How often a connection may be lost while something is awaited.
pub(crate) const LOSSES: u32 = 3;

/// Longest time that a command goes on for the sake of what waited before it.
pub(crate) const LEFTOVERS: Duration = Duration::from_secs(20);

/// Longest time that a command stays for to tell what was received and read.
pub(crate) const MARKS: Duration = Duration::from_secs(2);

/// How often the outbox is looked at for what another program did with it.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Events that are printed before it is noted how far that was.
pub(crate) const EVENTS: u32 = 100;

/// Messages that `chat` shows at first, and with each `/older`.
pub(crate) const CHAT_PAGE: u32 = 20;

/// Messages at the end of a conversation that `chat` looks at again when something has changed.
pub(crate) const CHAT_WINDOW: u32 = 200;

/// Longest wait for the last lines to appear when a chat ends.
pub(crate) const LAST_LINES: Duration = Duration::from_millis(300);

/// Lines that were typed and wait; more make the keyboard wait.
pub(crate) const LINES: usize = 16;

/// Events in a step of an export.
pub(crate) const EXPORT_STEP: u32 = 500;
