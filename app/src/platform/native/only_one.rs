//! One window for a user and a data folder: a second start hands its link to the program that runs already, and ends.
//!
//! Who is first is decided by a lock that the system takes away with the process, however it ends. The first listens at a socket that
//! only its user can reach; a call is one line, and what isn't one does nothing.

use std::io;
use std::time::Duration;

use interprocess::local_socket::tokio::{Listener, Stream, prelude::*};
use interprocess::local_socket::{ListenerOptions, Name};
use kith_client::{Store, StoreClaim};
use kith_common::InviteLink;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::RUNTIME;
use super::device::put_link;

/// What is claimed of the data folder.
const CLAIM: &str = "window";

/// Longest call, in bytes.
const CALL: u64 = 4 * 1024;

/// Most calls that are heard at once.
const CALLS: usize = 8;

/// How long a call and its answer may take.
const ANSWER: Duration = Duration::from_secs(2);

/// How long a second start waits for a first one that doesn't answer: it may just be beginning, or ending.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long it waits between two tries.
const AGAIN: Duration = Duration::from_millis(100);

/// What the first one says to a call that it took.
const TAKEN: &[u8] = b"ok\n";

/// What a second start asks of the first one.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Call {
    /// To show itself.
    Show,
    /// To show itself, and where a link leads.
    Open(InviteLink),
}

/// How a start goes on.
#[derive(Debug)]
pub(super) enum Start {
    /// With a window, as long as this is held.
    First(Option<StoreClaim>),
    /// The one that runs has heard of it.
    Second,
}

/// Why there is no window: the program that has one stands still.
#[derive(Debug, thiserror::Error)]
#[error("Kith runs already, and doesn't answer: {0}")]
pub(super) struct Silent(io::Error);

/// A link was handed over.
static LINKS: Notify = Notify::const_new();

/// The window is wanted.
static WANTED: Notify = Notify::const_new();

/// Begins as the first, or hands over to it.
///
/// # Errors
/// There is one, and it doesn't answer.
pub(super) fn begin(link: Option<InviteLink>) -> Result<Start, Silent> {
    let Ok(store) = Store::of_user() else {
        // The window says what is missing.
        return Ok(Start::First(None));
    };
    RUNTIME.block_on(begin_in(&store, link, PATIENCE, |call| match call {
        Call::Show => WANTED.notify_one(),
        Call::Open(link) => open(link),
    }))
}

/// Opens a link in the window that is there.
pub(super) fn open(link: InviteLink) {
    put_link(link);
    LINKS.notify_one();
    WANTED.notify_one();
}

/// Waits until another start wants the window.
pub(super) async fn wanted() {
    WANTED.notified().await;
}

/// Waits until another start has handed a link over.
pub(super) async fn linked() {
    LINKS.notified().await;
}

async fn begin_in(
    store: &Store,
    link: Option<InviteLink>,
    patience: Duration,
    hear: impl Fn(Call) + Clone + Send + 'static,
) -> Result<Start, Silent> {
    let call = link.map_or(Call::Show, Call::Open);
    let until = Instant::now() + patience;
    loop {
        let claim = match store.claim(CLAIM) {
            Ok(claim) => claim,
            // The folder can't be written, which the window says, or knows no locks.
            Err(error) => {
                eprintln!("kith: can't tell whether it runs already: {error}");
                return Ok(Start::First(None));
            }
        };
        if let Some(claim) = claim {
            match listen(store) {
                Ok(listener) => drop(RUNTIME.spawn(listen_on(listener, hear))),
                // It is first all the same.
                Err(error) => eprintln!("kith: no other start will be heard: {error}"),
            }
            return Ok(Start::First(Some(claim)));
        }
        match timeout(ANSWER, hand_over(store, &call)).await {
            Ok(Ok(())) => return Ok(Start::Second),
            Ok(Err(error)) if Instant::now() >= until => return Err(Silent(error)),
            Err(_) if Instant::now() >= until => {
                return Err(Silent(io::ErrorKind::TimedOut.into()));
            }
            _ => sleep(AGAIN).await,
        }
    }
}

