//! What was written and isn't sent yet.

use kith_common::{
    ClientId, ContactAction, EventKind, FileBody, FileDetails, LogEvent, Request, SentReply, Username,
    WireError,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;

use super::Identity;
use crate::local_store::{Item, ItemState};

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// To a person: into the conversation with them, which the first message opens.
    Person(Username),
    /// Into a conversation that is known here, by its id.
    Conversation(String),
}

impl From<Username> for To {
    fn from(person: Username) -> Self {
        Self::Person(person)
    }
}

impl From<&Username> for To {
    fn from(person: &Username) -> Self {
        Self::Person(person.clone())
    }
}

/// Something that was written and isn't sent yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pending {
    /// Its place: greater ones come later.
    pub id: u64,
    /// What it is.
    pub write: Write,
    /// How far it has come.
    pub progress: Progress,
    /// When it was written by this device's clock, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
}

/// How far something that was written has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// It waits for the connection, or for what is in front of it.
    Waiting,
    /// It is under way.
    Sending,
    /// A transfer that was held up.
    Paused,
    /// The server has it.
    Sent {
        /// Where in a log, where it is an event of a conversation and this engine has sent it.
        place: Option<(String, u64)>,
    },
    /// A file that was fetched is where it should be.
    Saved,
    /// The server won't have it. [`super::Engine::retry`] and [`super::Engine::discard`] are what is left.
    Failed(WireError),
    /// It was discarded.
    Discarded,
}

/// What is to be sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    /// A text.
    Message {
        /// To whom, where it was addressed to a person.
        receiver: Option<String>,
        /// Where it belongs, where that is known.
        conversation: Option<String>,
        /// The text.
        content: String,
        /// What it answers.
        reply_to: Option<u64>,
    },
    /// A file.
    File {
        /// To whom, where it was addressed to a person.
        receiver: Option<String>,
        /// Where it belongs, where that is known.
        conversation: Option<String>,
        /// What it is called.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// What is said of it.
        details: FileDetails,
        /// What it answers.
        reply_to: Option<u64>,
    },
    /// Another text for a message.
    Edit {
        /// The conversation.
        conversation: String,
        /// The message.
        target: u64,
        /// The text.
        content: String,
    },
    /// The end of a message or file.
    Delete {
        /// The conversation.
        conversation: String,
        /// The message or file.
        target: u64,
    },
    /// A reaction.
    React {
        /// The conversation.
        conversation: String,
        /// The message or file.
        target: u64,
        /// Which.
        reaction: String,
        /// Whether it is put on or taken back.
        on: bool,
    },
    /// A change of the contacts or blocked people.
    Contact {
        /// What is done.
        action: ContactAction,
        /// With whom.
        username: String,
    },
    /// A change of one's profile.
    Profile,
}

/// Leaves out what it says, so that nothing of it can reach a log by accident.
impl core::fmt::Debug for Write {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let kind = match self {
            Self::Message { .. } => "Message",
            Self::File { .. } => "File",
            Self::Edit { .. } => "Edit",
            Self::Delete { .. } => "Delete",
            Self::React { .. } => "React",
            Self::Contact { .. } => "Contact",
            Self::Profile => "Profile",
        };
        f.debug_struct(kind)
            .field("conversation", &self.conversation())
            .finish_non_exhaustive()
    }
}

impl Pending {
    pub(super) fn of(item: Item, sending: bool, direct: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let request = parse(&item.new.request)?;
        let progress = Self::progress(item.state, sending)?;
        Some(Self {
            id: item.id,
            write: Write::of(request, item.size.unwrap_or_default(), direct)?,
            progress,
            time: item.new.time,
        })
    }

    /// How far an item is; none where it was called off.
    pub(super) fn progress(state: ItemState, sending: bool) -> Option<Progress> {
        Some(match state {
            ItemState::Waiting | ItemState::Transfer if sending => Progress::Sending,
            ItemState::Waiting | ItemState::Transfer => Progress::Waiting,
            ItemState::Paused => Progress::Paused,
            ItemState::Cancelled => return None,
            ItemState::Sent { log, number } => Progress::Sent {
                place: Some((log, number)),
            },
            ItemState::Failed(error) => Progress::Failed(error),
        })
    }
}

