//! Events as lines for people.

use jiff::tz::TimeZone;
use kith_common::{EventKind, LogEvent};
use serde::Deserialize;

use crate::form::{written_size, written_time};

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
    device: i64,
    name: String,
    target: u64,
    targets: Vec<u64>,
    reply_to: Option<u64>,
    reaction: String,
    on: Option<bool>,
}

/// The line for an event: `12:03 bob: hi`; none for what people needn't see.
pub(super) fn written(event: &LogEvent, reader: &Reader<'_>, zone: &TimeZone) -> Option<String> {
    let what = match read(event) {
        Some(body) => match event.event {
            EventKind::Message => said(
                event,
                reader,
                &format!("{}{}", answering(body.reply_to), body.content),
            ),
            EventKind::File => {
                let Body {
                    file,
                    file_name,
                    size,
                    reply_to,
                    ..
                } = body;
                said(
                    event,
                    reader,
                    &format!(
                        "{}[file] {file_name}, {} (get-file {file})",
                        answering(reply_to),
                        written_size(size)
                    ),
                )
            }
            EventKind::Contact => format!("* {}", contact_change(&body)),
            EventKind::Device => format!("* {}", device_change(&body)),
            EventKind::Password => "* the password was changed".to_owned(),
            EventKind::Profile => "* the profile was changed".to_owned(),
            EventKind::Edit => did(
                event,
                reader,
                &format!("changed {} to: {}", body.target, body.content),
            ),
            EventKind::Delete => did(event, reader, &format!("erased {}", listed(&body.targets))),
            EventKind::Reaction => {
                let (reaction, target) = (&body.reaction, body.target);
                let what = match body.on {
                    Some(false) => format!("took back {reaction} from {target}"),
                    _ => format!("reacted to {target} with {reaction}"),
                };
                did(event, reader, &what)
            }
            EventKind::Conversation | EventKind::Unknown => return None,
        },
        None if matches!(event.event, EventKind::Message | EventKind::File) => {
            said(event, reader, "(erased)")
        }
        None => return None,
    };
    Some(format!("{} {what}", written_time(event.time, zone)))
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

/// What stands in front of an answer.
fn answering(reply_to: Option<u64>) -> String {
    reply_to.map_or_else(String::new, |number| format!("(answers {number}) "))
}

fn listed(numbers: &[u64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    numbers.join(", ")
}

fn did(event: &LogEvent, reader: &Reader<'_>, what: &str) -> String {
    let sender = &event.sender;
    match reader.others {
        others @ [_, ..] if sender.eq_ignore_ascii_case(reader.name) => {
            format!("* {sender} {what} (with {})", others.join(", "))
        }
        _ => format!("* {sender} {what}"),
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
        let edit = json!({"target": 3, "content": "ho"});
        assert_eq!(
            line(EventKind::Edit, "bob", edit).unwrap(),
            "* bob changed 3 to: ho"
        );
        let deletion = json!({"targets": [3, 4]});
        assert_eq!(
            line(EventKind::Delete, "alice", deletion).unwrap(),
            "* alice erased 3, 4 (with bob)"
        );
        let reaction = json!({"target": 3, "reaction": "+1", "on": false});
        assert_eq!(
            line(EventKind::Reaction, "bob", reaction).unwrap(),
            "* bob took back +1 from 3"
        );
        let answer = json!({"content": "yes", "reply_to": 3});
        assert_eq!(
            line(EventKind::Message, "bob", answer).unwrap(),
            "bob: (answers 3) yes"
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
