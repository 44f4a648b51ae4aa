//! The copy of the logs as the engine has it: what the store holds, and what is cheap to keep at hand.

mod reading;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kith_common::{EventKind, LogEvent, LogPage, Mark, ProfileInfo};
use litemap::LiteMap;

use super::Identity;
use super::changes::{Announcer, Change};
use super::fold::{self, Contacts};
use super::rules::{self, Growth};
use crate::limits;
use crate::local_store::{Batch, Head, Loaded, LocalStore, LogChange, Query, Range, StoreError};

/// Whose copy it is, the store that holds it, and who is told of its changes.
pub(crate) struct Copy {
    pub(crate) me: Identity,
    pub(crate) store: Arc<dyn LocalStore>,
    pub(crate) announcer: Announcer,
    at_hand: Mutex<AtHand>,
    /// Held while the copy is changed, so that only other programs come in between.
    changing: tokio::sync::Mutex<()>,
    generation: AtomicU64,
}

/// All but the events.
#[derive(Default)]
struct AtHand {
    heads: LiteMap<String, Head>,
    marks: LiteMap<(String, String), Mark>,
    profiles: LiteMap<String, ProfileInfo>,
    since: u64,
    contacts: Contacts,
}

/// What is to be put into the copy.
#[derive(Debug)]
pub(crate) enum News<'a> {
    /// Events as they came, in order within each log.
    Events(&'a [LogEvent]),
    /// A page of `sync`.
    Page(&'a LogPage),
    /// A page of `history`.
    History(&'a LogPage),
    /// Marks and profiles, and the `since` that came with them.
    Rest {
        marks: &'a [Mark],
        profiles: &'a [ProfileInfo],
        since: Option<u64>,
    },
}

impl Copy {
    pub(crate) async fn open(me: Identity, store: Arc<dyn LocalStore>) -> Result<Self, StoreError> {
        let copy = Self {
            me,
            store,
            announcer: Announcer::default(),
            at_hand: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            generation: AtomicU64::default(),
        };
        match copy.reload().await {
            Err(StoreError::Damaged(_)) => {
                copy.store.rebuild().await?;
                copy.reload().await?;
            }
            reloaded => reloaded?,
        }
        Ok(copy)
    }

    /// How often the copy was begun anew.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Begins an empty copy, unless somebody has done so since that generation.
    pub(crate) async fn rebuild(&self, generation: u64) -> Result<(), StoreError> {
        let _changing = self.changing.lock().await;
        if self.generation() != generation {
            return Ok(());
        }
        self.store.rebuild().await?;
        self.reload().await?;
        self.generation.fetch_add(1, Ordering::Release);
        self.announcer.tell(Change::Reload);
        Ok(())
    }

    /// Reads again what is at hand.
    async fn reload(&self) -> Result<(), StoreError> {
        let Loaded {
            heads,
            marks,
            profiles,
            since,
        } = self.store.load().await?;
        let mut contacts = Contacts::default();
        let mut after = 0;
        loop {
            let query = Query {
                log: self.me.account.clone(),
                range: Range::After(after),
                base_only: false,
                limit: limits::PAGE,
            };
            let events = self.store.events(query).await?;
            let Some(last) = events.last() else { break };
            after = last.number;
            for event in &events {
                contacts.take(event);
            }
        }
        let by_person = |mark: Mark| ((mark.conversation.clone(), mark.username.clone()), mark);
        *self.at_hand() = AtHand {
            heads: heads.into_iter().collect(),
            marks: marks.into_iter().map(by_person).collect(),
            profiles: profiles
                .into_iter()
                .map(|person| (person.username.clone(), person))
                .collect(),
            since,
            contacts,
        };
        Ok(())
    }

    /// Puts something into the copy and tells of it. Returns the logs of which events are missing in front of it.
    pub(crate) async fn take(&self, news: News<'_>) -> Result<BTreeSet<String>, StoreError> {
        let _changing = self.changing.lock().await;
        self.put(news).await
    }

    /// The same for what was fetched because of what the copy held; `None` if it was begun anew since that generation, so
    /// that it doesn't hold that any more.
    pub(crate) async fn take_fetched(
        &self,
        generation: u64,
        news: News<'_>,
    ) -> Result<Option<BTreeSet<String>>, StoreError> {
        let _changing = self.changing.lock().await;
        if self.generation() != generation {
            return Ok(None);
        }
        self.put(news).await.map(Some)
    }

    async fn put(&self, news: News<'_>) -> Result<BTreeSet<String>, StoreError> {
        loop {
            let (batch, beyond) = self.batch(&news);
            if batch.logs.is_empty()
                && batch.marks.is_empty()
                && batch.profiles.is_empty()
                && batch.since.is_none()
            {
                return Ok(beyond);
            }
            let batch = self.with_late_erasures(batch, &news).await?;
            // An edit that is erased changes its message, which it can't be asked for afterwards.
            let touched = self.touched(&batch).await?;
            match self.store.commit(batch.clone()).await {
                Ok(()) => {
                    self.committed(&batch, &touched).await?;
                    return Ok(beyond);
                }
                // Another program was here: look again, and tell of what it has added.
                Err(StoreError::Changed) => self.reload_and_tell().await?,
                Err(error) => return Err(error),
            }
        }
    }

    fn batch(&self, news: &News<'_>) -> (Batch, BTreeSet<String>) {
        let at_hand = self.at_hand();
        let mut batch = Batch::default();
        let mut beyond = BTreeSet::new();
        let mut grow = |log: &str, growth| match growth {
            Growth::Known => {}
            Growth::Grows(change) => batch.logs.push(change),
            Growth::Beyond => {
                beyond.insert(log.to_owned());
            }
        };
        match news {
            News::Events(events) => {
                let mut by_log = LiteMap::<&str, Vec<LogEvent>>::new();
                for event in *events {
                    by_log.entry(&event.conversation).or_default().push(event.clone());
                }
                for (log, events) in by_log {
                    let Some(head) = at_hand.heads.get(log) else {
                        // An event doesn't say who is in the conversation: `sync` does.
                        grow(log, Growth::Beyond);
                        continue;
                    };
                    let growth = rules::extend(log, Some(head), &events);
                    let last = events.last().map_or(0, |event| event.number);
                    let reached = match &growth {
                        Growth::Grows(change) => change.after.newest,
                        _ => last,
                    };
                    grow(log, growth);
                    if reached < last {
                        grow(log, Growth::Beyond);
                    }
                }
            }
            News::Page(page) => {
                let growth = rules::sync(at_hand.heads.get(&page.conversation), page);
                grow(&page.conversation, growth);
            }
            News::History(page) => {
                if let Some(head) = at_hand.heads.get(&page.conversation) {
                    grow(&page.conversation, rules::prepend(head, page));
                }
            }
            News::Rest {
                marks,
                profiles,
                since,
            } => {
                batch.marks = marks.iter().filter_map(|mark| at_hand.merged(mark)).collect();
                let changed = |person: &&ProfileInfo| at_hand.profiles.get(&person.username) != Some(person);
                batch.profiles = profiles.iter().filter(changed).cloned().collect();
                batch.since = since.filter(|since| *since != at_hand.since);
            }
        }
        // Of one's own profile other devices hear as of an event.
        for change in batch.logs.iter().filter(|change| change.log == self.me.account) {
            let mut profiles = change.events.iter().filter_map(|(event, _)| fold::profile(event));
            batch.profiles.extend(profiles.next_back());
        }
        (batch, beyond)
    }

    /// What was deleted while its page of history was under way comes with its body and has to lose it.
    async fn with_late_erasures(&self, mut batch: Batch, news: &News<'_>) -> Result<Batch, StoreError> {
        if let (News::History(page), [change]) = (news, batch.logs.as_mut_slice())
            && let (Some((first, _)), Some((last, _))) = (change.events.first(), change.events.last())
        {
            let effects = self
                .store
                .effects(page.conversation.clone(), (first.number, last.number));
            let deletions = effects
                .await?
                .into_iter()
                .filter(|(_, event)| event.event == EventKind::Delete);
            change
                .erase
                .extend(deletions.map(|(target, event)| (target, event.sender)));
        }
        Ok(batch)
    }

    /// The messages whose edits are about to be erased.
    async fn touched(&self, batch: &Batch) -> Result<LiteMap<String, BTreeSet<u64>>, StoreError> {
        let mut touched = LiteMap::<String, BTreeSet<u64>>::new();
        for change in &batch.logs {
            for (number, _) in &change.erase {
                if let Some(event) = self.event(&change.log, *number).await? {
                    touched
                        .entry(change.log.clone())
                        .or_default()
                        .extend(fold::targets(&event));
                }
            }
        }
        Ok(touched)
    }

    async fn committed(
        &self,
        batch: &Batch,
        touched: &LiteMap<String, BTreeSet<u64>>,
    ) -> Result<(), StoreError> {
        let mut unread = BTreeSet::new();
        let mut changes = Vec::new();
        {
            let mut at_hand = self.at_hand();
            for change in &batch.logs {
                if change.log == self.me.account {
                    at_hand.take_account(change, &mut changes);
                } else {
                    let new = change.before.is_none();
                    let other = change
                        .before
                        .as_ref()
                        .is_some_and(|head| head.members != change.after.members);
                    if new || other {
                        changes.push(Change::Conversations);
                    }
                    unread.insert(change.log.clone());
                }
                at_hand.heads.insert(change.log.clone(), change.after.clone());
            }
            for mark in &batch.marks {
                let person = (mark.conversation.clone(), mark.username.clone());
                let read_before = at_hand
                    .marks
                    .insert(person, mark.clone())
                    .map_or(0, |mark| mark.read);
                if mark.username == self.me.username && mark.read != read_before {
                    unread.insert(mark.conversation.clone());
                }
                changes.push(Change::Marks {
                    conversation: mark.conversation.clone(),
                });
            }
            for person in &batch.profiles {
                at_hand.profiles.insert(person.username.clone(), person.clone());
                changes.push(Change::Profile {
                    username: person.username.clone(),
                });
            }
            at_hand.since = batch.since.unwrap_or(at_hand.since);
        }
        for change in &batch.logs {
            if change.log != self.me.account {
                changes.extend(changed_messages(change, touched.get(&change.log)));
            }
        }
        for change in changes {
            self.announcer.tell(change);
        }
        for conversation in unread {
            self.tell_unread(conversation).await?;
        }
        Ok(())
    }

    async fn tell_unread(&self, conversation: String) -> Result<(), StoreError> {
        let count = self.unread(&conversation).await?;
        self.announcer.tell(Change::Unread { conversation, count });
        Ok(())
    }

    async fn reload_and_tell(&self) -> Result<(), StoreError> {
        let before = self.at_hand().heads.clone();
        self.reload().await?;
        let after = self.at_hand().heads.clone();
        for (log, head) in after {
            let known = before.get(&log).map_or(head.oldest, |head| head.newest + 1);
            if before.get(&log) == Some(&head) || log == self.me.account {
                continue;
            }
            self.announcer.tell(Change::Conversations);
            if head.newest >= known {
                self.announcer.tell(Change::Messages {
                    conversation: log.clone(),
                    numbers: (known..=head.newest)
                        .rev()
                        .take(limits::CHANGED_MESSAGES)
                        .collect(),
                });
            }
            self.tell_unread(log).await?;
        }
        self.announcer.tell(Change::Contacts);
        Ok(())
    }

    fn at_hand(&self) -> MutexGuard<'_, AtHand> {
        self.at_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AtHand {
    /// A mark as it is with another one taken in, if that moves it.
    fn merged(&self, mark: &Mark) -> Option<Mark> {
        let person = (mark.conversation.clone(), mark.username.clone());
        let held = self.marks.get(&person);
        let merged = Mark {
            delivered: mark.delivered.max(held.map_or(0, |held| held.delivered)),
            read: mark.read.max(held.map_or(0, |held| held.read)),
            ..mark.clone()
        };
        (held != Some(&merged)).then_some(merged)
    }

    fn take_account(&mut self, change: &LogChange, changes: &mut Vec<Change>) {
        for (event, _) in &change.events {
            if self.contacts.take(event) {
                changes.push(Change::Contacts);
            } else if event.event == EventKind::Device {
                changes.push(Change::Sessions);
            }
        }
    }
}

/// Which messages look different after a change of their log, besides those that are known to.
fn changed_messages(change: &LogChange, touched: Option<&BTreeSet<u64>>) -> Option<Change> {
    let mut numbers = touched.cloned().unwrap_or_default();
    for (event, targets) in &change.events {
        if fold::is_base(event) {
            numbers.insert(event.number);
        }
        numbers.extend(targets);
    }
    numbers.retain(|number| (change.after.oldest..=change.after.newest).contains(number));
    (!numbers.is_empty()).then(|| Change::Messages {
        conversation: change.log.clone(),
        numbers,
    })
}
