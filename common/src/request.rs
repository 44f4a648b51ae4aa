use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{ErrorCode, WireError, limits};

macro_rules! hide_secrets {
    ($($name:ident { $($shown:ident),* })*) => {$(
        /// Leaves out passwords, tokens and contents, so that nothing secret can reach a log by accident.
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($shown), &self.$shown))*.finish_non_exhaustive()
            }
        }
    )*};
}

mod account;
mod conversation;

pub use account::{
    ContactAction, ContactsRequest, HelloRequest, LoginRequest, PasswordRequest, ProfileAction,
    ProfileRequest, RegisterRequest, ResumeRequest, SessionAction, SessionsRequest,
};
pub use conversation::{
    DeleteRequest, DownloadRequest, EditRequest, FileGetRequest, FileRequest, HistoryRequest, MarkRequest,
    MessageRequest, Presence, PresenceRequest, ReactRequest, SyncRequest, TypingRequest, UploadRequest,
};

/// The `id` of a request: a number or a string, repeated to the letter in its reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Box<str>);

impl RequestId {
    /// The id as JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    fn from_raw(raw: &RawValue) -> Result<Option<Self>, WireError> {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'n') => Ok(None),
            Some(b'"' | b'-' | b'0'..=b'9') if text.len() <= limits::REQUEST_ID_BYTES => {
                Ok(Some(Self(text.into())))
            }
            _ => Err(WireError::field(
                ErrorCode::BadRequest,
                "id",
                "id is a number or a string of at most 128 bytes",
            )),
        }
    }
}

/// A frame that was understood, and the id to answer with.
#[derive(Debug)]
pub struct Parsed {
    /// The request's `id`, where it has one that can be repeated.
    pub id: Option<RequestId>,
    /// The request, or what is wrong with it.
    pub request: Result<Request, WireError>,
}

/// Everything a client may ask for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Request {
    /// Says that this client speaks kith/1 in lines, and asks what the server can do.
    Hello(HelloRequest),
    /// Asks for a sign of life.
    Ping,
    /// Makes an account.
    Register(RegisterRequest),
    /// Opens a session with a password.
    Login(LoginRequest),
    /// Opens a session with a token.
    Resume(ResumeRequest),
    /// Ends the session and its token.
    Logout,
    /// Lists or revokes the devices of the account.
    Sessions(SessionsRequest),
    /// Changes the password.
    Password(PasswordRequest),
    /// Lists or changes contacts and blocks.
    Contacts(ContactsRequest),
    /// Sends a text.
    Message(MessageRequest),
    /// Sends a file: inside the frame, or one that was uploaded.
    File(FileRequest),
    /// Fetches a file inside the reply.
    FileGet(FileGetRequest),
    /// Opens an upload, or goes on with one.
    Upload(UploadRequest),
    /// Asks for the way to a file's bytes.
    Download(DownloadRequest),
    /// Fetches what is newer than what the client holds.
    Sync(SyncRequest),
    /// Fetches a page of one log.
    History(HistoryRequest),
    /// Says how far a conversation was received or read.
    Mark(MarkRequest),
    /// Says that somebody is typing, or has stopped.
    Typing(TypingRequest),
    /// Says whether one is there, and asks who is.
    Presence(PresenceRequest),
    /// Replaces the text of one's own message.
    Edit(EditRequest),
    /// Erases one's own messages, files or edits.
    Delete(DeleteRequest),
    /// Puts a reaction on a message, or takes it back.
    React(ReactRequest),
    /// Shows somebody's profile or changes one's own.
    Profile(ProfileRequest),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    action: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
}

impl Request {
    /// Reads a frame. What is wrong with it is said with the field's name; fields that aren't known are ignored.
    pub fn parse(frame: &[u8]) -> Parsed {
        // serde would also take an array, its items for the fields in their order.
        if frame.trim_ascii_start().first() != Some(&b'{') {
            let error = WireError::new(ErrorCode::Malformed, "a message is a JSON object");
            return Parsed {
                id: None,
                request: Err(error),
            };
        }
        let envelope = match serde_json::from_slice::<Envelope<'_>>(frame) {
            Ok(envelope) => envelope,
            Err(e) => {
                let error = WireError::new(
                    ErrorCode::Malformed,
                    format!("the message is not valid JSON: {e}"),
                );
                return Parsed {
                    id: None,
                    request: Err(error),
                };
            }
        };
        match envelope.id.map_or(Ok(None), RequestId::from_raw) {
            Ok(id) => Parsed {
                id,
                request: Self::parse_action(envelope.action, frame),
            },
            Err(error) => Parsed {
                id: None,
                request: Err(error),
            },
        }
    }

    fn parse_action(action: Option<&RawValue>, frame: &[u8]) -> Result<Self, WireError> {
        let bad = |message| WireError::field(ErrorCode::BadRequest, "action", message);
        let action = action.ok_or_else(|| bad("missing field `action`"))?;
        let action: String = serde_json::from_str(action.get()).map_err(|_| bad("action is a string"))?;
        match action.as_str() {
            "message" => fields(frame).map(Self::Message),
            "hello" => fields(frame).map(Self::Hello),
            "ping" => Ok(Self::Ping),
            "register" => fields(frame).map(Self::Register),
            "login" => fields(frame).map(Self::Login),
            "resume" => fields(frame).map(Self::Resume),
            "logout" => Ok(Self::Logout),
            "sessions" => fields(frame).map(Self::Sessions),
            "password" => fields(frame).map(Self::Password),
            "contacts" => fields(frame).map(Self::Contacts),
            "file" => fields(frame).map(Self::File),
            "file_get" => fields(frame).map(Self::FileGet),
            "upload" => fields(frame).map(Self::Upload),
            "download" => fields(frame).map(Self::Download),
            "sync" => fields(frame).map(Self::Sync),
            "history" => fields(frame).map(Self::History),
            "mark" => fields(frame).map(Self::Mark),
            "typing" => fields(frame).map(Self::Typing),
            "presence" => fields(frame).map(Self::Presence),
            "edit" => fields(frame).map(Self::Edit),
            "delete" => fields(frame).map(Self::Delete),
            "react" => fields(frame).map(Self::React),
            "profile" => fields(frame).map(Self::Profile),
            _ => Err(WireError::field(
                ErrorCode::UnknownAction,
                "action",
                "there is no such action",
            )),
        }
    }
}

