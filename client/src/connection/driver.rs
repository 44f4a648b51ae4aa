//! The task that owns a connection's stream: it writes requests, matches replies and notices when the line is dead.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use kith_common::{FrameDecoder, Framing, Incoming, Notice, Request};
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{Notify, mpsc, oneshot};

use super::encode;
use super::pushes::PushQueue;
use crate::runtime::time::{Instant, interval, timeout};
use crate::{Error, limits, system_reason};

/// The id of the pings that keep a connection alive; requests count from 1.
const KEEPALIVE_ID: u64 = 0;

/// Bytes asked of the stream at once, and gathered before they are written: the length of a TLS record.
const CHUNK: usize = 16 * 1024;

/// Work for the driver.
pub(super) enum Job {
    /// Write a line and wait for its reply.
    Request(Outgoing),
    /// End the connection once all before it is written.
    Close,
}

/// A request on its way.
pub(super) struct Outgoing {
    pub(super) id: u64,
    pub(super) line: Vec<u8>,
    pub(super) reply: Option<oneshot::Sender<Result<Box<RawValue>, Error>>>,
}

/// What the driver shares with the handles of its connection.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Why the connection ended, once it has.
    pub(super) end: OnceLock<Error>,
    state: Mutex<State>,
    /// A reply came, so that there is room for another request.
    answered: Notify,
}

#[derive(Debug)]
struct State {
    /// Requests written and not answered, the oldest first.
    pending: VecDeque<Pending>,
    /// When bytes moved last in either direction.
    moved: Instant,
    /// What the server said when it announced that it would end the connection.
    farewell: Option<Error>,
}

#[derive(Debug)]
struct Pending {
    id: u64,
    since: Instant,
    /// Bytes of the request, which may still be under way long after they were written.
    size: usize,
    reply: Option<oneshot::Sender<Result<Box<RawValue>, Error>>>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            pending: VecDeque::new(),
            moved: Instant::now(),
            farewell: None,
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a connection until it ends: because the server ends it, because it is dead, by [`Job::Close`], or when all its
/// handles are dropped.
pub(super) async fn drive<S>(
    stream: S,
    jobs: mpsc::Receiver<Job>,
    alive: mpsc::WeakSender<Job>,
    shared: Arc<Shared>,
    pushes: PushQueue,
) where
    S: AsyncRead + AsyncWrite,
{
    let (reader, writer) = tokio::io::split(stream);
    let end = tokio::select! {
        end = read(reader, &shared, &pushes) => end,
        end = write(writer, jobs, &shared) => end,
        end = watch(&alive, &shared) => end,
    };
    // A farewell says more than the cut that follows it.
    let end = shared
        .state()
        .farewell
        .take()
        .filter(|_| end.is_lost())
        .unwrap_or(end);
    let end = shared.end.get_or_init(|| end);
    pushes.lost(end);
    // Dropping what waits for replies tells their senders to look at `end`.
    shared.state().pending.clear();
}

async fn read(mut reader: impl AsyncRead + Unpin, shared: &Shared, pushes: &PushQueue) -> Error {
    let mut decoder = FrameDecoder::new(Framing::Lines, limits::INCOMING_FRAME);
    loop {
        decoder.buffer_mut().reserve(CHUNK);
        match reader.read_buf(decoder.buffer_mut()).await {
            Ok(0) => return Error::Lost("the server ended it".to_owned()),
            Ok(_) => shared.state().moved = Instant::now(),
            // What rustls says here is meant for programmers.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                return Error::Lost("the line was cut".to_owned());
            }
            Err(error) => return Error::Lost(system_reason(&error)),
        }
        while let Some(frame) = decoder.next_frame() {
            let received = frame
                .map_err(|error| Error::Protocol(error.to_string()))
                .and_then(|frame| receive(&frame, shared, pushes));
            if let Err(error) = received {
                return error;
            }
        }
        decoder.release_if_empty();
    }
}

