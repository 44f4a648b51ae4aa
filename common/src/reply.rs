use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::request::RequestId;
use crate::{Base64Bytes, DeviceId, FileHash, FileName, LogEvent, Notice, Pin, Presence, WireError, limits};

/// Encodes the reply to a request that succeeded: `{"status":"ok","id":…}` and the fields of `payload`.
///
/// `payload` has to serialise as an object (or as nothing: `()`).
pub fn encode_ok(id: Option<&RequestId>, payload: &impl Serialize) -> Vec<u8> {
    let mut line = b"{\"status\":\"ok\"".to_vec();
    push_id(&mut line, id);
    let start = line.len();
    // A payload of ours can't fail to serialise; a reply without it would still be well-formed.
    if serde_json::to_writer(&mut line, payload).is_err() {
        line.truncate(start);
    }
    match line.get(start..) {
        Some([b'{', b'}']) | Some([]) => line.truncate(start),
        Some([b'{', ..]) => {
            if let Some(brace) = line.get_mut(start) {
                *brace = b',';
            }
            line.truncate(line.len() - 1);
        }
        _ => line.truncate(start),
    }
    line.extend_from_slice(b"}\n");
    line
}

/// Encodes the reply to a request that failed: `{"status":"error","id":…,"error":{…}}`.
pub fn encode_error(id: Option<&RequestId>, error: &WireError) -> Vec<u8> {
    let mut line = b"{\"status\":\"error\"".to_vec();
    push_id(&mut line, id);
    line.extend_from_slice(b",\"error\":");
    line.extend_from_slice(serde_json::to_string(error).unwrap_or_default().as_bytes());
    line.extend_from_slice(b"}\n");
    line
}

fn push_id(line: &mut Vec<u8>, id: Option<&RequestId>) {
    if let Some(id) = id {
        line.extend_from_slice(b",\"id\":");
        line.extend_from_slice(id.as_json().as_bytes());
    }
}

/// Reply to `hello`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HelloReply {
    /// The protocol that is spoken from here on.
    pub version: String,
    /// Name and version of the server program.
    pub server: String,
    /// How accounts are made here: `open`, `invite` or `closed`.
    pub registration: String,
    /// What this server can do beyond the seed's messages, as names of actions.
    pub capabilities: Vec<String>,
    /// The limits that a client must keep.
    pub limits: Limits,
    /// After a login: the keys to pin from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<Pin>,
}

/// The limits that `hello` announces; in bytes where nothing else is said. What a server doesn't say is taken for what this
/// version has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Longest frame before a login.
    pub frame_before_login: usize,
    /// Longest frame after a login.
    pub frame: usize,
    /// Longest text of a message.
    pub message: usize,
    /// Largest inline file.
    pub inline_file: usize,
    /// Largest file that can be uploaded.
    pub file: u64,
    /// Most unfinished uploads of an account.
    pub uploads: u32,
    /// Most events in a reply to `sync` or `history`.
    pub sync_events: u32,
    /// Most numbers in one `delete`.
    pub delete_targets: usize,
    /// Longest reaction.
    pub reaction: usize,
    /// Longest `about` of a profile, in characters.
    pub about: usize,
    /// Largest picture of a profile.
    pub avatar: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_before_login: limits::FRAME_BEFORE_LOGIN,
            frame: limits::FRAME,
            message: limits::MESSAGE_BYTES,
            inline_file: limits::INLINE_FILE,
            // A server that doesn't say has no uploads.
            file: 0,
            uploads: 0,
            sync_events: limits::SYNC_EVENTS,
            delete_targets: limits::DELETE_TARGETS,
            reaction: limits::REACTION_BYTES,
            about: limits::ABOUT_CHARS,
            avatar: limits::AVATAR_BYTES,
        }
    }
}

