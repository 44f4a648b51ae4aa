//! The list of conversations as it is shown.

use std::collections::BTreeSet;

use kith_client::{Contacts, Content, Conversation, Message, Pending, Progress, To, Write};
use litemap::LiteMap;

use super::markup;

/// Whom a conversation is with, as the list and the chat know it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// With one person; there may be no message yet.
    With(String),
    /// A conversation of many, by its id.
    Of(String),
}

/// The same text for the same place, and for no other.
impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::With(person) => write!(f, "@{person}"),
            Self::Of(id) => write!(f, "#{id}"),
        }
    }
}

impl Place {
    /// The place of such a text.
    pub fn read(text: &str) -> Option<Self> {
        match text.split_at_checked(1)? {
            ("@", person) => Some(Self::With(person.to_owned())),
            ("#", id) => Some(Self::Of(id.to_owned())),
            _ => None,
        }
    }
}

/// A line of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Which.
    pub place: Place,
    /// User names of the others.
    pub people: Vec<String>,
    /// What is said of it.
    pub last: Last,
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: Option<i64>,
    /// How many messages weren't read.
    pub unread: u64,
    /// Something that was written couldn't be sent.
    pub failed: bool,
}

/// The last thing in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Last {
    /// There is none.
    Nothing,
    /// Something was begun to write.
    Draft(String),
    /// A text, and whether it is one's own.
    Text(String, bool),
    /// A file, and whether it is one's own.
    File(String, bool),
    /// It was deleted.
    Erased,
    /// This version can't show it.
    Unreadable,
}

/// What the list is made of.
pub struct Parts<'a> {
    /// Who looks.
    pub me: &'a str,
    /// The conversations.
    pub conversations: &'a [Conversation],
    /// The contacts.
    pub contacts: &'a Contacts,
    /// What isn't sent yet.
    pub outbox: &'a [Pending],
    /// What was begun to write.
    pub drafts: &'a LiteMap<Place, String>,
}

/// The place of a conversation.
pub fn place(conversation: &Conversation) -> Place {
    match conversation.others.as_slice() {
        [other] => Place::With(other.clone()),
        _ => Place::Of(conversation.id.clone()),
    }
}

/// All conversations, the one in which something happened last first, and then the contacts without one.
pub fn lines(parts: &Parts<'_>) -> Vec<Line> {
    let mut lines: LiteMap<Place, Line> = LiteMap::new();
    for conversation in parts.conversations {
        let place = place(conversation);
        let (last, time) = conversation
            .last
            .as_ref()
            .map_or((Last::Nothing, None), |message| {
                (last(message, parts.me), Some(message.time))
            });
        let line = Line {
            place: place.clone(),
            people: conversation.others.clone(),
            last,
            time,
            unread: conversation.unread,
            failed: false,
        };
        lines.insert(place, line);
    }
    for contact in &parts.contacts.contacts {
        let place = Place::With(contact.clone());
        lines
            .entry(place.clone())
            .or_insert_with(|| empty(place, contact));
    }
    let newest = lines.values().filter_map(|line| line.time).max();
    for item in parts.outbox {
        let Some(place) = place_of(item, parts.conversations) else {
            continue;
        };
        let line = match &place {
            Place::With(person) => {
                let person = person.clone();
                lines
                    .entry(place.clone())
                    .or_insert_with(|| empty(place, &person))
            }
            Place::Of(_) => match lines.get_mut(&place) {
                Some(line) => line,
                None => continue,
            },
        };
        line.failed |= matches!(item.progress, Progress::Failed(_));
        if matches!(item.progress, Progress::Sent { .. } | Progress::Discarded) {
            continue;
        }
        let written = match &item.write {
            Write::Message { content, .. } => Last::Text(markup::plain(content), true),
            Write::File { name, .. } => Last::File(name.clone(), true),
            _ => continue,
        };
        line.last = written;
        line.time = line.time.max(Some(item.time));
        if !matches!(item.progress, Progress::Failed(_)) {
            // What isn't sent yet is newer than what is, whatever this device's clock says.
            line.time = line.time.max(newest.map(|newest| newest + 1));
        }
    }
    for (place, draft) in parts.drafts {
        if let Some(line) = lines.get_mut(place).filter(|_| !draft.trim().is_empty()) {
            line.last = Last::Draft(markup::plain(draft));
        }
    }
    let blocked: BTreeSet<&String> = parts.contacts.blocked.iter().collect();
    let hidden =
        |line: &Line| line.time.is_none() && line.people.iter().any(|person| blocked.contains(person));
    let mut lines: Vec<Line> = lines
        .into_iter()
        .map(|(_, line)| line)
        .filter(|line| !hidden(line))
        .collect();
    lines.sort_unstable_by(|a, b| b.time.cmp(&a.time).then_with(|| a.place.cmp(&b.place)));
    lines
}

