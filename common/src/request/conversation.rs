//! Requests about conversations and their logs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Base64Bytes, ClientId, FileDetails, FileHash, FileName, MediaType, Thumbhash};

/// `message`
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageRequest {
    /// A user name: the direct conversation with that person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
    /// A conversation, instead of a receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The text.
    pub content: String,
    /// The number of the message or file that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// Idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Compare and set: the number that this event must get, or nothing happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
}

/// `file`
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct FileRequest {
    /// A user name: the direct conversation with that person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver: Option<String>,
    /// A conversation, instead of a receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The file's name.
    pub file_name: FileName,
    /// The file's bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_data: Option<Base64Bytes>,
    /// A complete upload, instead of bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// The BLAKE3 of the bytes as the sender has them: nothing is sent where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<FileHash>,
    /// What kind of file it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// A picture's or video's width in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// A picture's or video's height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// A picture of a few bytes, to be shown until the file is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbhash: Option<Thumbhash>,
    /// The number of the message or file that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// Idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Compare and set: the number that this event must get, or nothing happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
}

impl FileRequest {
    /// A file of this name, and nothing else said yet.
    pub fn new(file_name: FileName) -> Self {
        Self {
            receiver: None,
            conversation: None,
            file_name,
            file_data: None,
            upload: None,
            hash: None,
            media_type: None,
            width: None,
            height: None,
            thumbhash: None,
            reply_to: None,
            client_id: None,
            expect: None,
        }
    }

    /// What the sender says of the file.
    pub fn details(&self) -> FileDetails {
        FileDetails {
            media_type: self.media_type.clone(),
            width: self.width,
            height: self.height,
            thumbhash: self.thumbhash.clone(),
        }
    }
}

/// `file_get`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileGetRequest {
    /// The file's id, from the event that announced it.
    pub file: String,
}

/// `upload`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadRequest {
    /// An upload that was opened before, to go on with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// A new one of so many bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// A new one whose size is said later.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub defer_size: bool,
    /// The name that the file will be sent under: only looked at, so that one that won't do is known before any byte is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<FileName>,
    /// Idempotency key of a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

/// `download`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadRequest {
    /// The file's id, from the event that announced it.
    pub file: String,
}

/// `sync`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SyncRequest {
    /// For each log that the client holds, the number of its newest event there. Logs not named count as 0.
    #[serde(default)]
    pub logs: BTreeMap<String, u64>,
    /// Most events wanted; at most [`crate::limits::SYNC_EVENTS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Of conversations that aren't named, at most so many of the newest events; all of them where it isn't given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<u32>,
    /// What the last reply gave as `since`; 0 asks for all marks and profiles, none for nothing of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
}

/// `history`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRequest {
    /// The conversation, or one's own account.
    pub conversation: String,
    /// Events with smaller numbers, the newest of them; where neither is given, the newest of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// Events with greater numbers, the oldest of them. Not together with `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Most events wanted; at most [`crate::limits::SYNC_EVENTS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `mark`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkRequest {
    /// The conversation.
    pub conversation: String,
    /// One of this account's devices holds all up to this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<u64>,
    /// The person has read all up to this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<u64>,
}

/// `typing`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypingRequest {
    /// The conversation.
    pub conversation: String,
    /// Whether somebody types or has stopped; typing where it isn't given.
    #[serde(default = "yes")]
    pub typing: bool,
}

/// `presence`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceRequest {
    /// What this connection is to be seen as from now on.
    pub presence: Presence,
}

/// `edit`
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct EditRequest {
    /// The conversation.
    pub conversation: String,
    /// The number of the message.
    pub target: u64,
    /// The text from now on.
    pub content: String,
    /// Idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Compare and set: the number that this event must get, or nothing happens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<u64>,
}

/// `delete`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRequest {
    /// The conversation.
    pub conversation: String,
    /// The numbers of what is to be erased, [`crate::limits::DELETE_TARGETS`] at most: a message or file with its edits.
    pub targets: Vec<u64>,
    /// Idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

/// `react`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactRequest {
    /// The conversation.
    pub conversation: String,
    /// The number of the message or file.
    pub target: u64,
    /// The reaction: an emoji or a short text, 1 to [`crate::limits::REACTION_BYTES`] bytes without control characters.
    pub reaction: String,
    /// Whether it is put on or taken back; put on where it isn't given.
    #[serde(default = "yes")]
    pub on: bool,
    /// Idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
}

/// Whether somebody is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// No connection, or none that shows itself.
    #[default]
    Offline,
    /// Connected, but not looking.
    Away,
    /// There.
    Online,
}

fn yes() -> bool {
    true
}

hide_secrets! {
    MessageRequest { receiver, conversation, client_id, expect }
    FileRequest { receiver, conversation, file_data, upload, client_id, expect }
    EditRequest { conversation, target, client_id, expect }
    ReactRequest { conversation, target, on, client_id }
}
