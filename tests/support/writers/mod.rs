//! Writers under load, for tests in which the server goes down again and again: nothing acknowledged may be lost,
//! nothing may come twice.
//!
//! They pipeline texts (and now and then a file) with a `client_id` each, and note what was acknowledged. When their
//! server is gone they wait for the next one, resume by token, and send again what has no answer yet. In the end the
//! logs have to agree with every answer.

mod check;
mod database;
mod writer;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::{Dice, Server};
use writer::Writer;

pub use database::is_sound;

/// Writers at work, each into conversations with the others.
pub struct Writers {
    names: Arc<Vec<String>>,
    tokens: Vec<String>,
    tasks: JoinSet<Known>,
    progress: Arc<Progress>,
    rooms: watch::Sender<Room>,
    stop: watch::Sender<bool>,
}

/// What all writers know in the end.
pub struct Story {
    names: Arc<Vec<String>>,
    tokens: Vec<String>,
    known: Vec<Known>,
}

/// Where the server is, this time.
#[derive(Clone)]
struct Room {
    address: SocketAddr,
    ca: PathBuf,
}

/// Something that was written, and once it is acknowledged, where it is.
#[derive(Clone, Debug, PartialEq)]
struct Written {
    sender: usize,
    receiver: usize,
    client_id: String,
    content: Content,
    conversation: String,
    number: u64,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Text(String),
    File {
        name: String,
        bytes: Vec<u8>,
        id: String,
    },
}

/// All that a writer knows in the end.
struct Known {
    /// Which writer.
    writer: usize,
    /// What was acknowledged, in the order in which it was written.
    written: Vec<Written>,
    /// The events that came while it was connected: nothing is told that could still be lost.
    events: Vec<Value>,
}

/// How many writes were acknowledged so far, by any writer.
#[derive(Default)]
struct Progress {
    acknowledged: AtomicU64,
    more: Notify,
}

impl Writers {
    /// Registers so many people, and lets them write.
    pub async fn start(server: &Server, count: usize, seed: u64) -> Self {
        let names: Arc<Vec<String>> = Arc::new((0..count).map(|number| format!("writer{number}")).collect());
        let mut tokens = Vec::new();
        for name in names.iter() {
            let mut raw = server.connect_native().await;
            raw.register(name).await;
            let login = raw.login(name).await;
            tokens.push(login["token"].as_str().unwrap().to_owned());
            raw.leave().await;
        }
        let (rooms, room) = watch::channel(Room::open(server));
        let (stop, stopped) = watch::channel(false);
        let progress = Arc::new(Progress::default());
        let mut tasks = JoinSet::new();
        for (number, token) in tokens.iter().enumerate() {
            let dice = Dice::new(seed + 1 + number as u64);
            let writer = Writer::new(number, token.clone(), names.clone(), dice, progress.clone());
            tasks.spawn(writer.run(room.clone(), stopped.clone()));
        }
        Self {
            names,
            tokens,
            tasks,
            progress,
            rooms,
            stop,
        }
    }

    /// How many writes were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.progress.acknowledged.load(Ordering::Acquire)
    }

    /// Waits until so many writes were acknowledged in all.
    pub async fn reach(&mut self, count: u64) {
        tokio::select! {
            () = self.progress.reach(count) => {}
            Some(ended) = self.tasks.join_next() => panic!("a writer ended: {:?}", ended.err()),
        }
    }

    /// Tells the writers where the server is now.
    pub fn follow(&self, server: &Server) {
        self.rooms.send(Room::open(server)).unwrap();
    }

    /// Lets the writers finish: each waits for its last answers.
    pub async fn finish(self) -> Story {
        self.stop.send(true).unwrap();
        let mut known = self.tasks.join_all().await;
        known.sort_by_key(|known| known.writer);
        Story {
            names: self.names,
            tokens: self.tokens,
            known,
        }
    }
}

impl Story {
    /// How many writes were acknowledged.
    pub fn acknowledged(&self) -> usize {
        self.known.iter().map(|known| known.written.len()).sum()
    }

    /// Compares what every member is given with what every writer was told.
    ///
    /// To be asked of a server that has started anew, so that nothing is read that was only in memory.
    pub async fn is_kept_by(&self, server: &Server) {
        check::everything(server, &self.names, &self.tokens, &self.known).await;
    }
}

impl Room {
    fn open(server: &Server) -> Self {
        Self {
            address: server.address,
            ca: server.ca(),
        }
    }
}

impl Progress {
    fn add(&self) {
        self.acknowledged.fetch_add(1, Ordering::AcqRel);
        self.more.notify_waiters();
    }

    async fn reach(&self, count: u64) {
        loop {
            let more = self.more.notified();
            if self.acknowledged.load(Ordering::Acquire) >= count {
                return;
            }
            more.await;
        }
    }
}
