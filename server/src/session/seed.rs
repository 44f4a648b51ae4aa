//! Delivery to clients of the seed's protocol.
//!
//! They know no numbers and can't ask for what they missed, so the server holds a cursor for their account: how far each
//! conversation was given to them. What is missing is read from the store a page at a time, as fast as the
//! socket takes it. The cursor moves only when the bytes have certainly arrived, so that a message comes at least once.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use bytes::BytesMut;
use kith_common::{EventKind, FileBody};
use tokio::time::Instant;

use crate::hub::{MessageBody, SeedHead, seed_file, seed_message};
use crate::server::Server;
use crate::store::{Account, AccountId, LogId, LogKind, SeedBacklog, StoreError, Stored, StoredEvent};

/// Events read from the store at a time.
const PAGE: u64 = 50;

/// Longer than a connection lives whose other end acknowledges nothing (see `listen::USER_TIMEOUT`): what was
/// written before that has arrived.
const CERTAIN: Duration = Duration::from_secs(40);

/// How far one connection was given each conversation.
#[derive(Default)]
pub(super) struct SeedCursor {
    reader: Option<AccountId>,
    given: HashMap<LogId, i64>,
    /// What this connection wrote itself, ahead of `given`.
    own: BTreeSet<(LogId, i64)>,
    backlog: VecDeque<Backlog>,
    /// Given, not written to the socket yet.
    pending: HashMap<LogId, i64>,
    /// Written since `aged`, and before.
    young: HashMap<LogId, i64>,
    old: HashMap<LogId, i64>,
    aged: Option<Instant>,
}

struct Backlog {
    conversation: SeedBacklog,
    /// Found at login: one's own messages of other devices are no news then.
    skip_own: bool,
}

impl SeedCursor {
    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// The connection wrote an event itself; it isn't sent back.
    pub(super) fn wrote(&mut self, log: LogId, number: i64) {
        match self.given.get(&log) {
            Some(given) if number > given + 1 => {
                self.own.insert((log, number));
            }
            _ => self.give(log, number),
        }
    }

    /// A live event: sent when it is the next one, else the gap before it is read from the store.
    pub(super) async fn live(&mut self, server: &Server, event: Stored, out: &mut BytesMut) {
        let log = event.log.id;
        if self
            .backlog
            .iter()
            .any(|backlog| backlog.conversation.log.id == log)
        {
            // Its turn comes, and this event with it.
            return;
        }
        match self.given.get(&log).copied() {
            Some(given) if event.number <= given => {}
            Some(given) if event.number > given + 1 => {
                let conversation = SeedBacklog {
                    log: event.log,
                    given,
                };
                self.backlog.push_back(Backlog {
                    conversation,
                    skip_own: false,
                });
            }
            _ => {
                let receiver = receiver_of(&event);
                let (number, sender) = (event.number, event.sender.clone());
                let stored = StoredEvent {
                    number,
                    sender: event.sender,
                    device: event.device,
                    kind: event.kind,
                    time: event.time,
                    body: Some(event.body),
                    client_id: None,
                };
                put(server, &stored, &sender, receiver.as_deref(), out).await;
                self.give(log, number);
            }
        }
    }

    /// The client has logged in: it gets what was missed since it was here last.
    pub(super) async fn log_in(&mut self, server: &Server, account: AccountId) {
        // It may have been logged in as somebody else.
        self.save(server, false).await;
        *self = Self {
            reader: Some(account),
            ..Self::default()
        };
        self.fall_behind(server, true).await;
    }

    /// The client has logged out: it gets nothing further. What it was given is saved when the connection ends.
    pub(super) fn log_out(&mut self) {
        self.backlog.clear();
    }

    /// Events were missed: finds out where.
    pub(super) async fn fall_behind(&mut self, server: &Server, at_login: bool) {
        let Some(account) = self.reader else { return };
        let found = match server.store.account(account).await {
            Ok(account) => server.store.seed_backlog(&account).await,
            Err(error) => Err(error),
        };
        match found {
            Ok(found) => {
                self.backlog.clear();
                for mut conversation in found {
                    let given = self.given.get(&conversation.log.id).copied().unwrap_or_default();
                    conversation.given = conversation.given.max(given);
                    self.backlog.push_back(Backlog {
                        conversation,
                        skip_own: at_login,
                    });
                }
            }
            Err(error) => tracing::error!(target: "error", %error, "reading what a client missed failed"),
        }
    }

