//! How times, sizes and messages are written, for people and for programs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kith_client::{Content, Engine, Message, Write};
use kith_common::ContactAction;
use serde::Serialize;

/// A time in milliseconds since 1970, as people here say it: today's without the date.
pub(crate) fn written_time(millis: i64, zone: &TimeZone) -> String {
    let Ok(time) = Timestamp::from_millisecond(millis) else {
        return "--:--".to_owned();
    };
    let time = time.to_zoned(zone.clone());
    let today = Timestamp::now().to_zoned(zone.clone()).date();
    let form = if time.date() == today {
        "%H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    time.strftime(form).to_string()
}

/// A size in bytes.
pub(crate) fn written_size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// A message in `--json`. Fields that don't apply are left out.
#[derive(Serialize)]
pub(crate) struct JsonMessage<'a> {
    conversation: &'a str,
    number: u64,
    sender: &'a str,
    device: i64,
    time: i64,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<u64>,
    reactions: BTreeMap<&'a str, &'a BTreeSet<String>>,
    /// How far one's own message has come.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
}

/// How far a message has come to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Sent,
    Delivered,
    Read,
}

impl State {
    /// How far all the others have got with what has this number.
    pub(crate) fn of(engine: &Engine, conversation: &str, number: u64) -> Self {
        let me = &engine.me().username;
        let marks = engine.marks(conversation);
        let others = marks.iter().filter(|mark| mark.username != *me);
        let state = |mark: &kith_common::Mark| match () {
            () if mark.read >= number => Self::Read,
            () if mark.delivered >= number => Self::Delivered,
            () => Self::Sent,
        };
        others.map(state).min().unwrap_or(Self::Sent)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }
}

impl<'a> JsonMessage<'a> {
    pub(crate) fn of(engine: &Engine, conversation: &'a str, message: &'a Message) -> Self {
        let own = message.sender == engine.me().username;
        let (kind, mut text, mut file, mut file_name, mut size) = match &message.content {
            Content::Text(_) => ("text", None, None, None, None),
            Content::File { .. } => ("file", None, None, None, None),
            Content::Erased => ("erased", None, None, None, None),
            Content::Unreadable => ("unreadable", None, None, None, None),
        };
        match &message.content {
            Content::Text(content) => text = Some(&**content),
            Content::File {
                file: id,
                name,
                size: bytes,
                ..
            } => (file, file_name, size) = (Some(&**id), Some(&**name), Some(*bytes)),
            Content::Erased | Content::Unreadable => {}
        }
        Self {
            conversation,
            number: message.number,
            sender: &message.sender,
            device: message.device.0,
            time: message.time,
            kind,
            text,
            file,
            file_name,
            size,
            edited: message.edited,
            reply_to: message.reply_to,
            reactions: message
                .reactions
                .iter()
                .map(|(what, by)| (what.as_str(), by))
                .collect(),
            state: own.then(|| State::of(engine, conversation, message.number)),
        }
    }
}

/// A message as a line for people: `  12  10:03 bob: hi`.
pub(crate) fn written_message(message: &Message, zone: &TimeZone) -> String {
    let Message { number, sender, .. } = message;
    let mut line = format!("{number:>4}  {} {sender}: ", written_time(message.time, zone));
    if let Some(target) = message.reply_to {
        line.push_str(&format!("(answers {target}) "));
    }
    line.push_str(&written_content(&message.content));
    if message.edited.is_some() {
        line.push_str(" (edited)");
    }
    if !message.reactions.is_empty() {
        line.push_str(&format!("  [{}]", written_reactions(message)));
    }
    line
}

pub(crate) fn written_content(content: &Content) -> String {
    match content {
        Content::Text(text) => text.clone(),
        Content::File { file, name, size, .. } => {
            format!("[file] {name}, {} (get-file {file})", written_size(*size))
        }
        Content::Erased => "(erased)".to_owned(),
        Content::Unreadable => "(this version can't show it)".to_owned(),
    }
}

pub(crate) fn written_reactions(message: &Message) -> String {
    let one = |(reaction, people): (&String, &BTreeSet<String>)| {
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        format!("{reaction} {}", people.join(", "))
    };
    let reactions: Vec<String> = message.reactions.iter().map(one).collect();
    reactions.join("; ")
}

/// What something in the outbox is: `the message "hi" to bob`.
pub(crate) fn what_waits(engine: &Engine, write: &Write) -> String {
    let place = |conversation: &Option<String>, receiver: &Option<String>| match receiver {
        Some(receiver) => receiver.clone(),
        None => with(engine, conversation.as_deref().unwrap_or_default()),
    };
    match write {
        Write::Message {
            receiver,
            conversation,
            content,
            ..
        } => format!(
            "the message \"{}\" to {}",
            short(content),
            place(conversation, receiver)
        ),
        Write::File {
            receiver,
            conversation,
            name,
            ..
        } => format!("the file {name} to {}", place(conversation, receiver)),
        Write::Edit {
            conversation, target, ..
        } => format!(
            "the change of message {target} with {}",
            with(engine, conversation)
        ),
        Write::Delete { conversation, target } => {
            format!(
                "the deletion of message {target} with {}",
                with(engine, conversation)
            )
        }
        Write::React {
            conversation,
            target,
            reaction,
            ..
        } => format!(
            "the reaction {reaction} to message {target} with {}",
            with(engine, conversation)
        ),
        Write::Contact { action, username } => {
            let what = match action {
                ContactAction::Add => "adding",
                ContactAction::Remove => "removing",
                ContactAction::Block => "blocking",
                ContactAction::Unblock => "unblocking",
                ContactAction::List => "listing",
            };
            format!("{what} {username}")
        }
        Write::Profile => "the change of the profile".to_owned(),
    }
}

/// Who is in a conversation besides this account.
pub(crate) fn with(engine: &Engine, conversation: &str) -> String {
    let logs = engine.logs();
    match logs.iter().find(|log| log.id == conversation) {
        Some(log) if !log.others.is_empty() => log.others.join(", "),
        _ => conversation.to_owned(),
    }
}

/// The beginning of a text, enough to know it by.
fn short(text: &str) -> String {
    const MOST: usize = 40;
    let mut beginning: String = text.chars().take(MOST).collect();
    if beginning.len() < text.len() {
        beginning.push('…');
    }
    beginning
}
