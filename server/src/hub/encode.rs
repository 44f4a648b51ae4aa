//! Events as lines, and the bodies that this version writes.

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use kith_common::{Base64Bytes, EventKind, FileBody, LogEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::store::{Stored, StoredEvent};

/// A live event for clients that said `hello`.
pub(crate) fn native_line(event: &Stored) -> Bytes {
    #[derive(Serialize)]
    struct Envelope<'a> {
        event: EventKind,
        conversation: &'a str,
        number: i64,
        sender: &'a str,
        device: i64,
        time: i64,
    }
    let envelope = Envelope {
        event: event.kind,
        conversation: &event.log.public_id,
        number: event.number,
        sender: &event.sender.username,
        device: event.device.0,
        time: event.time,
    };
    let mut line = BytesMut::with_capacity(160 + event.body.len()).writer();
    // Writing plain fields into memory can't fail.
    let _ = serde_json::to_writer(&mut line, &envelope);
    let mut line = line.into_inner();
    line.truncate(line.len().saturating_sub(1));
    line.extend_from_slice(b",\"body\":");
    line.extend_from_slice(&event.body);
    line.extend_from_slice(b"}\n");
    line.freeze()
}

/// A stored event as `sync` gives it. `own` says whether the reader wrote it.
pub(crate) fn log_event(conversation: &str, event: StoredEvent, own: bool) -> LogEvent {
    let body = event.body.and_then(|body| String::from_utf8(body.into()).ok());
    LogEvent {
        event: event.kind,
        conversation: conversation.to_owned(),
        number: u64::try_from(event.number).unwrap_or_default(),
        sender: event.sender.username.to_string(),
        device: event.device,
        time: event.time,
        client_id: event.client_id.filter(|_| own),
        body: body.and_then(|body| RawValue::from_string(body).ok()),
    }
}

/// A message's body.
#[derive(Serialize, Deserialize)]
pub(crate) struct MessageBody<'a> {
    /// The text.
    #[serde(borrow)]
    pub content: Cow<'a, str>,
    /// The message or file that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
}

/// An edit's body.
#[derive(Serialize)]
pub(crate) struct EditBody {
    /// The message's number.
    pub target: u64,
    /// Its text from now on.
    pub content: String,
}

/// A reaction's body.
#[derive(Serialize)]
pub(crate) struct ReactionBody {
    /// The number of the message or file.
    pub target: u64,
    /// The reaction.
    pub reaction: String,
    /// Whether it is put on or taken back.
    pub on: bool,
}

/// Who wrote to whom and when, for the seed's form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeedHead<'a> {
    /// Who wrote.
    pub sender: &'a str,
    /// The other one of a direct conversation, so that the sender's own other connections know where it went.
    pub receiver: Option<&'a str>,
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
}

/// A text in the seed's form.
pub(crate) fn seed_message(head: SeedHead<'_>, content: &str) -> Bytes {
    seed_line(&SeedLine {
        content: Some(content),
        ..SeedLine::new("message", head)
    })
}

/// A file in the seed's form: with its bytes, or, where it is too large for that, with its size.
pub(crate) fn seed_file(head: SeedHead<'_>, file: &FileBody, bytes: Option<Vec<u8>>) -> Bytes {
    seed_line(&SeedLine {
        file_name: Some(file.file_name.as_str()),
        size: bytes.is_none().then_some(file.size),
        file_data: bytes.map(Base64Bytes),
        ..SeedLine::new("file", head)
    })
}

#[derive(Default, Serialize)]
struct SeedLine<'a> {
    event: &'static str,
    sender: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiver: Option<&'a str>,
    time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<Base64Bytes>,
}

impl<'a> SeedLine<'a> {
    fn new(
        event: &'static str,
        SeedHead {
            sender,
            receiver,
            time,
        }: SeedHead<'a>,
    ) -> Self {
        Self {
            event,
            sender,
            receiver,
            time,
            ..Self::default()
        }
    }
}

fn seed_line(value: &SeedLine<'_>) -> Bytes {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}