/// Reply to `login` and `resume`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct LoginReply {
    /// The name as its owner typed it when it was registered.
    pub username: String,
    /// How others see the person.
    pub display_name: String,
    /// Whether the account administrates the server.
    pub admin: bool,
    /// The id of the account's own log.
    pub account: String,
    /// The device that this session belongs to.
    pub device: DeviceId,
    /// The token to resume with; from `login` only, and only to clients that said `hello`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl core::fmt::Debug for LoginReply {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LoginReply")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Reply to `message` and `file`: it is stored and will survive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentReply {
    /// The conversation that it went into.
    pub conversation: String,
    /// Its number there.
    pub number: u64,
    /// When it was stored, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// The file's id, for `file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The BLAKE3 of the file's bytes, for `file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<FileHash>,
}

/// Reply to `contacts` with `list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactsReply {
    /// User names of the contacts, in alphabetical order.
    pub contacts: Vec<String>,
    /// User names of blocked people, in alphabetical order.
    pub blocked: Vec<String>,
}

/// Reply to `sessions` with `list`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionsReply {
    /// The account's devices, the one used last first.
    pub sessions: Vec<SessionInfo>,
}

/// One device of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// Its number.
    pub device: DeviceId,
    /// What its owner called it.
    pub name: String,
    /// When it logged in first, in milliseconds since 1970-01-01T00:00:00Z.
    pub created: i64,
    /// When it logged in or resumed last (to the hour), in milliseconds since 1970-01-01T00:00:00Z.
    pub last_seen: i64,
    /// The address it came from last.
    pub address: String,
    /// Whether it has a connection right now.
    pub connected: bool,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Reply to `file_get`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileGetReply {
    /// The file's name.
    pub file_name: FileName,
    /// The file's bytes.
    pub file_data: Base64Bytes,
}

/// Reply to `upload`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadReply {
    /// The upload, and later the file; none where only a ticket was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<String>,
    /// Where its bytes go, as a path on this server.
    pub url: String,
    /// What `Authorization: Bearer` says there.
    pub ticket: String,
    /// Until when the ticket is good, in milliseconds since 1970-01-01T00:00:00Z.
    pub ticket_expires: i64,
    /// How many bytes the server holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// How many there will be, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When the upload is given up if nothing more comes, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// The BLAKE3 of its bytes, once all of them are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<FileHash>,
}

/// Reply to `download`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadReply {
    /// The file's name.
    pub file_name: FileName,
    /// Its size in bytes.
    pub size: u64,
    /// The BLAKE3 of its bytes.
    pub hash: FileHash,
    /// Where its bytes are, as a path on this server.
    pub url: String,
    /// What `Authorization: Bearer` says there.
    pub ticket: String,
    /// The same place for what can't send headers, as pictures and videos of a page: whoever has this address may read the file.
    pub media_url: String,
    /// Until when both are good, in milliseconds since 1970-01-01T00:00:00Z.
    pub ticket_expires: i64,
}

/// Leave out what gives access.
impl core::fmt::Debug for UploadReply {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("UploadReply")
            .field("upload", &self.upload)
            .field("offset", &self.offset)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl core::fmt::Debug for DownloadReply {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("DownloadReply")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Reply to `sync`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct SyncReply {
    /// The logs that have something newer than the client holds.
    pub logs: Vec<LogPage>,
    /// Whether there is more: ask again with the new numbers.
    pub more: bool,
    /// Where the request had `since`: what to ask with the next time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Likewise: marks that have changed, one's own among them. Marks only grow, so the greater number holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// Likewise: profiles that have changed, one's own among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<ProfileInfo>,
}

/// How far somebody has received and read a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The conversation.
    pub conversation: String,
    /// Who.
    pub username: String,
    /// A device of theirs holds all up to this number.
    pub delivered: u64,
    /// They have read all up to this number; never greater than `delivered`.
    pub read: u64,
}

/// What a person says of themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileInfo {
    /// Who.
    pub username: String,
    /// How others see them.
    pub display_name: String,
    /// What they say of themselves; empty for nothing.
    pub about: String,
    /// The BLAKE3 of the picture in hexadecimal digits, where there is one: fetch it with `profile` when it has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
}

/// Reply to `profile` with `get`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "FlatProfile")]
pub struct ProfileReply {
    /// The profile.
    #[serde(flatten)]
    pub profile: ProfileInfo,
    /// The picture's bytes, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_data: Option<Base64Bytes>,
}

