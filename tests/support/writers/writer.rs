use std::collections::VecDeque;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Content, Known, Progress, Room, Written};
use crate::{Dice, Raw};

/// Most writes without an answer.
const WINDOW: usize = 24;

/// One write in so many is a file.
const FILES: u64 = 40;

/// One in so many is one that was acknowledged long ago, sent again.
const REPEATS: u64 = 30;

impl Written {
    fn is_acknowledged(&self) -> bool {
        self.number > 0
    }
}

pub(super) struct Writer {
    me: usize,
    token: String,
    names: Arc<Vec<String>>,
    dice: Dice,
    progress: Arc<Progress>,
    next: u64,
    /// Sent or to be sent (again), in order.
    open: VecDeque<Written>,
    done: Vec<Written>,
    events: Vec<Value>,
}

impl Writer {
    pub(super) fn new(
        me: usize,
        token: String,
        names: Arc<Vec<String>>,
        dice: Dice,
        progress: Arc<Progress>,
    ) -> Self {
        Self {
            me,
            token,
            names,
            dice,
            progress,
            next: 0,
            open: VecDeque::new(),
            done: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Writes until it is told to stop and everything is acknowledged.
    pub(super) async fn run(
        mut self,
        mut rooms: watch::Receiver<Room>,
        stopped: watch::Receiver<bool>,
    ) -> Known {
        loop {
            let room = rooms.borrow_and_update().clone();
            if self.visit(&room, &stopped).await.is_some() {
                return Known {
                    writer: self.me,
                    written: self.done,
                    events: self.events,
                };
            }
            // The server is dead. The next one is said when it is there; it may be there already.
            if !rooms.has_changed().unwrap() {
                rooms.changed().await.unwrap();
            }
        }
    }

    /// Writes over one connection. `None` when it broke.
    async fn visit(&mut self, room: &Room, stopped: &watch::Receiver<bool>) -> Option<()> {
        let mut raw = Raw::try_connect(room.address, &room.ca, &[b"kith/1"])
            .await
            .ok()?;
        send(&mut raw, &json!({"action": "hello"})).await?;
        send(&mut raw, &json!({"action": "resume", "token": self.token})).await?;
        for _ in 0..2 {
            let reply = raw.next().await?;
            assert_eq!(reply["status"], "ok", "{reply}");
        }
        // What has no answer yet is sent again, with the same keys: it may have been stored or not.
        let mut sent = 0;
        loop {
            while !*stopped.borrow() && self.open.len() < WINDOW {
                let write = self.make();
                self.open.push_back(write);
            }
            while let Some(write) = self.open.get(sent) {
                send(&mut raw, &self.request(write)).await?;
                sent += 1;
            }
            if self.open.is_empty() {
                return Some(());
            }
            let line = raw.next().await?;
            if line.get("event").is_some() {
                self.events.push(line);
                continue;
            }
            assert_eq!(line["status"], "ok", "{line}");
            let mut write = self.open.pop_front()?;
            sent -= 1;
            assert_eq!(line["id"], write.client_id.as_str(), "replies come in order");
            let first = write.clone();
            write.conversation = line["conversation"].as_str()?.to_owned();
            write.number = line["number"].as_u64()?;
            if let Content::File { id, .. } = &mut write.content {
                *id = line["file"].as_str()?.to_owned();
            }
            if first.is_acknowledged() {
                assert_eq!(write, first, "the second answer is not the first");
                continue;
            }
            self.done.push(write);
            self.progress.add();
        }
    }

    fn make(&mut self) -> Written {
        if !self.done.is_empty() && self.dice.below(REPEATS) == 0 {
            let which = self.dice.below(self.done.len() as u64) as usize;
            return self.done[which].clone();
        }
        self.next += 1;
        let others = self.names.len() as u64 - 1;
        let receiver = (self.me + 1 + self.dice.below(others) as usize) % self.names.len();
        let client_id = format!("{}-{}", self.me, self.next);
        let content = if self.dice.below(FILES) == 0 {
            let bytes = (0..=self.dice.below(100_000))
                .map(|at| (at * 31 + self.next) as u8)
                .collect();
            Content::File {
                name: format!("{client_id}.bin"),
                bytes,
                id: String::new(),
            }
        } else {
            Content::Text(format!(
                "{client_id} {}",
                "x".repeat(self.dice.below(200) as usize)
            ))
        };
        Written {
            sender: self.me,
            receiver,
            client_id,
            content,
            conversation: String::new(),
            number: 0,
        }
    }

    fn request(&self, write: &Written) -> Value {
        let (receiver, key) = (&self.names[write.receiver], &write.client_id);
        match &write.content {
            Content::Text(text) => {
                json!({"action": "message", "id": key, "client_id": key, "receiver": receiver, "content": text})
            }
            Content::File { name, bytes, .. } => {
                let data = STANDARD.encode(bytes);
                json!({"action": "file", "id": key, "client_id": key, "receiver": receiver,
                    "file_name": name, "file_data": data})
            }
        }
    }
}

/// `None` when the server is gone.
async fn send(raw: &mut Raw, message: &Value) -> Option<()> {
    raw.try_send_bytes(format!("{message}\n").as_bytes()).await.ok()
}
