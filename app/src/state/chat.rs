use std::rc::Rc;

use dioxus::prelude::*;
use kith_client::{Change, EngineError, Message, Older, Pending};
use kith_common::Mark;
use litemap::LiteMap;

use super::Account;
use crate::model::files::{FileKind, Sent};
use crate::model::list::{self, Place};
use crate::model::timeline::{BLOCK, Entry, Eyes, Key, State, Timeline, View, waiting};
use crate::platform;

/// Messages that are asked for when a conversation is opened.
const PAGE: u32 = 96;

/// Messages that are asked for at a time when somebody scrolls up: fewer, for a slow phone goes on scrolling meanwhile.
const OLDER: u32 = 48;

/// Changed blocks of which all are read again; of more, everything is.
const CHANGED_BLOCKS: usize = 16;

/// What is above the oldest message that is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Above {
    /// That isn't known yet.
    #[default]
    Unknown,
    /// More, which is fetched when somebody scrolls there.
    More,
    /// It is being fetched.
    Loading,
    /// Nothing.
    Nothing,
    /// More, which can't be had now.
    OutOfReach(EngineError),
}

/// The state of a conversation's screen.
#[derive(Clone, Copy, PartialEq)]
pub struct Chat {
    /// Whose.
    pub account: Account,
    /// With whom.
    pub place: CopyValue<Place>,
    /// The conversation's id; none before the first message.
    pub conversation: Signal<Option<String>>,
    /// The blocks, the oldest first.
    pub views: Signal<Vec<Shared<View>>>,
    /// New messages that aren't sent yet.
    pub waiting: Signal<Vec<Entry>>,
    /// What is above.
    pub above: Signal<Above>,
    /// Up to where all others have received it, and read it.
    pub marks: Signal<(u64, u64)>,
    /// The message being answered.
    pub answering: Signal<Option<u64>>,
    /// The message being changed.
    pub editing: Signal<Option<u64>>,
    /// The newest number that is shown while somebody reads further up.
    pub held: Signal<Option<u64>>,
    /// How many newer messages there are than are shown.
    pub below: Signal<u64>,
    /// The first message that hadn't been read is to be scrolled to.
    pub to_divider: Signal<bool>,
    timeline: CopyValue<Timeline>,
    eyes: CopyValue<Eyes>,
    pending: Signal<Vec<Pending>>,
}

