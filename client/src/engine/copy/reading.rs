//! What is asked of the copy.

use std::collections::BTreeMap;

use kith_common::{EventKind, LogEvent, Mark, ProfileInfo};
use litemap::LiteMap;

use super::Copy;
use crate::engine::fold::{self, Contacts, Message};
use crate::local_store::{Head, Query, Range, StoreError};

impl Copy {
    /// One event, if it is held.
    pub(crate) async fn event(&self, log: &str, number: u64) -> Result<Option<LogEvent>, StoreError> {
        let query = Query {
            log: log.to_owned(),
            range: Range::Before(number + 1),
            base_only: false,
            limit: 1,
        };
        let mut events = self.store.events(query).await?;
        Ok(events.pop().filter(|event| event.number == number))
    }

    /// The newest messages below a number that are held, in order.
    pub(crate) async fn page(&self, log: &str, before: u64, limit: u32) -> Result<Vec<Message>, StoreError> {
        let query = Query {
            log: log.to_owned(),
            range: Range::Before(before),
            base_only: true,
            limit,
        };
        self.folded(query).await
    }

    /// The oldest messages above a number, in order.
    pub(crate) async fn page_after(
        &self,
        log: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError> {
        let query = Query {
            log: log.to_owned(),
            range: Range::After(after),
            base_only: true,
            limit,
        };
        self.folded(query).await
    }

    async fn folded(&self, query: Query) -> Result<Vec<Message>, StoreError> {
        let log = query.log.clone();
        let bases = self.store.events(query).await?;
        let (Some(first), Some(last)) = (bases.first(), bases.last()) else {
            return Ok(Vec::new());
        };
        let mut by_target = LiteMap::<u64, Vec<LogEvent>>::new();
        for (target, effect) in self.store.effects(log, (first.number, last.number)).await? {
            by_target.entry(target).or_default().push(effect);
        }
        let fold = |base: &LogEvent| fold::message(base, by_target.get(&base.number).into_iter().flatten());
        Ok(bases.iter().map(fold).collect())
    }

    /// The numbers of one's own edits of a message.
    pub(crate) async fn own_edits(&self, log: &str, number: u64) -> Result<Vec<u64>, StoreError> {
        let effects = self.store.effects(log.to_owned(), (number, number)).await?;
        let own = |event: &LogEvent| event.event == EventKind::Edit && event.sender == self.me.username;
        Ok(effects
            .into_iter()
            .filter(|(_, event)| own(event))
            .map(|(_, event)| event.number)
            .collect())
    }

    pub(crate) async fn unread(&self, log: &str) -> Result<u64, StoreError> {
        let read = self.mark(log, &self.me.username).read;
        self.store
            .unread(log.to_owned(), read, self.me.username.clone())
            .await
    }

    pub(crate) fn head(&self, log: &str) -> Option<Head> {
        self.at_hand().heads.get(log).cloned()
    }

    /// All logs and their heads.
    pub(crate) fn heads(&self) -> LiteMap<String, Head> {
        self.at_hand().heads.clone()
    }

    /// The conversations and their heads.
    pub(crate) fn conversations(&self) -> Vec<(String, Head)> {
        let at_hand = self.at_hand();
        let conversations = at_hand.heads.iter().filter(|(log, _)| **log != self.me.account);
        conversations
            .map(|(log, head)| (log.clone(), head.clone()))
            .collect()
    }

    /// For each log the newest number held, as `sync` wants it.
    pub(crate) fn held(&self) -> (BTreeMap<String, u64>, u64) {
        let at_hand = self.at_hand();
        let held = at_hand.heads.iter().map(|(log, head)| (log.clone(), head.newest));
        (held.collect(), at_hand.since)
    }

    /// The conversation of two with somebody.
    pub(crate) fn direct(&self, username: &str) -> Option<String> {
        let at_hand = self.at_hand();
        let mut heads = at_hand.heads.iter();
        heads
            .find(|(_, head)| {
                self.other(head)
                    .is_some_and(|other| other.eq_ignore_ascii_case(username))
            })
            .map(|(log, _)| log.clone())
    }

    /// The other one of a conversation of two.
    pub(crate) fn other<'a>(&self, head: &'a Head) -> Option<&'a str> {
        match head.members.as_slice() {
            [one, other] if *one == self.me.username => Some(other),
            [other, one] if *one == self.me.username => Some(other),
            _ => None,
        }
    }

    pub(crate) fn mark(&self, log: &str, username: &str) -> Mark {
        let person = (log.to_owned(), username.to_owned());
        self.at_hand().marks.get(&person).cloned().unwrap_or(Mark {
            conversation: person.0,
            username: person.1,
            delivered: 0,
            read: 0,
        })
    }

    pub(crate) fn marks(&self, log: &str) -> Vec<Mark> {
        let at_hand = self.at_hand();
        at_hand
            .marks
            .values()
            .filter(|mark| mark.conversation == log)
            .cloned()
            .collect()
    }

    pub(crate) fn profile(&self, username: &str) -> Option<ProfileInfo> {
        let at_hand = self.at_hand();
        let mut profiles = at_hand.profiles.values();
        profiles
            .find(|person| person.username.eq_ignore_ascii_case(username))
            .cloned()
    }

    pub(crate) fn contacts(&self) -> Contacts {
        self.at_hand().contacts.clone()
    }
}
