use std::collections::BTreeMap;

use kith_common::{LogEvent, LogPage};
use serde::{Deserialize, Serialize};

/// How far a client has read each log, and with whom a conversation is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Logs(BTreeMap<String, Log>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Log {
    /// The number of the newest event that was read; all before it were read too.
    number: u64,
    /// The other people of the conversation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    others: Vec<String>,
}

/// Where an event stands beside what was read of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is the next one.
    Next,
    /// It was read before.
    Read,
    /// Events before it are missing: sync.
    Beyond,
}

impl Logs {
    /// For each log the number of its newest event that was read, as `sync` wants it.
    pub fn held(&self) -> BTreeMap<String, u64> {
        let held = |(id, log): (&String, &Log)| (id.clone(), log.number);
        self.0
            .iter()
            .filter(|(_, log)| log.number > 0)
            .map(held)
            .collect()
    }

    /// Where a log's number stands.
    pub fn place(&self, conversation: &str, number: u64) -> Place {
        match number.checked_sub(self.number(conversation)) {
            None | Some(0) => Place::Read,
            Some(1) => Place::Next,
            Some(_) => Place::Beyond,
        }
    }

    /// Notes an event as read if it is the next one, and says where it stood.
    pub fn read(&mut self, event: &LogEvent) -> Place {
        self.read_number(&event.conversation, event.number)
    }

    /// As [`Logs::read`], for an event of which only log and number are known: one's own, from the reply to it.
    pub fn read_number(&mut self, conversation: &str, number: u64) -> Place {
        let place = self.place(conversation, number);
        if place == Place::Next {
            self.log(conversation).number = number;
        }
        place
    }

    /// Notes what a page says of its log: who else is in it, and what retention has taken from its beginning.
    pub fn note_page(&mut self, page: &LogPage, own_name: &str) {
        let log = self.log(&page.conversation);
        log.number = log.number.max(page.first.saturating_sub(1));
        if !page.members.is_empty() {
            log.others = page
                .members
                .iter()
                .filter(|name| *name != own_name)
                .cloned()
                .collect();
        }
    }

    /// Notes with whom a conversation is.
    pub fn note_other(&mut self, conversation: &str, other: &str) {
        self.log(conversation).others = vec![other.to_owned()];
    }

    /// The other people of a conversation, where they are known.
    pub fn others(&self, conversation: &str) -> &[String] {
        self.0.get(conversation).map_or(&[], |log| &log.others)
    }

    /// Takes over what another copy, of another process, has read further.
    pub fn merge(&mut self, other: &Self) {
        for (id, theirs) in &other.0 {
            let ours = self.log(id);
            ours.number = ours.number.max(theirs.number);
            if ours.others.is_empty() {
                ours.others.clone_from(&theirs.others);
            }
        }
    }

    /// Notes that a log has nothing any more in front of this number.
    pub fn begins_at(&mut self, conversation: &str, first: u64) {
        let log = self.log(conversation);
        log.number = log.number.max(first.saturating_sub(1));
    }

    /// The number of the newest event that was read; 0 where none was.
    pub fn number(&self, conversation: &str) -> u64 {
        self.0.get(conversation).map_or(0, |log| log.number)
    }

    fn log(&mut self, conversation: &str) -> &mut Log {
        self.0.entry(conversation.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_once_and_in_order() {
        let mut logs = Logs::default();
        assert_eq!(logs.read_number("c", 1), Place::Next);
        assert_eq!(logs.read_number("c", 1), Place::Read);
        assert_eq!(logs.read_number("c", 3), Place::Beyond);
        assert_eq!(logs.read_number("c", 2), Place::Next);
        assert_eq!(logs.held(), BTreeMap::from([("c".to_owned(), 2)]));
    }

    #[test]
    fn pages_say_what_is_gone_and_who_is_there() {
        let mut logs = Logs::default();
        let page = LogPage {
            conversation: "c".to_owned(),
            members: vec!["alice".to_owned(), "bob".to_owned()],
            first: 5,
            newest: 9,
            events: Vec::new(),
        };
        logs.note_page(&page, "alice");
        assert_eq!(logs.others("c"), ["bob"]);
        assert_eq!(logs.read_number("c", 5), Place::Next);
    }

    #[test]
    fn copies_merge_to_what_is_read_further() {
        let (mut one, mut two) = (Logs::default(), Logs::default());
        one.read_number("a", 1);
        two.read_number("a", 1);
        two.read_number("a", 2);
        two.read_number("b", 1);
        one.read_number("c", 1);
        one.merge(&two);
        assert_eq!(one.held().into_values().collect::<Vec<_>>(), [2, 1, 1]);
    }
}
