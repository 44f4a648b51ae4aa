//! Events as lines for people.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kith_common::{EventKind, LogEvent};
use serde::Deserialize;

/// Who reads a line.
pub(super) struct Reader<'a> {
    /// The reader's own user name.
    pub(super) name: &'a str,
    /// The other people of the conversation, where they are known.
    pub(super) others: &'a [String],
}

/// What the bodies of the known events may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    content: String,
    file: String,
    file_name: String,
    size: u64,
    change: String,
    username: String,
    conversation: String,
    with: String,
    device: i64,
    name: String,
}

/// The line for an event: `12:03 bob: hi`; none for what people needn't see.
pub(super) fn written(event: &LogEvent, reader: &Reader<'_>, zone: &TimeZone) -> Option<String> {
    let what = match read(event) {
        Some(body) => match event.event {
            EventKind::Message => said(event, reader, &body.content),
            EventKind::File => {
                let Body {
                    file,
                    file_name,
                    size,
                    ..
                } = body;
                said(
                    event,
                    reader,
                    &format!("[file] {file_name}, {} (get-file {file})", written_size(size)),
                )
            }
            EventKind::Contact => format!("* {}", contact_change(&body)),
            EventKind::Device => format!("* {}", device_change(&body)),
            EventKind::Password => "* the password was changed".to_owned(),
            EventKind::Profile => "* the profile was changed".to_owned(),
            EventKind::Conversation
            | EventKind::Edit
            | EventKind::Delete
            | EventKind::Reaction
            | EventKind::Unknown => return None,
        },
        None if matches!(event.event, EventKind::Message | EventKind::File) => {
            said(event, reader, "(erased)")
        }
        None => return None,
    };
    Some(format!("{} {what}", written_time(event.time, zone)))
}

/// The conversation that an event opens, and with whom it is.
pub(super) fn opened_conversation(event: &LogEvent) -> Option<(String, String)> {
    let body = read(event).filter(|_| event.event == EventKind::Conversation)?;
    Some((body.conversation, body.with))
        .filter(|(conversation, with)| !conversation.is_empty() && !with.is_empty())
}

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

fn read(event: &LogEvent) -> Option<Body> {
    serde_json::from_str(event.body.as_ref()?.get()).ok()
}

fn contact_change(body: &Body) -> String {
    let Body { change, username, .. } = body;
    match &**change {
        "add" => format!("{username} is a contact now"),
        "remove" => format!("{username} is no contact any more"),
        "block" => format!("{username} is blocked"),
        "unblock" => format!("{username} is not blocked any more"),
        change => format!("contacts: {change} {username}"),
    }
}

fn device_change(body: &Body) -> String {
    let Body {
        change, device, name, ..
    } = body;
    match &**change {
        "added" => format!("{name} logged in (session {device})"),
        "removed" => format!("{name} logged out (session {device})"),
        change => format!("sessions: {change} {name} (session {device})"),
    }
}

fn said(event: &LogEvent, reader: &Reader<'_>, what: &str) -> String {
    if !event.sender.eq_ignore_ascii_case(reader.name) {
        return format!("{}: {what}", event.sender);
    }
    match reader.others {
        [] => format!("{}: {what}", event.sender),
        others => format!("{} to {}: {what}", event.sender, others.join(", ")),
    }
}

fn written_size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use kith_common::DeviceId;
    use serde_json::{Value, json};

    use super::*;

    fn event(kind: EventKind, sender: &str, body: &Value) -> LogEvent {
        LogEvent {
            event: kind,
            conversation: "c".to_owned(),
            number: 1,
            sender: sender.to_owned(),
            device: DeviceId(1),
            time: 1_700_000_000_000,
            client_id: None,
            body: serde_json::from_value(body.clone()).unwrap(),
        }
    }

    #[test]
    fn lines_say_who_and_what() {
        let others = ["bob".to_owned()];
        let reader = Reader {
            name: "alice",
            others: &others,
        };
        let line = |kind, sender, body| {
            let line = written(&event(kind, sender, &body), &reader, &TimeZone::UTC)?;
            Some(line.strip_prefix("2023-11-14 22:13 ").unwrap().to_owned())
        };
        let message = |sender| line(EventKind::Message, sender, json!({"content": "hi"})).unwrap();
        assert_eq!(message("bob"), "bob: hi");
        assert_eq!(message("Alice"), "Alice to bob: hi");
        let file = json!({"file": "f1", "file_name": "a.txt", "size": 1234});
        assert_eq!(
            line(EventKind::File, "bob", file).unwrap(),
            "bob: [file] a.txt, 2 kB (get-file f1)"
        );
        assert_eq!(
            line(EventKind::Message, "bob", Value::Null).unwrap(),
            "bob: (erased)"
        );
        let device = json!({"change": "added", "device": 3, "name": "laptop"});
        assert_eq!(
            line(EventKind::Device, "alice", device).unwrap(),
            "* laptop logged in (session 3)"
        );
        let contact = json!({"change": "block", "username": "mallory"});
        assert_eq!(
            line(EventKind::Contact, "alice", contact).unwrap(),
            "* mallory is blocked"
        );
        assert_eq!(
            line(
                EventKind::Conversation,
                "bob",
                json!({"conversation": "c", "with": "bob"})
            ),
            None
        );
    }
}
