use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{DeviceId, Mark, PersonPresence, ProfileInfo};

/// What an event in a log is about. Conversations and accounts have logs of their own; the kinds say which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Conversation: a text. Body: `{"content"}`, and `"reply_to"` where it answers.
    Message,
    /// Conversation: a file. Body: [`FileBody`](crate::FileBody).
    File,
    /// Conversation: another text for a message of the same sender. Body: `{"target","content"}`.
    Edit,
    /// Conversation: events of the same sender were erased. Body: `{"targets"}`.
    Delete,
    /// Conversation: a reaction was put on a message or file, or taken back. Body: `{"target","reaction","on"}`.
    Reaction,
    /// Account: a contact or block changed. Body: `{"change","username"}`, the change as in `contact_action`.
    Contact,
    /// Account: a conversation was opened. Body: `{"conversation","with"}`.
    Conversation,
    /// Account: a device was added or removed. Body: `{"change","device","name"}`.
    Device,
    /// Account: the password was changed. Body: `{}`.
    Password,
    /// Account: the profile was changed. Body: `{"display_name","about"}`, and `"avatar"` where there is a picture.
    Profile,
    /// A kind of a later version, to be counted and passed over. Never sent.
    #[serde(other)]
    Unknown,
}

impl EventKind {
    /// Whether clients of the seed's protocol know this kind.
    pub fn is_seed(self) -> bool {
        matches!(self, Self::Message | Self::File)
    }
}

/// An event of a log as clients see it, live or from `sync`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogEvent {
    /// What it is about.
    pub event: EventKind,
    /// The log: a conversation's id, or the id of one's own account.
    pub conversation: String,
    /// Its place in the log: 1, 2, 3 … without gaps.
    pub number: u64,
    /// Who caused it.
    pub sender: String,
    /// From which of the sender's devices.
    pub device: DeviceId,
    /// When the server stored it, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// The idempotency key, for the sender's own devices and from `sync` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The content, or `null` once it was erased.
    pub body: Option<Box<RawValue>>,
}

/// A push that belongs to no log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Notice {
    /// The connection fell behind and missed events: ask with `sync`.
    Behind,
    /// The session was revoked or its password changed; the connection is back before its login.
    SessionEnded,
    /// Somebody has received or read more of a conversation, or this account has on another connection.
    Mark(Mark),
    /// Somebody is typing in a conversation, or has stopped. It holds for a few seconds.
    Typing {
        /// The conversation.
        conversation: String,
        /// Who.
        username: String,
        /// Whether they type.
        typing: bool,
    },
    /// Somebody who has this account in their contacts shows themselves differently.
    Presence(PersonPresence),
    /// Somebody has changed their profile.
    Person(ProfileInfo),
    /// The server ends this connection.
    Bye {
        /// Why, for people.
        reason: String,
    },
}

impl Notice {
    /// Reads a push whose `event` is this, as JSON. `None` for one that isn't known. (What is derived reads any order of fields through a
    /// copy of them, which takes a browser five times the code.)
    pub(crate) fn decode(event: &str, line: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Typing {
            conversation: String,
            username: String,
            typing: bool,
        }
        #[derive(Deserialize)]
        struct Bye {
            reason: String,
        }
        match event.trim_matches('"') {
            "behind" => Some(Self::Behind),
            "session_ended" => Some(Self::SessionEnded),
            "mark" => serde_json::from_str(line).ok().map(Self::Mark),
            "typing" => {
                let Typing {
                    conversation,
                    username,
                    typing,
                } = serde_json::from_str(line).ok()?;
                Some(Self::Typing {
                    conversation,
                    username,
                    typing,
                })
            }
            "presence" => serde_json::from_str(line).ok().map(Self::Presence),
            "person" => serde_json::from_str(line).ok().map(Self::Person),
            "bye" => {
                let Bye { reason } = serde_json::from_str(line).ok()?;
                Some(Self::Bye { reason })
            }
            _ => None,
        }
    }

    /// The push as a line.
    pub fn encode(&self) -> String {
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}
