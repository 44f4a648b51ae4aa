//! `server.log`: a file a day, a link to the newest, a bounded number of them.
//!
//! The target of a line says its kind: `connection`, `authentication`, `routing`, `transfer`, `error`. No line ever
//! holds a message's text, a password, a token or a key.

use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use tracing::Level;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{InitError, RollingFileAppender, Rotation};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt as lines};

/// Lines that wait to be written. When the disk is slower than that, the server waits: no line is lost.
const QUEUE: usize = 32 * 1024;

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The folder can't be made.
    #[error("can't make the log folder: {0}")]
    Folder(#[from] std::io::Error),
    /// The file can't be opened.
    #[error("can't open server.log: {0}")]
    File(#[from] InitError),
    /// Something has set up logging before.
    #[error("logging is set up already: {0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Logs into `folder` from now on, and warnings to standard error too. What waits is written when the guard is dropped.
///
/// # Errors
/// The folder or the file can't be made.
pub fn start(folder: &Path, level: Level, files: usize) -> Result<WorkerGuard, LoggingError> {
    std::fs::create_dir_all(folder)?;
    // The link to the newest file holds its path, which must not depend on where the server was started.
    let folder = std::path::absolute(folder)?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("server")
        .filename_suffix("log")
        .latest_symlink("server.log")
        .max_log_files(files)
        .build(folder)?;
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(false)
        .buffered_lines_limit(QUEUE)
        .thread_name("log")
        .finish(appender);
    // Libraries speak up only when something is wrong.
    let ours = [
        "kith_server",
        "connection",
        "authentication",
        "routing",
        "transfer",
        "error",
        "server",
    ];
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_targets(ours.map(|target| (target, level)));
    let file = lines::layer()
        .with_ansi(false)
        .with_timer(Utc)
        .with_writer(writer)
        .with_filter(filter);
    let terminal = lines::layer()
        .with_ansi(false)
        .with_timer(Utc)
        .with_writer(std::io::stderr)
        .with_filter(LevelFilter::ERROR);
    tracing_subscriber::registry()
        .with(file)
        .with(terminal)
        .try_init()?;
    Ok(guard)
}

/// RFC 3339 in UTC, to the millisecond.
struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{:.3}", Timestamp::now())
    }
}
