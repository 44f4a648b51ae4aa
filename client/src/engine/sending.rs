//! The outbox on its way to the server.
//!
//! What is in one lane (a conversation) is sent one after the other, each when the server has answered the one before: a
//! passing refusal then delays what is behind it, and nothing overtakes. Lanes don't wait for each other. Several
//! engines may send the same outbox at once: the server takes each item once, by its `client_id`, and no engine sends an item
//! before the one in front of it is settled.

use std::collections::BTreeSet;

use kith_common::{
    Base64Bytes, ClientId, DeleteRequest, ErrorCode, EventKind, LogEvent, MarkReply, MarkRequest, Request,
    SentReply, WireError, limits as protocol,
};
use litemap::LiteMap;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::online::Online;
use super::outbox::{own_event, parse};
use super::runner::End;
use super::transfers::Transferred;
use super::{Identity, Progress, lock};
use crate::local_store::{Item, ItemChange, ItemState, NewItem};
use crate::runtime::task::JoinSet;
use crate::runtime::time::{Duration, Instant};
use crate::session::new_client_id;
use crate::{Backoff, Connection, Error, limits, random};

/// What is under way on a connection.
#[derive(Default)]
pub(super) struct Sending {
    pub(super) under_way: JoinSet<Done>,
    /// Lanes with something under way.
    busy: BTreeSet<String>,
    /// Lanes that wait until then, after a passing refusal.
    pub(super) waiting: LiteMap<String, Wait>,
    /// There may be something to be transferred.
    pub(super) transfers_due: bool,
    /// When to look whether another program has left something.
    pub(super) look: Option<Instant>,
    /// The conversations may have marks to be told.
    pub(super) marks_due: bool,
    /// The server knows no marks.
    pub(super) no_marks: bool,
    pub(super) marks_under_way: BTreeSet<String>,
    pub(super) marks_wait: Option<Wait>,
    /// Who waits until there are no marks to be told.
    pub(super) marks_waiters: Vec<oneshot::Sender<()>>,
    /// The newest event of somebody else in each conversation, of those that came over this connection.
    pub(super) others: LiteMap<String, u64>,
}

pub(super) struct Wait {
    /// None once it is over; how long it was still counts for the next one.
    pub(super) until: Option<Instant>,
    backoff: Backoff,
}

/// A request that was answered.
pub(super) enum Done {
    /// Of the outbox.
    Item {
        item: Box<Item>,
        request: Box<Request>,
        result: Result<Box<RawValue>, Error>,
    },
    /// A mark.
    Mark {
        told: MarkRequest,
        result: Result<MarkReply, Error>,
    },
    /// A transfer.
    Transfer(Box<Transferred>),
    /// Nobody cares.
    Nothing,
}

impl Sending {
    /// Sends a request whose reply is of no interest.
    pub(super) fn forget(&mut self, connection: &Connection, request: Request) {
        let connection = connection.clone();
        self.under_way.spawn(async move {
            // It is worth no second attempt.
            let _ = connection.request(&request).await;
            Done::Nothing
        });
    }

    /// When there is something to be tried again.
    pub(super) fn wake(&self) -> Option<Instant> {
        let waits = self.waiting.values().chain(&self.marks_wait);
        waits.filter_map(|wait| wait.until).chain(self.look).min()
    }

    /// Whether a lane waits.
    pub(super) fn waits(&self, lane: &str) -> bool {
        self.waiting.get(lane).is_some_and(|wait| wait.until.is_some())
    }

    /// Ends the waits that are over.
    pub(super) fn end_waits(&mut self) {
        let now = Instant::now();
        self.transfers_due |= self.look.is_some_and(|look| look <= now);
        for wait in self
            .waiting
            .iter_mut()
            .map(|(_, wait)| wait)
            .chain(&mut self.marks_wait)
        {
            let until = wait.until.filter(|until| *until > now);
            self.transfers_due |= until != wait.until;
            wait.until = until;
        }
    }