fn receive(frame: &Bytes, shared: &Shared, pushes: &PushQueue) -> Result<(), Error> {
    match Incoming::parse(frame).map_err(|error| Error::Protocol(error.to_string()))? {
        Incoming::Event(event) => pushes.event(event),
        Incoming::Notice(notice) => {
            if let Notice::Bye { reason } = &notice {
                shared.state().farewell = Some(Error::Lost(reason.clone()));
            }
            pushes.notice(notice);
        }
        Incoming::Unknown => {}
        Incoming::Reply { id: Some(id), result } => {
            let pending = shared.state().pending.pop_front();
            shared.answered.notify_one();
            let Some(pending) = pending.filter(|pending| id.parse() == Ok(pending.id)) else {
                return Err(Error::Protocol("a reply to no request".to_owned()));
            };
            if let Some(reply) = pending.reply {
                // Whoever asked may have stopped waiting.
                let _ = reply.send(result.map_err(Error::Refused));
            }
        }
        // An error without an id is about the connection: the server couldn't even read what it was sent.
        Incoming::Reply {
            id: None,
            result: Err(error),
        } => return Err(Error::Refused(error)),
        Incoming::Reply { id: None, .. } => return Err(Error::Protocol("a reply without its id".to_owned())),
    }
    Ok(())
}

async fn write(mut writer: impl AsyncWrite + Unpin, mut jobs: mpsc::Receiver<Job>, shared: &Shared) -> Error {
    let mut open = true;
    while open {
        let mut lines = Vec::new();
        while !has_room(shared) {
            shared.answered.notified().await;
        }
        // When all handles are gone, that is as good as being told to close.
        let mut next = Some(jobs.recv().await.unwrap_or(Job::Close));
        while let Some(job) = next {
            match job {
                Job::Request(request) => push_request(&mut lines, request, shared),
                Job::Close => open = false,
            }
            next = if open && lines.len() < CHUNK && has_room(shared) {
                jobs.try_recv().ok()
            } else {
                None
            };
        }
        if write_all(&mut writer, &lines, shared).await.is_err() {
            // What the server last said is still to be read, and says why; the reader meets the end as well.
            return core::future::pending().await;
        }
    }
    // The stream says goodbye in TLS, so that the server knows it wasn't cut.
    let _ = timeout(limits::FAREWELL, writer.shutdown()).await;
    Error::Closed
}

fn has_room(shared: &Shared) -> bool {
    shared.state().pending.len() < limits::IN_FLIGHT
}

fn push_request(lines: &mut Vec<u8>, request: Outgoing, shared: &Shared) {
    let Outgoing { id, line, reply } = request;
    let size = line.len();
    if lines.is_empty() {
        *lines = line;
    } else {
        lines.extend_from_slice(&line);
    }
    let since = Instant::now();
    let mut state = shared.state();
    if state.pending.is_empty() {
        state.moved = since;
    }
    state.pending.push_back(Pending {
        id,
        since,
        size,
        reply,
    });
}

async fn write_all(
    writer: &mut (impl AsyncWrite + Unpin),
    lines: &[u8],
    shared: &Shared,
) -> std::io::Result<()> {
    for chunk in lines.chunks(CHUNK) {
        writer.write_all(chunk).await?;
        shared.state().moved = Instant::now();
    }
    writer.flush().await
}

/// Ends a connection on which a reply is overdue, and pings one that is idle, so that its death shows.
async fn watch(alive: &mpsc::WeakSender<Job>, shared: &Shared) -> Error {
    let mut ticks = interval(limits::SILENCE / 8);
    loop {
        ticks.tick().await;
        match shared.state().judge() {
            Health::Good => {}
            Health::Dead => return Error::Silent,
            Health::Idle => ping(alive),
        }
    }
}

enum Health {
    Good,
    Idle,
    Dead,
}

impl State {
    fn judge(&self) -> Health {
        let silence = self.moved.elapsed();
        let Some(oldest) = self.pending.front() else {
            return if silence > limits::KEEPALIVE {
                Health::Idle
            } else {
                Health::Good
            };
        };
        // The system takes bytes long before a slow line has carried them, and doesn't tell.
        let unanswered: usize = self.pending.iter().map(|pending| pending.size).sum();
        let carried = Duration::from_secs(unanswered as u64 / limits::SLOWEST_LINE);
        if silence > limits::SILENCE + carried || oldest.since.elapsed() > limits::REPLY {
            Health::Dead
        } else {
            Health::Good
        }
    }
}

fn ping(alive: &mpsc::WeakSender<Job>) {
    if let (Some(jobs), Ok(line)) = (alive.upgrade(), encode(KEEPALIVE_ID, &Request::Ping)) {
        // A full queue means that there is traffic anyway.
        let _ = jobs.try_send(Job::Request(Outgoing {
            id: KEEPALIVE_ID,
            line,
            reply: None,
        }));
    }
}

#[cfg(test)]
mod tests;