impl Write {
    fn of(request: Request, size: u64, direct: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let place = |conversation: Option<String>, receiver: &Option<String>| {
            conversation.or_else(|| direct(receiver.as_ref()?))
        };
        Some(match request {
            Request::Message(message) => Self::Message {
                conversation: place(message.conversation, &message.receiver),
                receiver: message.receiver,
                content: message.content,
                reply_to: message.reply_to,
            },
            Request::File(file) => Self::File {
                details: file.details(),
                conversation: place(file.conversation, &file.receiver),
                receiver: file.receiver,
                name: file.file_name.into(),
                size,
                reply_to: file.reply_to,
            },
            Request::Edit(edit) => Self::Edit {
                conversation: edit.conversation,
                target: edit.target,
                content: edit.content,
            },
            Request::Delete(delete) => Self::Delete {
                conversation: delete.conversation,
                target: delete.targets.first().copied()?,
            },
            Request::React(react) => Self::React {
                conversation: react.conversation,
                target: react.target,
                reaction: react.reaction,
                on: react.on,
            },
            Request::Contacts(contacts) => Self::Contact {
                action: contacts.contact_action,
                username: contacts.contact_username?,
            },
            Request::Profile(_) => Self::Profile,
            _ => return None,
        })
    }

    /// The conversation that it belongs to, where it belongs to one that is known.
    pub fn conversation(&self) -> Option<&str> {
        match self {
            Self::Message { conversation, .. } | Self::File { conversation, .. } => conversation.as_deref(),
            Self::Edit { conversation, .. }
            | Self::Delete { conversation, .. }
            | Self::React { conversation, .. } => Some(conversation),
            Self::Contact { .. } | Self::Profile => None,
        }
    }
}

/// A request of the outbox. Nothing but these lies there; a server reads more, which a browser needn't fetch the code for.
pub(super) fn parse(request: &str) -> Option<Request> {
    #[derive(Deserialize)]
    struct Action {
        action: String,
    }
    fn fields<T: DeserializeOwned>(request: &str) -> Option<T> {
        serde_json::from_str(request).ok()
    }
    match fields::<Action>(request)?.action.as_str() {
        "message" => fields(request).map(Request::Message),
        "file" => fields(request).map(Request::File),
        "edit" => fields(request).map(Request::Edit),
        "delete" => fields(request).map(Request::Delete),
        "react" => fields(request).map(Request::React),
        "contacts" => fields(request).map(Request::Contacts),
        "profile" => fields(request).map(Request::Profile),
        #[cfg(not(target_arch = "wasm32"))]
        "download" => fields(request).map(Request::Download),
        _ => None,
    }
}

/// The event that a request of this device has caused, as the server's reply places it.
pub(super) fn own_event(
    me: &Identity,
    request: &Request,
    size: u64,
    client_id: &ClientId,
    reply: &SentReply,
) -> Option<LogEvent> {
    /// The fields of all bodies but a file's.
    #[derive(Default, Serialize)]
    struct Body<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        target: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        targets: Option<&'a [u64]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        content: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reaction: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        on: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reply_to: Option<u64>,
    }
    let body = match request {
        Request::Message(message) => raw(&Body {
            content: Some(&message.content),
            reply_to: message.reply_to,
            ..Body::default()
        }),
        Request::File(file) => raw(&FileBody {
            file: reply.file.clone()?,
            file_name: file.file_name.clone(),
            size,
            hash: reply.hash,
            details: file.details(),
            reply_to: file.reply_to,
        }),
        Request::Edit(edit) => raw(&Body {
            target: Some(edit.target),
            content: Some(&edit.content),
            ..Body::default()
        }),
        Request::Delete(delete) => raw(&Body {
            targets: Some(&delete.targets),
            ..Body::default()
        }),
        Request::React(react) => raw(&Body {
            target: Some(react.target),
            reaction: Some(&react.reaction),
            on: Some(react.on),
            ..Body::default()
        }),
        _ => return None,
    };
    let event = match request {
        Request::Message(_) => EventKind::Message,
        Request::File(_) => EventKind::File,
        Request::Edit(_) => EventKind::Edit,
        Request::Delete(_) => EventKind::Delete,
        _ => EventKind::Reaction,
    };
    Some(LogEvent {
        event,
        conversation: reply.conversation.clone(),
        number: reply.number,
        sender: me.username.clone(),
        device: me.device,
        time: reply.time,
        client_id: Some(client_id.clone().into()),
        body: Some(body?),
    })
}

fn raw(body: &impl Serialize) -> Option<Box<serde_json::value::RawValue>> {
    to_raw_value(body).ok()
}