async fn hand_over(store: &Store, call: &Call) -> io::Result<()> {
    let mut line = Stream::connect(name(store)?).await?;
    line.write_all(call.to_string().as_bytes()).await?;
    let mut answer = [0; TAKEN.len()];
    line.read_exact(&mut answer).await?;
    match answer == TAKEN {
        true => Ok(()),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Listens, as whoever has the claim. A socket that a program left behind, which ended before its time, is nobody's.
fn listen(store: &Store) -> io::Result<Listener> {
    let options = ListenerOptions::new().name(name(store)?).reclaim_name(false);
    #[cfg(unix)]
    let options = {
        use interprocess::os::unix::local_socket::ListenerOptionsExt as _;

        match std::fs::remove_file(path(store)?) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => options.mode(0o600),
        }
    };
    options.create_tokio()
}

/// Hears calls. Whoever says nothing holds up nobody else.
async fn listen_on(listener: Listener, hear: impl Fn(Call) + Clone + Send + 'static) {
    let mut calls = JoinSet::new();
    loop {
        while calls.len() >= CALLS {
            calls.join_next().await;
        }
        match listener.accept().await {
            Ok(line) => drop(calls.spawn(timeout(ANSWER, answer(line, hear.clone())))),
            // There are too many files open, say. It goes by.
            Err(_) => sleep(AGAIN).await,
        }
        while calls.try_join_next().is_some() {}
    }
}

async fn answer(mut line: Stream, hear: impl Fn(Call)) {
    if let Some(call) = read(&mut line).await {
        hear(call);
        // It was taken, whether or not whoever called still wants to know.
        let _ = line.write_all(TAKEN).await;
    }
}

/// Reads a call; none where it is something else.
async fn read(line: impl AsyncRead + Unpin) -> Option<Call> {
    let mut text = String::new();
    BufReader::new(line.take(CALL)).read_line(&mut text).await.ok()?;
    let text = text.strip_suffix('\n')?;
    match text.split_once(' ') {
        None if text == "show" => Some(Call::Show),
        Some(("open", link)) if link.starts_with("kith://") => link.parse().ok().map(Call::Open),
        _ => None,
    }
}

impl core::fmt::Display for Call {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Show => writeln!(f, "show"),
            Self::Open(link) => writeln!(f, "open {link}"),
        }
    }
}

/// Where the socket lies: in the data folder, which is its user's alone, or in that for such things where the path would be too long
/// for a socket (unix(7), 108 bytes; less on other systems).
#[cfg(unix)]
fn path(store: &Store) -> io::Result<std::path::PathBuf> {
    const LONGEST: usize = 100;

    let path = std::path::absolute(store.folder())?.join("window.sock");
    if path.as_os_str().len() <= LONGEST {
        return Ok(path);
    }
    let dirs = directories::BaseDirs::new();
    let folder = dirs.as_ref().and_then(|dirs| dirs.runtime_dir());
    let folder = folder.ok_or_else(|| io::Error::other("the path of the data folder is too long"))?;
    Ok(folder.join(format!("kith-{}.sock", mark(store)?)))
}

#[cfg(unix)]
fn name(store: &Store) -> io::Result<Name<'static>> {
    use interprocess::local_socket::{GenericFilePath, ToFsName as _};

    path(store)?.to_fs_name::<GenericFilePath>()
}

/// Elsewhere such names lie in no folder.
#[cfg(not(unix))]
fn name(store: &Store) -> io::Result<Name<'static>> {
    use interprocess::local_socket::{GenericNamespaced, ToNsName as _};

    format!("kith-{}", mark(store)?).to_ns_name::<GenericNamespaced>()
}

/// The same for the same data folder, and another for another one.
fn mark(store: &Store) -> io::Result<String> {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    let mut hasher = DefaultHasher::new();
    std::path::absolute(store.folder())?.hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

#[cfg(test)]
mod tests;