    pub(super) fn try_again_now(&mut self) {
        self.waiting.clear();
        self.transfers_due = true;
        self.marks_wait = None;
        self.marks_due = true;
    }

    /// Notes that there is something new of others, which is to be told as received.
    pub(super) fn note_others(&mut self, me: &Identity, events: &[LogEvent]) {
        for event in events
            .iter()
            .filter(|event| event.sender != me.username && event.conversation != me.account)
        {
            let newest = self.others.entry(event.conversation.clone()).or_default();
            *newest = event.number.max(*newest);
            self.marks_due = true;
        }
    }
}

impl Online<'_> {
    /// Sends what waits in the outbox, as far as there is room.
    pub(super) async fn send(&mut self) -> Result<(), End> {
        while self.sending.busy.len() < limits::OUTBOX_IN_FLIGHT {
            let waiting = self
                .sending
                .waiting
                .iter()
                .filter(|(_, wait)| wait.until.is_some());
            let busy = waiting
                .map(|(lane, _)| lane)
                .chain(&self.sending.busy)
                .cloned()
                .collect();
            let Some(item) = self.runner.shared.copy.store.next(busy).await? else {
                return self.tell_of_gone().await;
            };
            self.send_item(item).await?;
        }
        Ok(())
    }

    async fn send_item(&mut self, mut item: Item) -> Result<(), End> {
        let id = item.id;
        let Some(mut request) = parse(&item.new.request) else {
            let error = WireError::new(ErrorCode::BadRequest, "this version can't send it any more");
            return self.fail(id, error).await;
        };
        match &mut request {
            Request::File(file) => {
                file.file_data = Some(Base64Bytes(item.new.data.take().unwrap_or_default()));
            }
            Request::Delete(delete) if delete.targets.len() == 1 => self.add_edits(&item, delete).await?,
            _ => {}
        }
        self.sending.busy.insert(item.new.lane.clone());
        lock(&self.runner.shared.sending).insert(id);
        self.runner.shared.progress(id, Progress::Sending);
        let connection = self.connection.clone();
        self.sending.under_way.spawn(async move {
            let result = connection.request(&request).await;
            if let Request::File(file) = &mut request {
                file.file_data = Some(Base64Bytes::default());
            }
            Done::Item {
                item: Box::new(item),
                request: Box::new(request),
                result,
            }
        });
        Ok(())
    }

    /// Adds the edits of what is deleted, once: the request has to be the same if it must be sent again. A number that
    /// stands there twice, which is no more than once to the server, shows that it was done.
    async fn add_edits(&self, item: &Item, delete: &mut DeleteRequest) -> Result<(), End> {
        let copy = &self.runner.shared.copy;
        let Some(target) = delete.targets.first().copied() else {
            return Ok(());
        };
        let edits = copy.own_edits(&delete.conversation, target).await?;
        let room = protocol::DELETE_TARGETS - 1;
        // What doesn't fit in goes into deletions of its own.
        for rest in edits.get(room..).unwrap_or_default().chunks(room) {
            let client_id = new_client_id()?;
            let mut new = NewItem {
                client_id: client_id.clone().into(),
                ..item.new.clone()
            };
            let targets = rest.iter().chain(rest.first()).copied().collect();
            new.request = to_json(&Request::Delete(DeleteRequest {
                conversation: delete.conversation.clone(),
                targets,
                client_id: Some(client_id),
            }))?;
            copy.store.add(new).await?;
        }
        delete.targets.push(target);
        delete.targets.extend(edits.into_iter().take(room));
        // Twice counts once, also towards the most that may be named.
        let request = to_json(&Request::Delete(delete.clone()))?;
        copy.store.update(item.id, ItemChange::Request(request)).await?;
        Ok(())
    }

    /// Takes an answer.
    pub(super) async fn done(&mut self, done: Done) -> Result<(), End> {
        match done {
            Done::Item {
                item,
                request,
                result,
            } => {
                self.sending.busy.remove(&item.new.lane);
                lock(&self.runner.shared.sending).remove(&item.id);
                match result {
                    Ok(reply) => self.sent(*item, &request, &reply).await,
                    Err(error) => self.refused(*item, error).await,
                }
            }
            Done::Mark { told, result } => self.marked(&told, result).await,
            Done::Transfer(transferred) => self.transferred(*transferred).await,
            Done::Nothing => Ok(()),
        }
    }

    pub(super) async fn sent(&mut self, item: Item, request: &Request, reply: &RawValue) -> Result<(), End> {
        self.sending.waiting.remove(&item.new.lane);
        if matches!(request, Request::Contacts(_) | Request::Profile(_)) {
            // Their events have numbers that the reply doesn't tell.
            self.sync().await?;
            if self.runner.shared.copy.store.remove(item.id).await? {
                self.runner
                    .shared
                    .progress(item.id, Progress::Sent { place: None });
            }
            return self.settle_sent().await;
        }
        let reply: SentReply = match serde_json::from_str(reply.get()) {
            Ok(reply) => reply,
            Err(error) => return self.refused(item, Error::Protocol(error.to_string())).await,
        };
        self.runner.faults.remove(&item.id);
        let client_id =
            ClientId::try_from(item.new.client_id.clone()).map_err(|e| Error::Local(e.to_string()))?;
        // The device is the session's, which may be a newer one than the copy's.
        let me = &self.runner.options.me;
        let event = own_event(me, request, item.size.unwrap_or_default(), &client_id, &reply);
        let (log, number) = (reply.conversation, reply.number);
        self.take_events(event.into_iter().collect()).await?;
        let store = &self.runner.shared.copy.store;
        if !self.is_held(&log, number) {
            // It is told once what is missing in front of it was fetched.
            let state = ItemState::Sent { log, number };
            store.update(item.id, ItemChange::State(state)).await?;
        } else {
            // Another engine on the same outbox may have been faster.
            store.remove(item.id).await?;
            let place = Some((log, number));
            self.runner.shared.progress(item.id, Progress::Sent { place });
        }
        Ok(())
    }

    pub(super) async fn refused(&mut self, item: Item, error: Error) -> Result<(), End> {
        let id = item.id;
        let passing = error.is_passing();
        match error {
            Error::Refused(error) if error.code == ErrorCode::NotLoggedIn => Err(End::SessionEnded),
            Error::Refused(error) if error.code == ErrorCode::SessionEnded => Err(End::SessionEnded),
            Error::Refused(error) if passing => {
                if error.code == ErrorCode::Internal && self.is_hopeless(id) {
                    return self.fail(id, error).await;
                }
                self.runner.shared.progress(id, Progress::Waiting);
                let wait = self.sending.waiting.remove(&item.new.lane);
                let wait = longer(wait, &Error::Refused(error));
                self.sending.waiting.insert(item.new.lane, wait);
                Ok(())
            }
            // Another device was faster; it is what was wanted.
            Error::Refused(error) if is_deleted(&item, &error) => {
                self.runner.shared.copy.store.remove(id).await?;
                self.runner.shared.progress(id, Progress::Sent { place: None });
                Ok(())
            }
            Error::Refused(error) => self.fail(id, error).await,
            Error::TooLarge { size, limit } => {
                let text = Error::TooLarge { size, limit }.to_string();
                self.fail(id, WireError::new(ErrorCode::TooLarge, text)).await
            }
            // What it answers can't be understood: the connection is given up, and this item in the end.
            Error::Protocol(reason) if self.is_hopeless(id) => {
                self.fail(id, WireError::new(ErrorCode::Internal, reason)).await
            }
            // The connection is at its end, and says why.
            error => {
                self.runner.shared.progress(id, Progress::Waiting);
                Err(error.into())
            }
        }
    }

    /// Whether an item was the server's fault once too often.
    fn is_hopeless(&mut self, id: u64) -> bool {
        let faults = self.runner.faults.entry(id).or_default();
        *faults += 1;
        let hopeless = *faults >= limits::FAULTS;
        if hopeless {
            self.runner.faults.remove(&id);
        }
        hopeless
    }

    pub(super) async fn fail(&mut self, id: u64, error: WireError) -> Result<(), End> {
        let failed = ItemChange::State(ItemState::Failed(error.clone()));
        self.runner.shared.copy.store.update(id, failed).await?;
        self.runner.shared.progress(id, Progress::Failed(error));
        Ok(())
    }

    /// Removes from the outbox what came back from the log: its reply was lost, or another engine has sent it.
    pub(super) async fn forget_sent(&self, events: &[LogEvent]) -> Result<(), End> {
        let shared = &self.runner.shared;
        let own = |event: &&LogEvent| event.sender == shared.copy.me.username;
        let sent: LiteMap<&str, &LogEvent> = events
            .iter()
            .filter(own)
            .filter_map(|event| Some((event.client_id.as_deref()?, event)))
            .collect();
        if sent.is_empty() {
            return Ok(());
        }
        for item in shared.copy.store.outbox().await? {
            if let Some(event) = sent.get(item.new.client_id.as_str()) {
                if !shared.copy.store.remove(item.id).await? {
                    continue;
                }
                let of_account = matches!(event.event, EventKind::Contact | EventKind::Profile);
                let place = (!of_account).then(|| (event.conversation.clone(), event.number));
                shared.progress(item.id, Progress::Sent { place });
            }
        }
        Ok(())
    }

    /// Removes from the outbox what the server has had for a while, and now the copy has as well.
    pub(super) async fn settle_sent(&self) -> Result<(), End> {
        let store = &self.runner.shared.copy.store;
        for item in store.outbox().await? {
            if let ItemState::Sent { log, number } = &item.state
                && self.is_held(log, *number)
            {
                store.remove(item.id).await?;
                let place = Some((log.clone(), *number));
                self.runner.shared.progress(item.id, Progress::Sent { place });
            }
        }
        Ok(())
    }

    /// Tells those who wait for an item that another engine has sent.
    async fn tell_of_gone(&self) -> Result<(), End> {
        let shared = &self.runner.shared;
        let waited: Vec<u64> = lock(&shared.waiters).keys().copied().collect();
        if waited.is_empty() || !self.sending.busy.is_empty() {
            return Ok(());
        }
        let there: BTreeSet<u64> = shared
            .copy
            .store
            .outbox()
            .await?
            .iter()
            .map(|item| item.id)
            .collect();
        for id in waited.into_iter().filter(|id| !there.contains(id)) {
            shared.progress(id, Progress::Sent { place: None });
        }
        Ok(())
    }

    fn is_held(&self, log: &str, number: u64) -> bool {
        self.runner
            .shared
            .copy
            .head(log)
            .is_some_and(|head| head.newest >= number)
    }
}

/// Whether a deletion was refused because all of it has happened already.
fn is_deleted(item: &Item, error: &WireError) -> bool {
    let deletes = matches!(parse(&item.new.request), Some(Request::Delete(_)));
    // The same code for what never was there wouldn't come back from a copy that showed it.
    deletes && error.code == ErrorCode::NotFound && error.field.as_deref() == Some("targets")
}

pub(super) fn to_json(request: &Request) -> Result<String, Error> {
    serde_json::to_string(request).map_err(|error| Error::Local(error.to_string()))
}

/// A wait of a known length.
pub(super) fn wait_for(pause: Duration) -> Wait {
    Wait {
        until: Some(Instant::now() + pause),
        backoff: Backoff::new(),
    }
}

/// The wait after another passing refusal.
pub(super) fn longer(wait: Option<Wait>, error: &Error) -> Wait {
    let mut backoff = wait.map_or_else(Backoff::new, |wait| wait.backoff);
    let random = random::bytes::<4>().map_or(0, u32::from_ne_bytes);
    let pause: Duration = backoff.wait(random).max(error.retry_after().unwrap_or_default());
    Wait {
        until: Some(Instant::now() + pause),
        backoff,
    }
}
