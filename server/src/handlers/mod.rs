//! One file a request: what it takes, who may, what is done, what is answered. No SQL here.

pub mod contacts;
pub mod delete;
pub mod download;
pub mod edit;
pub mod file;
pub mod file_get;
pub mod hello;
pub mod history;
pub mod login;
pub mod logout;
pub mod mark;
pub mod message;
pub mod password;
pub mod presence;
pub mod profile;
pub mod react;
pub mod register;
pub mod resume;
pub mod sessions;
pub mod sync;
pub mod typing;
pub mod upload;

use std::sync::Arc;

use kith_common::{ClientId, ErrorCode, Username, WireError, limits};

use crate::passwords::HashError;
use crate::rate::RetryAfter;
use crate::session::Session;
use crate::store::{Account, ClientKey, Log, StoreError};

/// What a client is told of an error of the store. What the database said goes to the log.
pub(crate) fn store_error(session: &Session, error: &StoreError) -> WireError {
    if let StoreError::Database(_) = error {
        let (user, address) = (session.username(), session.link.address());
        tracing::error!(target: "error", user, address, %error, "the database failed");
    }
    describe(error)
}

/// The same without a line in the log.
pub(crate) fn describe(error: &StoreError) -> WireError {
    if let Some(error) = about_target(error) {
        return error;
    }
    let (code, message) = match error {
        StoreError::NotFound
        | StoreError::TargetMissing
        | StoreError::TargetErased
        | StoreError::TargetUnfit
        | StoreError::TargetForeign => (ErrorCode::NotFound, "there is no such thing here"),
        StoreError::BlockedByOther => (ErrorCode::Blocked, "this person has blocked you"),
        StoreError::BlockedBySelf => (
            ErrorCode::Blocked,
            "you have blocked this person; unblock them first",
        ),
        StoreError::Inactive => (ErrorCode::Forbidden, "this account is switched off"),
        StoreError::ClientIdReused => (ErrorCode::Conflict, "this client_id was used for something else"),
        StoreError::ExpectFailed => (
            ErrorCode::Conflict,
            "the conversation has moved on; `expect` doesn't hold",
        ),
        StoreError::PasswordChanged => (
            ErrorCode::BadCredentials,
            "the password was changed a moment ago; use the new one",
        ),
        StoreError::NameTaken => (ErrorCode::NameTaken, "this user name is taken; choose another"),
        StoreError::BadInvite => (
            ErrorCode::BadInvite,
            "this invite is unknown, used or expired; ask for a new one",
        ),
        StoreError::UploadMissing => {
            let message = "you have no such upload that is complete and wasn't sent yet";
            return WireError::field(ErrorCode::NotFound, "upload", message);
        }
        StoreError::AccountFull => (
            ErrorCode::Quota,
            "your files take all the room that you have on this server; delete some first",
        ),
        StoreError::ServerFull => (ErrorCode::Storage, "the server has no room for more files"),
        StoreError::TooManyUploads => (
            ErrorCode::TooManyUploads,
            "you have too many unfinished uploads; finish or cancel some first",
        ),
        StoreError::Busy => (ErrorCode::Busy, "the server has too much to do; try again"),
        StoreError::Database(_) => (
            ErrorCode::Storage,
            "the server could not store or read it; nothing was changed; try again later",
        ),
    };
    WireError::new(code, message)
}

/// What a client is told of the event that its request is about.
fn about_target(error: &StoreError) -> Option<WireError> {
    let (code, message) = match error {
        StoreError::TargetMissing => (
            ErrorCode::NotFound,
            "there is no such message in this conversation",
        ),
        StoreError::TargetErased => (ErrorCode::NotFound, "this message was deleted"),
        StoreError::TargetUnfit => (ErrorCode::BadRequest, "this can't be done with what stands there"),
        StoreError::TargetForeign => (ErrorCode::Forbidden, "this is somebody else's"),
        _ => return None,
    };
    Some(WireError::field(code, "target", message))
}

pub(crate) fn hash_error(error: HashError) -> WireError {
    match error {
        HashError::Busy => WireError::new(ErrorCode::Busy, "too many logins at once; try again in a moment"),
        HashError::Failed => WireError::new(ErrorCode::Internal, "the server failed; its log says more"),
    }
}

pub(crate) fn too_many(RetryAfter(seconds): RetryAfter) -> WireError {
    WireError {
        retry_after: Some(seconds),
        ..WireError::new(
            ErrorCode::RateLimited,
            format!("too many attempts; try again in {seconds} seconds"),
        )
    }
}

/// The idempotency key of a request, with a digest of what it asks for.
pub(crate) fn client_key(id: Option<ClientId>, content: &[&[u8]]) -> Option<ClientKey> {
    let id = id?;
    let mut hasher = blake3::Hasher::new();
    for part in content {
        // The length first, so that ("ab", "c") and ("a", "bc") differ.
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let mut digest = [0; 8];
    hasher.finalize_xof().fill(&mut digest);
    Some(ClientKey {
        id,
        digest: i64::from_le_bytes(digest),
    })
}

/// The account of a user name in a request. `field` is where the name stood.
pub(crate) async fn person(session: &Session, name: &str, field: &str) -> Result<Arc<Account>, WireError> {
    let nobody = || WireError::field(ErrorCode::NotFound, field, "there is no user of this name");
    let key = name.parse::<Username>().map_err(|_| nobody())?.key();
    session
        .server
        .store
        .account_named(&key)
        .await
        .map_err(|error| match error {
            StoreError::NotFound => nobody(),
            error => store_error(session, &error),
        })
}

/// The conversation that a message goes into, by person or by id.
pub(crate) async fn conversation(
    session: &Session,
    receiver: Option<&str>,
    conversation: Option<&str>,
) -> Result<Arc<Log>, WireError> {
    match (receiver, conversation) {
        (Some(receiver), None) => {
            let other = person(session, receiver, "receiver").await?;
            let author = session.author(None)?;
            if other.id == author.account.id {
                return Err(WireError::field(
                    ErrorCode::Yourself,
                    "receiver",
                    "this is yourself",
                ));
            }
            let log = session.server.store.direct_conversation(&author, &other).await;
            log.map_err(|error| store_error(session, &error))
        }
        (None, Some(id)) => session
            .server
            .store
            .conversation(id)
            .await
            .map_err(|error| match error {
                StoreError::NotFound => no_conversation(),
                error => store_error(session, &error),
            }),
        _ => Err(WireError::field(
            ErrorCode::BadRequest,
            "receiver",
            "give either receiver or conversation",
        )),
    }
}

pub(crate) fn no_conversation() -> WireError {
    WireError::field(
        ErrorCode::NotFound,
        "conversation",
        "there is no such conversation, or you are not in it",
    )
}

/// A display name as it is kept.
///
/// # Errors
/// It won't do.
pub(crate) fn checked_display_name(name: &str) -> Result<String, WireError> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > limits::DISPLAY_NAME_CHARS || name.chars().any(char::is_control) {
        let message = "a display name has 1 to 64 characters and no control characters";
        return Err(WireError::field(ErrorCode::BadRequest, "display_name", message));
    }
    Ok(name.to_owned())
}

/// A number of a log as the store has it.
pub(crate) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A text for the log: what a stranger typed, without control characters and not too long.
pub(crate) fn loggable(text: &str) -> String {
    text.chars()
        .take(40)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}
