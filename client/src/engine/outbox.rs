//! What was written and isn't sent yet.

#[cfg(not(target_arch = "wasm32"))]
use kith_common::DownloadRequest;
use kith_common::{
    Base64Bytes, ClientId, ContactAction, ContactsRequest, DeleteRequest, EditRequest, EventKind, FileBody,
    FileDetails, FileHash, FileName, FileRequest, LogEvent, MediaType, MessageRequest, ProfileAction,
    ProfileRequest, ReactRequest, Request, SentReply, Thumbhash, Username, WireError,
};
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

/// A request of the outbox. Nothing but these lies there; a server reads more, which a browser needn't fetch the code for, and
/// each of them for itself.
pub(super) fn parse(request: &str) -> Option<Request> {
    /// The fields of all of them.
    #[derive(Deserialize)]
    struct Fields {
        action: String,
        client_id: Option<ClientId>,
        receiver: Option<String>,
        conversation: Option<String>,
        content: Option<String>,
        reply_to: Option<u64>,
        expect: Option<u64>,
        file_name: Option<FileName>,
        file_data: Option<Base64Bytes>,
        upload: Option<String>,
        hash: Option<FileHash>,
        media_type: Option<MediaType>,
        width: Option<u32>,
        height: Option<u32>,
        thumbhash: Option<Thumbhash>,
        target: Option<u64>,
        targets: Option<Vec<u64>>,
        reaction: Option<String>,
        on: Option<bool>,
        contact_action: Option<ContactAction>,
        contact_username: Option<String>,
        profile_action: Option<ProfileAction>,
        username: Option<String>,
        display_name: Option<String>,
        about: Option<String>,
        avatar: Option<Base64Bytes>,
        #[cfg(not(target_arch = "wasm32"))]
        file: Option<String>,
    }
    let fields: Fields = serde_json::from_str(request).ok()?;
    let client_id = fields.client_id;
    Some(match fields.action.as_str() {
        "message" => Request::Message(MessageRequest {
            receiver: fields.receiver,
            conversation: fields.conversation,
            content: fields.content?,
            reply_to: fields.reply_to,
            client_id,
            expect: fields.expect,
        }),
        "file" => Request::File(FileRequest {
            receiver: fields.receiver,
            conversation: fields.conversation,
            file_name: fields.file_name?,
            file_data: fields.file_data,
            upload: fields.upload,
            hash: fields.hash,
            media_type: fields.media_type,
            width: fields.width,
            height: fields.height,
            thumbhash: fields.thumbhash,
            reply_to: fields.reply_to,
            client_id,
            expect: fields.expect,
        }),
        "edit" => Request::Edit(EditRequest {
            conversation: fields.conversation?,
            target: fields.target?,
            content: fields.content?,
            client_id,
            expect: fields.expect,
        }),
        "delete" => Request::Delete(DeleteRequest {
            conversation: fields.conversation?,
            targets: fields.targets?,
            client_id,
        }),
        "react" => Request::React(ReactRequest {
            conversation: fields.conversation?,
            target: fields.target?,
            reaction: fields.reaction?,
            on: fields.on.unwrap_or(true),
            client_id,
        }),
        "contacts" => Request::Contacts(ContactsRequest {
            contact_action: fields.contact_action?,
            contact_username: fields.contact_username,
            client_id,
        }),
        "profile" => Request::Profile(ProfileRequest {
            profile_action: fields.profile_action?,
            username: fields.username,
            display_name: fields.display_name,
            about: fields.about,
            avatar: fields.avatar,
            client_id,
        }),
        #[cfg(not(target_arch = "wasm32"))]
        "download" => Request::Download(DownloadRequest { file: fields.file? }),
        _ => return None,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_as_it_was() {
        for request in [
            r#"{"action":"message","receiver":"bob","content":"hi","reply_to":3,"client_id":"a","expect":4}"#,
            r#"{"action":"message","conversation":"c","content":"hi"}"#,
            r#"{"action":"file","receiver":"bob","file_name":"a.png","file_data":"","client_id":"a"}"#,
            r#"{"action":"file","conversation":"c","file_name":"a.png","upload":"u","hash":"0000000000000000000000000000000000000000000000000000000000000000","media_type":"image/png","width":3,"height":2,"thumbhash":"AQI=","reply_to":7,"client_id":"a","expect":1}"#,
            r#"{"action":"edit","conversation":"c","target":1,"content":"x","client_id":"a","expect":2}"#,
            r#"{"action":"delete","conversation":"c","targets":[1,2],"client_id":"a"}"#,
            r#"{"action":"react","conversation":"c","target":1,"reaction":"+","on":false,"client_id":"a"}"#,
            r#"{"action":"contacts","contact_action":"block","contact_username":"bob","client_id":"a"}"#,
            r#"{"action":"profile","profile_action":"set","display_name":"A","about":"","avatar":"AQ==","client_id":"a"}"#,
            r#"{"action":"download","file":"f"}"#,
        ] {
            let read = parse(request).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), request);
            // As whoever sends it would read it.
            assert_eq!(Request::parse(request.as_bytes()).request.unwrap(), read);
        }
        for other in [
            "",
            "{}",
            r#"{"action":"hello"}"#,
            r#"{"action":"message"}"#,
            r#"{"action":"edit","target":"1"}"#,
        ] {
            assert!(parse(other).is_none(), "{other}");
        }
    }
}
