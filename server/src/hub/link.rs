use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use kith_common::{LoginReply, Notice, RequestId, WireError, encode_error, encode_ok};
use tokio::sync::Notify;

use crate::store::{AccountId, LogId, Origin, Stored};

/// A connection as the rest of the server sees it: a place to put what goes out.
///
/// The queue is bounded. Replies are always kept (a connection that doesn't take them is read no further, see
/// [`Link::room`]); events are dropped when there are too many, and the client is told to sync, or, for a client of
/// the seed's protocol, the connection reads them from the store.
#[derive(Debug)]
pub struct Link {
    origin: Origin,
    address: Box<str>,
    limit: usize,
    native: AtomicBool,
    ended: AtomicBool,
    in_flight: AtomicUsize,
    queue: Mutex<Queue>,
    /// Something was put into the queue, or it was closed.
    filled: Notify,
    /// Something was taken out, or a request that was under way is answered.
    drained: Notify,
    /// The session was ended from outside.
    session_ended: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    /// Events were dropped, and the word of it waits: what comes meanwhile is found with the rest.
    behind: bool,
    closed: bool,
}

/// Something to be sent.
#[derive(Clone, Debug)]
pub enum Item {
    /// A reply or notice; never dropped.
    Line(Bytes),
    /// The reply to the connection's own write, and what it wrote: a seed connection's cursor passes over it.
    Written(Bytes, LogId, i64),
    /// An event, or a notice that can be dropped like one, for a client that said `hello`.
    Event(Bytes),
    /// An event for a client of the seed's protocol.
    Seed(Box<Stored>),
    /// A client of the seed's protocol has logged in: what it missed is to be read from the store.
    SeedLogin(AccountId),
    /// Events for it were dropped: likewise.
    SeedBehind,
    /// Events for a client that said `hello` were dropped.
    Behind,
    /// It has logged out: what it missed isn't sent to it any further.
    SeedLogout,
}

impl Item {
    fn bytes(&self) -> usize {
        let line = match self {
            Self::Line(line) | Self::Written(line, ..) | Self::Event(line) => line.len(),
            Self::Seed(event) => event.body.len(),
            Self::SeedLogin(_) | Self::SeedBehind | Self::SeedLogout | Self::Behind => 0,
        };
        line + size_of::<Self>()
    }

    fn is_event(&self) -> bool {
        matches!(self, Self::Event(_) | Self::Seed(_))
    }
}

impl Link {
    /// A link for a new connection. `limit` is the most that may wait to be sent, in bytes.
    pub fn new(origin: Origin, address: &str, limit: usize) -> Self {
        Self {
            origin,
            address: address.into(),
            limit,
            native: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            queue: Mutex::default(),
            filled: Notify::new(),
            drained: Notify::new(),
            session_ended: Notify::new(),
        }
    }

    /// Which connection this is.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The address at the other end, for the log.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether the client said `hello`.
    pub fn is_native(&self) -> bool {
        self.native.load(Ordering::Relaxed)
    }

    /// The client said `hello`.
    pub fn set_native(&self) {
        self.native.store(true, Ordering::Relaxed);
    }

    /// The session was ended from outside; the connection is to become a guest's.
    pub fn end_session(&self) {
        self.ended.store(true, Ordering::Release);
        self.session_ended.notify_one();
    }

    /// Waits until the session is ended from outside.
    pub async fn session_ended(&self) {
        self.session_ended.notified().await;
    }

    /// Whether the session was ended from outside since this was asked last.
    pub fn take_ended(&self) -> bool {
        self.ended.swap(false, Ordering::AcqRel)
    }

    /// Puts in a reply.
    pub fn reply<T: serde::Serialize>(&self, id: Option<&RequestId>, result: &Result<T, WireError>) {
        self.put(Item::Line(encode_reply(id, result)));
    }

    /// Puts in the reply to a login.
    pub fn welcome(&self, id: Option<&RequestId>, reply: &LoginReply, account: AccountId) {
        self.put(Item::Line(encode_ok(id, reply).into()));
        if !self.is_native() {
            self.put(Item::SeedLogin(account));
        }
    }

    /// Nobody is logged in any more.
    pub fn leave(&self) {
        if !self.is_native() {
            self.put(Item::SeedLogout);
        }
    }

    /// Puts in a notice.
    pub fn notify(&self, notice: &Notice) {
        self.put(Item::Line(notice.encode().into()));
    }