/// Something shared that is equal to nothing but itself.
#[derive(Debug)]
pub struct Shared<T>(pub Rc<T>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Chat {
    /// That of a conversation. Its signals belong to the component that makes it.
    pub fn new(account: Account, place: Place) -> Self {
        let eyes = Eyes {
            me: account.me(),
            local: platform::local,
            read: None,
        };
        Self {
            account,
            place: CopyValue::new(place),
            conversation: Signal::new(None),
            views: Signal::new(Vec::new()),
            waiting: Signal::new(Vec::new()),
            above: Signal::new(Above::default()),
            marks: Signal::new((0, 0)),
            answering: Signal::new(None),
            editing: Signal::new(None),
            held: Signal::new(None),
            below: Signal::new(0),
            to_divider: Signal::new(false),
            timeline: CopyValue::new(Timeline::default()),
            eyes: CopyValue::new(eyes),
            pending: Signal::new(Vec::new()),
        }
    }

    /// Reads the conversation and follows it until the screen is closed.
    pub async fn follow(self) {
        let engine = self.account.engine();
        let mut changes = engine.changes();
        self.open().await;
        while let Some(batch) = changes.next().await {
            self.take(batch).await;
        }
    }

    /// Fetches what is above.
    pub async fn fetch_older(mut self) {
        let Some(id) = self.conversation.peek().clone() else {
            return;
        };
        let Some(oldest) = self.timeline.peek().oldest() else {
            return;
        };
        if !matches!(*self.above.peek(), Above::More | Above::OutOfReach(_)) {
            return;
        }
        self.above.set(Above::Loading);
        match self.account.engine().messages(&id, Some(oldest), OLDER).await {
            Ok(page) => {
                self.put_above(oldest, page.messages).await;
                self.above.set(above(page.older));
            }
            Err(error) => self.above.set(Above::OutOfReach(error)),
        }
    }

    /// Shows older messages a block a frame, so that scrolling goes on in between.
    async fn put_above(mut self, mut oldest: u64, mut messages: Vec<Message>) {
        while let Some(last) = messages.last().filter(|last| last.number < oldest) {
            let block = last.number / BLOCK;
            let at = messages.partition_point(|message| message.number / BLOCK < block);
            let some = messages.split_off(at);
            let from = some.first().map_or(oldest, |message| message.number);
            // Everything may have been read again meanwhile.
            if self.timeline.peek().oldest() != Some(oldest) {
                return;
            }
            self.timeline.write().take(from..=oldest - 1, some);
            oldest = from;
            self.show();
            platform::next_frame().await;
        }
    }

    /// The next message answers this one.
    pub fn answer(mut self, number: u64) {
        self.editing.set(None);
        self.answering.set(Some(number));
    }

    /// Shows all that is new, and goes on doing so.
    pub fn release(mut self) {
        if self.held.peek().is_some() {
            self.held.set(None);
            self.below.set(0);
        }
    }

    /// Shows no newer messages than now, because somebody reads further up.
    pub fn hold(mut self) {
        if self.held.peek().is_none() {
            let newest = self.timeline.peek().newest();
            self.held.set(newest);
        }
    }

    /// All that is shown counts as read, if somebody looks at the newest.
    pub async fn read(self) {
        if self.held.peek().is_some() || !platform::is_looked_at() {
            return;
        }
        let newest = self.timeline.peek().newest();
        let conversation = self.conversation.peek().clone();
        if let (Some(id), Some(newest)) = (conversation, newest) {
            // It is of no consequence for what is shown; the engine says it again.
            let _ = self.account.engine().mark_read(&id, newest).await;
        }
    }

    /// A message that is loaded, as it was sent.
    pub fn message(self, number: u64) -> Option<Message> {
        self.timeline.peek().message(number).cloned()
    }

    /// A message as it is shown.
    pub fn entry(self, number: u64) -> Option<Entry> {
        let views = self.views.peek();
        let mut entries = views.iter().rev().flat_map(|view| &view.0.entries);
        entries.find(|entry| entry.key == Key::Stored(number)).cloned()
    }

    /// The pictures and films that are loaded, the oldest first.
    pub fn pictures(self) -> Vec<Sent> {
        let is_seen = |sent: &Sent| matches!(sent.kind(), FileKind::Picture | FileKind::Film);
        let timeline = self.timeline.peek();
        let files = timeline
            .messages()
            .filter_map(|message| Sent::of(&message.content));
        files.filter(is_seen).collect()
    }

    /// The number of one's own newest text.
    pub fn own_newest_text(self) -> Option<u64> {
        let timeline = self.timeline.peek();
        timeline
            .own_newest_text(&self.eyes.peek().me)
            .map(|message| message.number)
    }

    async fn open(mut self) {
        self.find();
        self.read_outbox().await;
        // What waits is there at once; the messages may have to be fetched.
        self.show();
        let Some(id) = self.conversation.peek().clone() else {
            self.above.set(Above::Nothing);
            return;
        };
        let engine = self.account.engine();
        let me = self.account.me();
        let read = engine
            .marks(&id)
            .into_iter()
            .find(|mark| mark.username == me)
            .map_or(0, |mark| mark.read);
        self.read_marks(&id);
        let page = match engine.messages(&id, None, PAGE).await {
            Ok(page) => page,
            Err(error) => {
                self.above.set(Above::OutOfReach(error));
                return;
            }
        };
        let newest = page
            .messages
            .iter()
            .filter(|message| message.sender != me)
            .map(|message| message.number)
            .max();
        if newest.is_some_and(|newest| newest > read) {
            self.eyes.write().read = Some(read);
            self.to_divider.set(true);
        }
        let from = page.messages.first().map_or(0, |message| message.number);
        self.timeline.write().take(from..=u64::MAX, page.messages);
        self.above.set(above(page.older));
        self.show();
        self.read().await;
    }

    async fn take(mut self, batch: Vec<Change>) {
        let mut numbers = std::collections::BTreeSet::new();
        let (mut everything, mut outbox, mut opened) = (false, false, false);
        for change in batch {
            let own = |id: &str| self.conversation.peek().as_deref() == Some(id);
            match change {
                Change::Reload => everything = true,
                Change::Conversations => opened = true,
                Change::Messages {
                    conversation,
                    numbers: changed,
                } if own(&conversation) => numbers.extend(changed),
                Change::Marks { conversation } if own(&conversation) => self.read_marks(&conversation),
                Change::Outbox { .. } => outbox = true,
                // What was out of reach may be there now.
                Change::Status(kith_client::Status::Online) => {
                    if matches!(*self.above.peek(), Above::OutOfReach(_)) {
                        self.above.set(Above::More);
                    }
                }
                _ => {}
            }
        }
        if opened && self.conversation.peek().is_none() {
            self.find();
            everything |= self.conversation.peek().is_some();
        }
        if everything {
            self.timeline.write().clear();
            self.open().await;
            return;
        }
        let changed = !numbers.is_empty();
        if changed {
            self.read_again(&numbers).await;
        }
        if outbox || changed {
            self.read_outbox().await;
            self.count_below(&numbers);
            self.show();
        }
        if changed {
            self.read().await;
        }
    }

    /// Reads the blocks again in which something has changed.
    async fn read_again(mut self, numbers: &std::collections::BTreeSet<u64>) {
        let Some(id) = self.conversation.peek().clone() else {
            return;
        };
        let oldest = self.timeline.peek().oldest().unwrap_or(0);
        let blocks: std::collections::BTreeSet<u64> =
            numbers.range(oldest..).map(|number| number / BLOCK).collect();
        let engine = self.account.engine();
        if blocks.len() > CHANGED_BLOCKS {
            if let Ok(page) = engine.messages(&id, None, PAGE).await {
                let from = page.messages.first().map_or(0, |message| message.number);
                let mut timeline = self.timeline.write();
                timeline.clear();
                timeline.take(from..=u64::MAX, page.messages);
                self.above.set(above(page.older));
            }
            return;
        }
        for block in blocks {
            let (from, to) = ((block * BLOCK).max(oldest), (block + 1) * BLOCK - 1);
            if let Ok(page) = engine.messages(&id, Some(to + 1), BLOCK as u32).await {
                let messages = page
                    .messages
                    .into_iter()
                    .filter(|message| message.number >= from)
                    .collect();
                self.timeline.write().take(from..=to, messages);
            }
        }
    }

    async fn read_outbox(mut self) {
        let Ok(all) = self.account.engine().outbox().await else {
            return;
        };
        let place = self.place.peek().clone();
        let own: Vec<Pending> = {
            let conversations = self.account.conversations.peek();
            let known = conversations.as_deref().unwrap_or_default();
            all.into_iter()
                .filter(|item| list::place_of(item, known).as_ref() == Some(&place))
                .collect()
        };
        self.timeline.write().take_pending(&own);
        self.pending.set(own);
    }

    fn read_marks(mut self, id: &str) {
        let me = self.account.me();
        let others: Vec<Mark> = self
            .account
            .engine()
            .marks(id)
            .into_iter()
            .filter(|mark| mark.username != me)
            .collect();
        let least = |of: fn(&Mark) -> u64| others.iter().map(of).min().unwrap_or(0);
        let marks = (least(|mark| mark.delivered), least(|mark| mark.read));
        if *self.marks.peek() != marks {
            self.marks.set(marks);
        }
    }

    fn find(mut self) {
        let found = match &*self.place.peek() {
            Place::With(person) => self.account.engine().conversation_with(person),
            Place::Of(id) => Some(id.clone()),
        };
        self.conversation.set(found);
    }

    fn count_below(mut self, numbers: &std::collections::BTreeSet<u64>) {
        let Some(held) = *self.held.peek() else { return };
        let me = self.account.me();
        let new = numbers
            .range(held + 1..)
            .filter(|number| {
                self.timeline
                    .peek()
                    .message(**number)
                    .is_some_and(|message| message.sender != me)
            })
            .count();
        if new > 0 {
            *self.below.write() += new as u64;
        }
    }

    fn show(mut self) {
        let eyes = self.eyes.peek().clone();
        let views: Vec<Shared<View>> = self
            .timeline
            .write()
            .views(&eyes)
            .into_iter()
            .map(Shared)
            .collect();
        if *self.views.peek() != views {
            self.views.set(views);
        }
        let newest = self.timeline.peek().newest();
        let waiting = waiting(&self.pending.peek(), newest, &eyes);
        if *self.waiting.peek() != waiting {
            self.waiting.set(waiting);
        }
    }
}

/// How far one's own message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// It waits.
    Waiting,
    /// The server has it.
    Stored,
    /// All others have it.
    Delivered,
    /// All others have read it.
    Read,
}

impl Tick {
    /// What it is called in the page, for style sheets and tests.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Stored => "stored",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }

    /// That of an entry, given up to where others have received and read.
    pub fn of(key: Key, state: &State, (delivered, read): (u64, u64)) -> Self {
        match (key, state) {
            (Key::Stored(number), State::Stored) if number <= read => Self::Read,
            (Key::Stored(number), State::Stored) if number <= delivered => Self::Delivered,
            (Key::Stored(_), State::Stored) => Self::Stored,
            _ => Self::Waiting,
        }
    }
}

fn above(older: Older) -> Above {
    match older {
        Older::Nothing => Above::Nothing,
        Older::More => Above::More,
        Older::OutOfReach(error) => Above::OutOfReach(*error),
    }
}

/// Heights of blocks, by their places.
pub type Heights = LiteMap<u64, f64>;