/// A [`ProfileReply`] as it is read: what serde reads `flatten` with takes a browser some kilobytes.
#[derive(Deserialize)]
struct FlatProfile {
    username: String,
    display_name: String,
    about: String,
    #[serde(default)]
    avatar: Option<String>,
    #[serde(default)]
    avatar_data: Option<Base64Bytes>,
}

impl From<FlatProfile> for ProfileReply {
    fn from(flat: FlatProfile) -> Self {
        Self {
            profile: ProfileInfo {
                username: flat.username,
                display_name: flat.display_name,
                about: flat.about,
                avatar: flat.avatar,
            },
            avatar_data: flat.avatar_data,
        }
    }
}

/// Reply to `mark`: the marks in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkReply {
    /// Received up to this number.
    pub delivered: u64,
    /// Read up to this number.
    pub read: u64,
}

/// Reply to `presence`: who is there among those who have this account in their contacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceReply {
    /// Everybody who isn't offline, in alphabetical order.
    pub people: Vec<PersonPresence>,
}

/// Somebody's presence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonPresence {
    /// Who.
    pub username: String,
    /// How they show themselves.
    pub presence: Presence,
}

/// A stretch of a log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LogPage {
    /// The log.
    pub conversation: String,
    /// Who is in it: user names; empty for an account's log.
    pub members: Vec<String>,
    /// The oldest number that the log still has.
    pub first: u64,
    /// The newest number in the log.
    pub newest: u64,
    /// The events after the number that the client holds.
    pub events: Vec<LogEvent>,
}

/// A line from the server, told apart for clients.
#[derive(Debug)]
pub enum Incoming {
    /// The answer to the request with this id.
    Reply {
        /// The request's id as JSON text, where it had one.
        id: Option<String>,
        /// The payload to read with `serde_json`, or the error.
        result: Result<Box<RawValue>, WireError>,
    },
    /// An event of a log.
    Event(LogEvent),
    /// A push that belongs to no log.
    Notice(Notice),
    /// A push that this version doesn't know, to be ignored.
    Unknown,
}