    /// Puts in something that is never dropped.
    pub fn put(&self, item: Item) {
        let mut queue = self.queue();
        if !queue.closed {
            queue.bytes += item.bytes();
            queue.items.push_back(item);
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// Puts in events, or drops all that wait when there are too many.
    pub fn deliver(&self, events: Vec<Item>) {
        let mut queue = self.queue();
        if queue.closed || queue.behind {
            return;
        }
        let more: usize = events.iter().map(Item::bytes).sum();
        if queue.bytes + more <= self.limit {
            queue.bytes += more;
            queue.items.extend(events);
        } else {
            queue.behind = true;
            queue.items.retain(|item| !item.is_event());
            queue.items.push_back(if self.is_native() {
                Item::Behind
            } else {
                Item::SeedBehind
            });
            queue.bytes = queue.items.iter().map(Item::bytes).sum();
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// Puts in something that nobody misses, if there is room for it.
    pub fn hint(&self, item: Item) {
        let mut queue = self.queue();
        if queue.closed || queue.behind || queue.bytes + item.bytes() > self.limit {
            return;
        }
        queue.bytes += item.bytes();
        queue.items.push_back(item);
        drop(queue);
        self.filled.notify_one();
    }

    /// Takes what waits, in order, `bytes` of it or a little more; nothing when the queue is empty.
    pub fn take(&self, bytes: usize, into: &mut Vec<Item>) {
        let mut queue = self.queue();
        let mut taken = 0;
        while taken < bytes {
            let Some(item) = queue.items.pop_front() else {
                break;
            };
            taken += item.bytes();
            // From here on events are kept again: whoever is told asks only after this, so nothing falls between.
            queue.behind &= !matches!(item, Item::Behind | Item::SeedBehind);
            into.push(item);
        }
        queue.bytes = queue.bytes.saturating_sub(taken);
        if queue.items.is_empty() {
            // An idle connection keeps no memory here.
            queue.items = VecDeque::new();
        }
        drop(queue);
        self.drained.notify_waiters();
    }

    /// Nothing goes in any more; the connection's task sends the rest and ends.
    pub fn close(&self) {
        self.queue().closed = true;
        self.filled.notify_one();
        self.drained.notify_waiters();
    }

    /// Whether nothing goes in any more and nothing is left.
    pub fn is_finished(&self) -> bool {
        let queue = self.queue();
        queue.closed && queue.items.is_empty()
    }

    /// Waits until something was put in, or the link was closed.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }

    /// A request is under way whose reply comes through [`Link::finish`].
    pub fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
    }

    /// The reply to a request that was under way.
    pub fn finish(&self, item: Item) {
        self.put(item);
        self.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.drained.notify_waiters();
    }

    /// Waits until nothing is under way.
    pub async fn settled(&self) {
        loop {
            let drained = self.drained.notified();
            tokio::pin!(drained);
            drained.as_mut().enable();
            if self.in_flight.load(Ordering::Acquire) == 0 {
                return;
            }
            drained.await;
        }
    }

    /// Waits until fewer than `in_flight` requests are under way, and there is room for replies.
    pub async fn room(&self, in_flight: usize) {
        loop {
            let drained = self.drained.notified();
            tokio::pin!(drained);
            // Registered before looking, so that a change in between isn't missed.
            drained.as_mut().enable();
            let (bytes, closed) = {
                let queue = self.queue();
                (queue.bytes, queue.closed)
            };
            let room = bytes <= self.limit && self.in_flight.load(Ordering::Acquire) < in_flight;
            if room || closed {
                return;
            }
            drained.await;
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // A panic while it was locked can't have left the queue half-changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reply as a line.
pub(crate) fn encode_reply<T: serde::Serialize>(
    id: Option<&RequestId>,
    result: &Result<T, WireError>,
) -> Bytes {
    match result {
        Ok(payload) => encode_ok(id, payload).into(),
        Err(error) => encode_error(id, error).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Item {
        Item::Event(Bytes::from(text.to_owned()))
    }

    fn lines(link: &Link) -> Vec<String> {
        let mut items = Vec::new();
        link.take(usize::MAX, &mut items);
        let text = |item: &Item| match item {
            Item::Behind => "behind".to_owned(),
            Item::Line(line) | Item::Event(line) => String::from_utf8_lossy(line).trim_end().to_owned(),
            other => format!("{other:?}"),
        };
        items.iter().map(text).collect()
    }

    #[test]
    fn a_connection_that_falls_behind_loses_events_but_no_reply() {
        let link = Link::new(Origin(1), "-", 1000);
        link.set_native();
        link.put(Item::Line(Bytes::from_static(b"reply")));
        link.deliver(vec![event("one")]);
        link.deliver(vec![event(&"x".repeat(1000))]);
        link.deliver(vec![event("two")]);
        assert_eq!(lines(&link), ["reply", "behind"]);
        link.deliver(vec![event("three")]);
        assert_eq!(lines(&link), ["three"]);
    }

    /// While replies wait behind the word, the client may already have asked for what it missed.
    #[test]
    fn what_comes_after_the_word_is_kept() {
        let link = Link::new(Origin(1), "-", 1000);
        link.set_native();
        link.deliver(vec![event(&"x".repeat(1000))]);
        link.put(Item::Line(Bytes::from_static(b"a reply")));
        let mut items = Vec::new();
        link.take(1, &mut items);
        assert!(matches!(items.as_slice(), [Item::Behind]));
        link.deliver(vec![event("new")]);
        assert_eq!(lines(&link), ["a reply", "new"]);
    }

    #[test]
    fn a_hint_is_only_sent_where_there_is_room() {
        let link = Link::new(Origin(1), "-", 200);
        link.set_native();
        link.hint(event("typing"));
        link.hint(event(&"x".repeat(200)));
        link.deliver(vec![event("one")]);
        assert_eq!(
            lines(&link),
            ["typing", "one"],
            "a hint too many puts nobody behind"
        );
        link.deliver(vec![event(&"x".repeat(200))]);
        link.hint(event("typing"));
        assert_eq!(lines(&link), ["behind"]);
    }

    #[tokio::test]
    async fn room_comes_back_when_replies_were_taken() {
        let link = Link::new(Origin(1), "-", 10);
        link.put(Item::Line(Bytes::from_static(
            b"a long reply, longer than the limit",
        )));
        let waiting = link.room(1);
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        link.take(usize::MAX, &mut Vec::new());
        waiting.await;
        link.begin();
        let waiting = link.room(1);
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        link.finish(event("done"));
        link.take(usize::MAX, &mut Vec::new());
        waiting.await;
    }
}