/// Most characters of a client's own text that an error repeats to it.
const ECHOED: usize = 200;

/// Reads the fields of one action, and names the field that is wrong.
fn fields<T: DeserializeOwned>(frame: &[u8]) -> Result<T, WireError> {
    let mut json = serde_json::Deserializer::from_slice(frame);
    serde_path_to_error::deserialize(&mut json).map_err(|e| {
        // Both may repeat what the client sent, at any length.
        let (path, text) = (shortened(&e.path().to_string()), e.inner().to_string());
        let text = shortened(text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text));
        if path == "." {
            let field = text.split('`').nth(1).unwrap_or_default();
            let field = (!field.is_empty()).then(|| field.to_owned());
            WireError {
                field,
                ..WireError::new(ErrorCode::BadRequest, text)
            }
        } else {
            WireError::field(ErrorCode::BadRequest, &path, format!("{path}: {text}"))
        }
    })
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(ECHOED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(frame: &str) -> (ErrorCode, Option<String>) {
        let error = Request::parse(frame.as_bytes()).request.unwrap_err();
        (error.code, error.field)
    }

    #[test]
    fn seed_messages_to_the_letter() {
        for frame in [
            r#"{"action":"login","username":"alice","password":"secret"}"#,
            r#"{"action":"register","username":"alice","password":"secret"}"#,
            r#"{"action":"message","receiver":"bob","content":"hi"}"#,
            r#"{"action":"file","receiver":"bob","file_name":"a.txt","file_data":"aGk="}"#,
            r#"{"action":"contacts","contact_action":"add","contact_username":"bob"}"#,
            r#"{"action":"contacts","contact_action":"list"}"#,
        ] {
            let parsed = Request::parse(frame.as_bytes());
            assert_eq!(serde_json::to_string(&parsed.request.unwrap()).unwrap(), frame);
            assert_eq!(parsed.id, None);
        }
    }

    #[test]
    fn errors_name_the_field() {
        let bad = |field: &str| (ErrorCode::BadRequest, Some(field.to_owned()));
        assert_eq!(error(r#"{"a":1}"#), bad("action"));
        assert_eq!(error(r#"{"action":7}"#), bad("action"));
        assert_eq!(
            error(r#"{"action":"fly"}"#),
            (ErrorCode::UnknownAction, Some("action".into()))
        );
        assert_eq!(error(r#"{"action":"message","receiver":"bob"}"#), bad("content"));
        assert_eq!(
            error(r#"{"action":"message","receiver":"bob","content":7}"#),
            bad("content")
        );
        assert_eq!(
            error(r#"{"action":"message","content":"x","client_id":""}"#),
            bad("client_id")
        );
        assert_eq!(
            error(r#"{"action":"file","receiver":"bob","file_name":"../x","file_data":""}"#),
            bad("file_name")
        );
        assert_eq!(
            error(r#"{"action":"file","receiver":"bob","file_name":"x","file_data":"?"}"#),
            bad("file_data")
        );
        assert_eq!(
            error(r#"{"action":"contacts","contact_action":"eat"}"#),
            bad("contact_action")
        );
        assert_eq!(error(r#"{"action":"sync","logs":{"a":-1}}"#), bad("logs.a"));
        assert_eq!(error(r#"{"action":"ping","id":[]}"#), bad("id"));
        assert_eq!(error(r#"{"action":"ping",}"#).0, ErrorCode::Malformed);
        assert_eq!(error(r#"{"action":"ping"}{"#).0, ErrorCode::Malformed);
        assert_eq!(error(r#"["ping",1]"#).0, ErrorCode::Malformed);
    }

    #[test]
    fn ids_are_repeated_to_the_letter() {
        for id in [r#""a\u00e9""#, "17", "-1", "1.50"] {
            let parsed = Request::parse(format!(r#"{{"id":{id},"action":"ping"}}"#).as_bytes());
            assert_eq!(parsed.id.unwrap().as_json(), id);
        }
        assert_eq!(Request::parse(br#"{"id":null,"action":"ping"}"#).id, None);
    }

    #[test]
    fn errors_repeat_little_of_what_was_sent() {
        let long = "x".repeat(1_000_000);
        for frame in [
            format!(r#"{{"action":"contacts","contact_action":"{long}"}}"#),
            format!(r#"{{"action":"sync","logs":{{"{long}":-1}}}}"#),
        ] {
            let error = Request::parse(frame.as_bytes()).request.unwrap_err();
            assert!(error.message.len() < 1000 && error.field.unwrap().len() < 300);
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let frame = br#"{"action":"login","username":"alice","password":"hunter22"}"#;
        assert!(!format!("{:?}", Request::parse(frame)).contains("hunter22"));
    }
}