impl Incoming {
    /// Reads a line from the server.
    ///
    /// # Errors
    /// The line is neither a reply nor a push.
    pub fn parse(line: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Envelope<'a> {
            #[serde(default)]
            status: Option<String>,
            #[serde(borrow, default)]
            id: Option<&'a RawValue>,
            #[serde(default)]
            error: Option<WireError>,
            #[serde(borrow, default)]
            number: Option<&'a RawValue>,
            #[serde(borrow, default)]
            event: Option<&'a RawValue>,
        }
        if line.trim_ascii_start().first() != Some(&b'{') {
            return Err(serde::de::Error::custom("a line is a JSON object"));
        }
        let line = core::str::from_utf8(line).map_err(serde::de::Error::custom)?;
        let envelope: Envelope<'_> = serde_json::from_str(line)?;
        let id = envelope.id.map(|raw| raw.get().to_owned());
        match (envelope.status.as_deref(), envelope.error) {
            (Some("ok"), _) => Ok(Self::Reply {
                id,
                result: Ok(serde_json::from_str(line)?),
            }),
            (Some(_), Some(error)) => Ok(Self::Reply {
                id,
                result: Err(error),
            }),
            (Some(_), None) => Err(serde::de::Error::custom("an error without its code")),
            (None, _) if envelope.number.is_some() => {
                Ok(serde_json::from_str(line).map_or(Self::Unknown, Self::Event))
            }
            (None, _) => {
                let notice = envelope.event.and_then(|event| Notice::decode(event.get(), line));
                Ok(notice.map_or(Self::Unknown, Self::Notice))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorCode, EventKind, Request};

    #[test]
    fn replies_carry_status_and_id() {
        let id = Request::parse(br#"{"id":7,"action":"ping"}"#).id;
        assert_eq!(encode_ok(id.as_ref(), &()), b"{\"status\":\"ok\",\"id\":7}\n");
        assert_eq!(encode_ok(None, &serde_json::json!({})), b"{\"status\":\"ok\"}\n");
        let payload = ContactsReply {
            contacts: vec!["bob".into()],
            blocked: vec![],
        };
        let line = encode_ok(id.as_ref(), &payload);
        assert_eq!(
            line,
            b"{\"status\":\"ok\",\"id\":7,\"contacts\":[\"bob\"],\"blocked\":[]}\n"
        );
        let Incoming::Reply {
            id: Some(id),
            result: Ok(raw),
        } = Incoming::parse(&line).unwrap()
        else {
            panic!()
        };
        assert_eq!(id, "7");
        assert_eq!(serde_json::from_str::<ContactsReply>(raw.get()).unwrap(), payload);
    }

    #[test]
    fn notices_are_read_as_they_were_written() {
        let notices = [
            r#"{"event":"behind"}"#,
            r#"{"event":"session_ended"}"#,
            r#"{"event":"mark","conversation":"c","username":"bob","delivered":2,"read":1}"#,
            r#"{"event":"typing","conversation":"c","username":"bob","typing":true}"#,
            r#"{"event":"presence","username":"bob","presence":"away"}"#,
            r#"{"event":"person","username":"bob","display_name":"Bob","about":"","avatar":null}"#,
            r#"{"event":"bye","reason":"it is late"}"#,
        ];
        for line in notices {
            let Incoming::Notice(notice) = Incoming::parse(line.as_bytes()).unwrap() else {
                panic!("{line}");
            };
            assert_eq!(notice, serde_json::from_str(line).unwrap());
            let again = Incoming::parse(notice.encode().as_bytes()).unwrap();
            assert!(matches!(again, Incoming::Notice(again) if again == notice));
        }
        for unknown in [r#"{"event":"later"}"#, r#"{"event":"typing","typing":1}"#, "{}"] {
            let read = Incoming::parse(unknown.as_bytes()).unwrap();
            assert!(matches!(read, Incoming::Unknown), "{unknown}");
        }
        assert!(Incoming::parse(b"{\"event\":\"\xff\"}").is_err());
    }

    #[test]
    fn errors_carry_code_and_field() {
        let error = WireError::field(ErrorCode::BadRequest, "content", "missing field `content`");
        let line = encode_error(None, &error);
        assert_eq!(
            String::from_utf8(line.clone()).unwrap(),
            "{\"status\":\"error\",\"error\":{\"code\":\"bad_request\",\"message\":\"missing field `content`\",\"field\":\"content\"}}\n"
        );
        let Incoming::Reply {
            result: Err(read), ..
        } = Incoming::parse(&line).unwrap()
        else {
            panic!()
        };
        assert_eq!(read, error);
    }

    #[test]
    fn limits_that_an_older_server_does_not_say() {
        let said = r#"{"frame_before_login":1,"frame":2,"message":3,"inline_file":4,"sync_events":5}"#;
        let limits: Limits = serde_json::from_str(said).unwrap();
        assert_eq!((limits.message, limits.sync_events), (3, 5));
        assert_eq!(limits.avatar, Limits::default().avatar);
    }

    #[test]
    fn pushes_are_told_apart() {
        let event = br#"{"event":"message","conversation":"c","number":1,"sender":"bob","device":2,"time":3,"body":{"content":"hi"}}"#;
        assert!(matches!(
            Incoming::parse(event).unwrap(),
            Incoming::Event(LogEvent { number: 1, .. })
        ));
        assert!(matches!(
            Incoming::parse(Notice::Behind.encode().as_bytes()).unwrap(),
            Incoming::Notice(Notice::Behind)
        ));
        assert!(matches!(
            Incoming::parse(br#"{"event":"future","x":1}"#).unwrap(),
            Incoming::Unknown
        ));
        let later =
            br#"{"event":"poll","conversation":"c","number":2,"sender":"bob","device":2,"time":3,"body":{}}"#;
        let Incoming::Event(later) = Incoming::parse(later).unwrap() else {
            panic!("its number is taken")
        };
        assert_eq!(later.event, EventKind::Unknown);
        assert!(Incoming::parse(b"[]").is_err());
    }
}
