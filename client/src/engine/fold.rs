//! What a person sees of a log: each message or file, and what was done to it since.
//!
//! Pure, and the only place that knows what the bodies of events mean. A message is its event and the events that act
//! on it, folded in the order of their numbers; so it doesn't matter in which order they were fetched.

use std::collections::BTreeSet;

use kith_common::{DeviceId, EventKind, FileDetails, LogEvent, ProfileInfo};
use litemap::LiteMap;
use serde::{Deserialize, Serialize};

/// A message or file as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its place in the conversation.
    pub number: u64,
    /// Who sent it.
    pub sender: String,
    /// From which of their devices.
    pub device: DeviceId,
    /// When the server stored it, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// What it says.
    pub content: Content,
    /// When its text was changed last, in milliseconds since 1970-01-01T00:00:00Z.
    pub edited: Option<i64>,
    /// The number of the message or file that it answers.
    pub reply_to: Option<u64>,
    /// Each reaction, and who put it there.
    #[serde(with = "as_map")]
    pub reactions: LiteMap<String, BTreeSet<String>>,
}

/// A sorted list that is written as what it stands for, also when it is empty.
mod as_map {
    use std::collections::{BTreeMap, BTreeSet};

    use litemap::LiteMap;
    use serde::{Deserialize as _, Deserializer, Serializer};

    type Reactions = LiteMap<String, BTreeSet<String>>;

    pub(super) fn serialize<S: Serializer>(reactions: &Reactions, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(reactions.iter())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Reactions, D::Error> {
        let read = BTreeMap::deserialize(deserializer)?;
        Ok(read.into_iter().collect())
    }
}

/// What a message says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// A text.
    Text(String),
    /// A file, to be fetched by its id.
    File {
        /// The id.
        file: String,
        /// What it is called.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// What its sender says of it. Nothing of that is checked.
        details: FileDetails,
    },
    /// Nothing any more.
    Erased,
    /// What this version doesn't understand.
    Unreadable,
}

/// Leaves out what it says, so that nothing of it can reach a log by accident.
impl core::fmt::Debug for Content {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::File { file, size, .. } => write!(f, "File({file}, {size} bytes)"),
            Self::Erased => f.write_str("Erased"),
            Self::Unreadable => f.write_str("Unreadable"),
        }
    }
}

/// The fields of all bodies.
#[derive(Deserialize)]
struct Body {
    content: Option<String>,
    file: Option<String>,
    file_name: Option<String>,
    size: Option<u64>,
    reply_to: Option<u64>,
    target: Option<u64>,
    #[serde(default)]
    targets: Vec<u64>,
    reaction: Option<String>,
    on: Option<bool>,
}

fn body(event: &LogEvent) -> Option<Body> {
    serde_json::from_str(event.body.as_ref()?.get()).ok()
}

/// Whether an event stands for itself in a conversation.
pub(crate) fn is_base(event: &LogEvent) -> bool {
    matches!(event.event, EventKind::Message | EventKind::File)
}

/// The numbers of the events that an event acts on.
pub(crate) fn targets(event: &LogEvent) -> Vec<u64> {
    match event.event {
        EventKind::Edit | EventKind::Reaction => {
            body(event).and_then(|body| body.target).into_iter().collect()
        }
        EventKind::Delete => body(event).map(|body| body.targets).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// A message or file and the events that act on it, in the order of their numbers.
pub(crate) fn message<'a>(base: &LogEvent, effects: impl IntoIterator<Item = &'a LogEvent>) -> Message {
    let mut message = Message {
        number: base.number,
        sender: base.sender.clone(),
        device: base.device,
        time: base.time,
        content: content(base),
        edited: None,
        reply_to: body(base).and_then(|body| body.reply_to),
        reactions: LiteMap::new(),
    };
    for effect in effects {
        act(&mut message, effect);
    }
    if message.content == Content::Erased {
        // Nothing is left of it but that it was there.
        message = Message {
            edited: None,
            reply_to: None,
            reactions: LiteMap::new(),
            ..message
        };
    }
    message
}

fn content(base: &LogEvent) -> Content {
    if base.body.is_none() {
        return Content::Erased;
    }
    match body(base) {
        Some(Body {
            content: Some(text), ..
        }) if base.event == EventKind::Message => Content::Text(text),
        Some(Body {
            file: Some(file),
            file_name: Some(name),
            size,
            ..
        }) if base.event == EventKind::File => Content::File {
            file,
            name,
            size: size.unwrap_or_default(),
            details: details(base),
        },
        _ => Content::Unreadable,
    }
}

/// What the sender of a file says of it; nothing where that can't be read.
fn details(base: &LogEvent) -> FileDetails {
    let body = base.body.as_ref();
    let details = body.and_then(|body| serde_json::from_str(body.get()).ok());
    details.unwrap_or_default()
}

fn act(message: &mut Message, effect: &LogEvent) {
    // An effect without its body was erased, and with it what it did.
    let Some(body) = body(effect) else { return };
    let own = effect.sender == message.sender;
    match effect.event {
        EventKind::Edit if own => {
            if let (Content::Text(text), Some(content)) = (&mut message.content, body.content) {
                *text = content;
                message.edited = Some(effect.time);
            }
        }
        EventKind::Delete if own => message.content = Content::Erased,
        EventKind::Reaction => {
            let Some(reaction) = body.reaction else { return };
            let people = message.reactions.entry(reaction.clone()).or_default();
            if body.on.unwrap_or(true) {
                people.insert(effect.sender.clone());
            } else {
                people.remove(&effect.sender);
            }
            if people.is_empty() {
                message.reactions.remove(&reaction);
            }
        }
        _ => {}
    }
}

/// The profile that an event of the account's own log tells of.
pub(crate) fn profile(event: &LogEvent) -> Option<ProfileInfo> {
    #[derive(Deserialize)]
    struct Body {
        display_name: String,
        #[serde(default)]
        about: String,
        avatar: Option<String>,
    }
    let body = event
        .body
        .as_ref()
        .filter(|_| event.event == EventKind::Profile)?;
    let body: Body = serde_json::from_str(body.get()).ok()?;
    Some(ProfileInfo {
        username: event.sender.clone(),
        display_name: body.display_name,
        about: body.about,
        avatar: body.avatar,
    })
}

/// The people that an account knows and those it has blocked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contacts {
    /// User names of the contacts.
    pub contacts: BTreeSet<String>,
    /// User names of blocked people.
    pub blocked: BTreeSet<String>,
}