/// Where something that isn't sent yet belongs.
pub fn place_of(item: &Pending, conversations: &[Conversation]) -> Option<Place> {
    let by_id = |id: &str| {
        conversations
            .iter()
            .find(|conversation| conversation.id == id)
            .map(place)
    };
    match &item.write {
        Write::Message {
            receiver,
            conversation,
            ..
        }
        | Write::File {
            receiver,
            conversation,
            ..
        } => conversation
            .as_deref()
            .and_then(by_id)
            .or_else(|| receiver.clone().map(Place::With)),
        Write::Edit { conversation, .. }
        | Write::Delete { conversation, .. }
        | Write::React { conversation, .. } => by_id(conversation),
        _ => None,
    }
}

impl Place {
    /// How the engine is told of it.
    pub fn to(&self, conversation: Option<&str>) -> Option<To> {
        match (conversation, self) {
            (Some(id), _) => Some(To::Conversation(id.to_owned())),
            (None, Self::Of(id)) => Some(To::Conversation(id.clone())),
            (None, Self::With(person)) => person.parse().ok().map(To::Person),
        }
    }
}

fn empty(place: Place, person: &str) -> Line {
    Line {
        place,
        people: vec![person.to_owned()],
        last: Last::Nothing,
        time: None,
        unread: 0,
        failed: false,
    }
}

/// What the list says of a message.
pub fn last(message: &Message, me: &str) -> Last {
    let own = message.sender == me;
    match &message.content {
        Content::Text(text) => Last::Text(markup::plain(text), own),
        Content::File { name, .. } => Last::File(name.clone(), own),
        Content::Erased => Last::Erased,
        Content::Unreadable => Last::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use kith_common::{DeviceId, ErrorCode, WireError};

    use super::*;

    fn conversation(other: &str, time: i64, unread: u64) -> Conversation {
        Conversation {
            id: format!("with {other}"),
            others: vec![other.to_owned()],
            last: Some(Message {
                number: 1,
                sender: other.to_owned(),
                device: DeviceId(1),
                time,
                content: Content::Text("**hi**".to_owned()),
                edited: None,
                reply_to: None,
                reactions: LiteMap::new(),
            }),
            unread,
        }
    }

    fn pending(receiver: &str, progress: Progress) -> Pending {
        Pending {
            id: 1,
            write: Write::Message {
                receiver: Some(receiver.to_owned()),
                conversation: None,
                content: "later".to_owned(),
                reply_to: None,
            },
            progress,
            time: 50,
        }
    }

    fn shown(outbox: &[Pending], drafts: &[(&str, &str)], contacts: &[&str], blocked: &[&str]) -> Vec<Line> {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        lines(&Parts {
            me: "alice",
            conversations: &[conversation("bob", 10, 2), conversation("carol", 20, 0)],
            contacts: &Contacts {
                contacts: set(contacts),
                blocked: set(blocked),
            },
            outbox,
            drafts: &drafts
                .iter()
                .map(|(with, text)| (Place::With((*with).to_owned()), (*text).to_owned()))
                .collect(),
        })
    }

    fn names(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.people[0].as_str()).collect()
    }

    #[test]
    fn a_place_can_be_written_down() {
        for place in [Place::With("bob".to_owned()), Place::Of("c-1".to_owned())] {
            assert_eq!(Place::read(&place.to_string()), Some(place));
        }
        for text in ["", "bob", "äbob"] {
            assert_eq!(Place::read(text), None);
        }
    }

    #[test]
    fn the_newest_is_first_and_contacts_without_a_word_are_last() {
        let lines = shown(&[], &[], &["dave", "bob"], &[]);
        assert_eq!(names(&lines), ["carol", "bob", "dave"]);
        assert_eq!(lines[1].unread, 2);
        assert_eq!(lines[1].last, Last::Text("hi".to_owned(), false));
        assert_eq!(lines[2].last, Last::Nothing);
    }

    #[test]
    fn what_is_written_is_seen_at_once() {
        let lines = shown(
            &[pending("erin", Progress::Waiting)],
            &[("bob", "and so")],
            &[],
            &[],
        );
        assert_eq!(names(&lines), ["erin", "carol", "bob"]);
        assert_eq!(lines[0].last, Last::Text("later".to_owned(), true));
        assert_eq!(lines[2].last, Last::Draft("and so".to_owned()));
        // The clock of this device is behind.
        let late = Pending {
            time: 5,
            ..pending("dora", Progress::Waiting)
        };
        assert_eq!(names(&shown(&[late], &[], &[], &[])), ["dora", "carol", "bob"]);
        let error = WireError::new(ErrorCode::NotFound, "no such user");
        assert!(shown(&[pending("bob", Progress::Failed(error))], &[], &[], &[])[0].failed);
    }

    #[test]
    fn blocked_people_with_whom_there_was_no_word_are_not_shown() {
        assert_eq!(
            names(&shown(&[], &[], &["mallory"], &["mallory", "bob"])),
            ["carol", "bob"]
        );
    }
}