    /// Sends a page of what was missed.
    pub(super) async fn page(&mut self, server: &Server, out: &mut BytesMut) {
        let Some(mut backlog) = self.backlog.pop_front() else {
            return;
        };
        let log = backlog.conversation.log.id;
        let page = match self.read(server, &backlog.conversation).await {
            Ok(page) => page,
            Err(error) => {
                tracing::error!(target: "error", %error, "reading what a client missed failed");
                return;
            }
        };
        let (events, members) = page;
        let complete = (events.len() as u64) < PAGE;
        for event in &events {
            let own = Some(event.sender.id) == self.reader;
            let wrote_it = self.own.remove(&(log, event.number));
            let is_news = !own || !backlog.skip_own;
            if !wrote_it && is_news {
                let receiver = members.iter().find(|member| member.id != event.sender.id);
                put(
                    server,
                    event,
                    &event.sender,
                    receiver.map(|other| &*other.username),
                    out,
                )
                .await;
            }
            backlog.conversation.given = event.number;
            self.give(log, event.number);
        }
        if !complete {
            self.backlog.push_front(backlog);
        }
    }

    async fn read(
        &self,
        server: &Server,
        conversation: &SeedBacklog,
    ) -> Result<(Vec<StoredEvent>, Vec<std::sync::Arc<Account>>), StoreError> {
        let log = &conversation.log;
        let events = server
            .store
            .events_after(log.id, conversation.given, PAGE)
            .await?;
        let members = if log.kind == LogKind::Direct {
            server.store.members(log.id).await?
        } else {
            Vec::new()
        };
        Ok((events, members))
    }

    fn give(&mut self, log: LogId, number: i64) {
        let mut number = number;
        while self.own.remove(&(log, number + 1)) {
            number += 1;
        }
        self.given.insert(log, number);
        self.pending.insert(log, number);
    }

    /// What was given so far has been written to the socket.
    pub(super) fn written(&mut self) {
        if !self.pending.is_empty() {
            self.young.extend(self.pending.drain());
            self.aged.get_or_insert_with(Instant::now);
        }
    }

    /// When the cursor is to be saved next; `None` while there is nothing to save.
    pub(super) fn save_in(&self) -> Option<Instant> {
        self.aged.map(|aged| aged + CERTAIN)
    }

    /// Saves the cursor: as far as it is certain, or, where everything has arrived, as far as it was written.
    pub(super) async fn save(&mut self, server: &Server, complete: bool) {
        let mut certain = std::mem::take(&mut self.old);
        let ripe = self.aged.is_some_and(|aged| aged.elapsed() >= CERTAIN);
        if complete {
            certain.extend(self.young.drain());
        } else if ripe {
            self.old = std::mem::take(&mut self.young);
        }
        self.aged = (!self.old.is_empty()).then(Instant::now);
        let Some(reader) = self.reader else { return };
        if let Err(error) = server.store.advance_seed(reader, &certain).await {
            tracing::error!(target: "error", %error, "saving what a client was given failed; it comes again");
        }
    }
}

/// The other one of a direct conversation, so that the sender's other connections know where it went.
fn receiver_of(event: &Stored) -> Option<String> {
    let is_direct = event.log.kind == LogKind::Direct;
    let other = event
        .audience
        .iter()
        .find(|reader| is_direct && reader.account != event.sender.id)?;
    Some(other.username.to_string())
}

/// Appends an event in the seed's form. What has no such form (or was erased) is passed over.
async fn put(
    server: &Server,
    event: &StoredEvent,
    sender: &Account,
    receiver: Option<&str>,
    out: &mut BytesMut,
) {
    let head = SeedHead {
        sender: &sender.username,
        receiver,
        time: event.time,
    };
    let Some(body) = &event.body else { return };
    match event.kind {
        EventKind::Message => {
            if let Ok(body) = serde_json::from_slice::<MessageBody<'_>>(body) {
                out.extend_from_slice(&seed_message(head, &body.content));
            }
        }
        EventKind::File => {
            let Ok(body) = serde_json::from_slice::<FileBody>(body) else {
                return;
            };
            let fits = body.size <= kith_common::limits::INLINE_FILE as u64;
            let bytes = if fits {
                server.blobs.read(&body.file).await.ok()
            } else {
                None
            };
            out.extend_from_slice(&seed_file(head, &body, bytes));
        }
        _ => {}
    }
}
