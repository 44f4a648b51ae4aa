use core::fmt;

use serde::{Deserialize, Serialize};

/// What went wrong, as a closed set that programs can match on. `docs/PROTOCOL.md` says when each is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The frame is not a JSON object in UTF-8, or is nested too deeply.
    Malformed,
    /// A field is missing, has the wrong type or a value that isn't allowed; `field` names it.
    BadRequest,
    /// There is no such `action`.
    UnknownAction,
    /// A frame, message or file is over its limit.
    TooLarge,
    /// This action needs a login first.
    NotLoggedIn,
    /// User name and password don't belong together (or the account is disabled: the answer is the same).
    BadCredentials,
    /// The token is unknown, revoked or ended by a password change.
    SessionEnded,
    /// Too many attempts; `retry_after` says how many seconds to wait.
    RateLimited,
    /// This server takes no new accounts.
    RegistrationClosed,
    /// This server wants an invite for a new account.
    InviteRequired,
    /// The invite is unknown, used or expired.
    BadInvite,
    /// The user name is taken, now or by somebody in the past.
    NameTaken,
    /// The new password is too short, too long, too common or equal to the name.
    WeakPassword,
    /// No such user, conversation, device or file, or none that you may see.
    NotFound,
    /// The other person would be yourself.
    Yourself,
    /// One of the two has blocked the other.
    Blocked,
    /// You may not do this.
    Forbidden,
    /// The `client_id` was used with other content, `expect` doesn't hold, or the connection is in another state.
    Conflict,
    /// The server has too much to do right now; nothing was done; try again.
    Busy,
    /// The server could not store it (disk full or database error); nothing was done.
    Storage,
    /// The account's files take all the room that they may take.
    Quota,
    /// The account has as many unfinished uploads as it may have.
    TooManyUploads,
    /// The other side was too slow; the connection ends.
    Timeout,
    /// A fault in the server; its log says more.
    Internal,
}

/// An error as it travels: a code for programs, a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct WireError {
    /// What went wrong.
    pub code: ErrorCode,
    /// A sentence for people. It never holds internals of the server.
    pub message: String,
    /// The field of the request that is meant, where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Seconds to wait before the next try, where waiting helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl WireError {
    /// An error with a code and a sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            retry_after: None,
        }
    }

    /// An error about one field of the request.
    pub fn field(code: ErrorCode, field: &str, message: impl Into<String>) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::new(code, message)
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