impl Contacts {
    /// Takes the next event of the account's own log, and says whether it was about contacts.
    pub(crate) fn take(&mut self, event: &LogEvent) -> bool {
        #[derive(Deserialize)]
        struct Body {
            change: String,
            username: String,
        }
        if event.event != EventKind::Contact {
            return false;
        }
        let body = event
            .body
            .as_ref()
            .and_then(|body| serde_json::from_str::<Body>(body.get()).ok());
        let Some(Body { change, username }) = body else {
            return false;
        };
        match change.as_str() {
            "add" => self.contacts.insert(username),
            "remove" => self.contacts.remove(&username),
            "block" => self.blocked.insert(username),
            "unblock" => self.blocked.remove(&username),
            _ => false,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(number: u64, kind: EventKind, sender: &str, body: &Value) -> LogEvent {
        LogEvent {
            event: kind,
            conversation: "c".to_owned(),
            number,
            sender: sender.to_owned(),
            device: DeviceId(1),
            time: i64::try_from(number).unwrap() * 1000,
            client_id: None,
            body: (!body.is_null()).then(|| serde_json::value::to_raw_value(body).unwrap()),
        }
    }

    fn react(number: u64, sender: &str, on: bool) -> LogEvent {
        let body = json!({"target": 1, "reaction": "👍", "on": on});
        event(number, EventKind::Reaction, sender, &body)
    }

    #[test]
    fn effects_are_folded_in_their_order() {
        let base = event(
            1,
            EventKind::Message,
            "alice",
            &json!({"content": "a", "reply_to": 7}),
        );
        let edit = |number, sender, text: &str| {
            event(
                number,
                EventKind::Edit,
                sender,
                &json!({"target": 1, "content": text}),
            )
        };
        let effects = [
            edit(2, "alice", "b"),
            edit(3, "bob", "mine now"),
            react(4, "bob", true),
            react(5, "alice", true),
            react(6, "bob", false),
            edit(7, "alice", "c"),
        ];
        let folded = message(&base, &effects);
        assert_eq!(folded.content, Content::Text("c".to_owned()));
        assert_eq!((folded.edited, folded.reply_to), (Some(7000), Some(7)));
        assert_eq!(
            folded.reactions,
            LiteMap::from_iter([("👍".to_owned(), BTreeSet::from(["alice".to_owned()]))])
        );
    }

    #[test]
    fn what_was_erased_looks_the_same_with_and_without_its_body() {
        let delete = event(4, EventKind::Delete, "alice", &json!({"targets": [1, 2]}));
        let held = event(
            1,
            EventKind::Message,
            "alice",
            &json!({"content": "a", "reply_to": 9}),
        );
        let edit = event(2, EventKind::Edit, "alice", &json!({"target": 1, "content": "b"}));
        let fetched = event(1, EventKind::Message, "alice", &Value::Null);
        let erased_edit = event(2, EventKind::Edit, "alice", &Value::Null);
        let one = message(&held, [&edit, &react(3, "bob", true), &delete]);
        let other = message(&fetched, [&erased_edit, &react(3, "bob", true), &delete]);
        assert_eq!(one, other);
        assert_eq!((one.content, one.reactions.len()), (Content::Erased, 0));
        let strange = event(4, EventKind::Delete, "bob", &json!({"targets": [1]}));
        assert_eq!(message(&held, [&strange]).content, Content::Text("a".to_owned()));
        assert_eq!(targets(&delete), [1, 2]);
    }

    #[test]
    fn contacts_are_what_the_last_change_says() {
        let mut contacts = Contacts::default();
        for (change, username) in [
            ("add", "bob"),
            ("add", "carol"),
            ("block", "bob"),
            ("remove", "carol"),
        ] {
            let body = json!({"change": change, "username": username});
            assert!(contacts.take(&event(1, EventKind::Contact, "alice", &body)));
        }
        assert!(!contacts.take(&event(1, EventKind::Device, "alice", &json!({}))));
        assert_eq!((contacts.contacts.len(), contacts.blocked.len()), (1, 1));
    }
}
