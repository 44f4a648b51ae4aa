//! `profile`: what somebody says of themselves.

use kith_common::{Base64Bytes, ErrorCode, ProfileAction, ProfileReply, ProfileRequest, WireError, limits};
use serde::Serialize;

use super::{checked_display_name, client_key, person, store_error, too_many};
use crate::session::Session;
use crate::store::{ProfileChange, StoreError};

/// The reply: a profile, or nothing.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// `get`
    Profile(ProfileReply),
    /// `set`
    Done {},
}

/// # Errors
/// There is no such user, or what is said won't do.
pub async fn handle(session: &Session, request: ProfileRequest) -> Result<Reply, WireError> {
    match request.profile_action {
        ProfileAction::Get => show(session, request).await.map(Reply::Profile),
        ProfileAction::Set => change(session, request).await.map(|()| Reply::Done {}),
    }
}

async fn show(session: &Session, request: ProfileRequest) -> Result<ProfileReply, WireError> {
    let account = match request.username.as_deref() {
        Some(name) => person(session, name, "username").await?,
        None => session.login()?.account.clone(),
    };
    let key = account.username.to_ascii_lowercase();
    match session.server.store.profile(&key).await {
        Ok((profile, avatar)) => Ok(ProfileReply {
            profile,
            avatar_data: avatar.map(Base64Bytes),
        }),
        // The account has ended a moment ago.
        Err(StoreError::NotFound) => {
            let message = "there is no user of this name";
            Err(WireError::field(ErrorCode::NotFound, "username", message))
        }
        Err(error) => Err(store_error(session, &error)),
    }
}

async fn change(session: &Session, request: ProfileRequest) -> Result<(), WireError> {
    let own = &session.login()?.account.username;
    if let Some(name) = &request.username
        && !name.eq_ignore_ascii_case(own)
    {
        let message = "you can change your own profile only";
        return Err(WireError::field(ErrorCode::Forbidden, "username", message));
    }
    let change = ProfileChange {
        display_name: request
            .display_name
            .as_deref()
            .map(checked_display_name)
            .transpose()?,
        about: request.about.map(checked_about).transpose()?,
        avatar: request.avatar.map(checked_avatar).transpose()?,
    };
    if change.display_name.is_none() && change.about.is_none() && change.avatar.is_none() {
        let message = "give display_name, about or avatar";
        return Err(WireError::field(ErrorCode::BadRequest, "display_name", message));
    }
    session.messages.take(&()).map_err(too_many)?;
    // What isn't given is told apart from what is empty.
    let digest = |part: Option<&[u8]>| part.map(|part| [&[1], part].concat()).unwrap_or_default();
    let key = client_key(
        request.client_id,
        &[
            b"profile",
            &digest(change.display_name.as_deref().map(str::as_bytes)),
            &digest(change.about.as_deref().map(str::as_bytes)),
            &digest(change.avatar.as_deref()),
        ],
    );
    let author = session.author(key)?;
    let changed = session.server.store.change_profile(author, change).await;
    changed.map_err(|error| store_error(session, &error))
}

fn checked_about(about: String) -> Result<String, WireError> {
    let is_odd = |c: char| c.is_control() && c != '\n';
    if about.chars().count() > limits::ABOUT_CHARS || about.chars().any(is_odd) {
        let message = "about has at most 256 characters, and no control characters but newlines";
        return Err(WireError::field(ErrorCode::BadRequest, "about", message));
    }
    Ok(about)
}

fn checked_avatar(Base64Bytes(avatar): Base64Bytes) -> Result<Vec<u8>, WireError> {
    if avatar.len() > limits::AVATAR_BYTES {
        let message = format!("a picture has at most {} bytes", limits::AVATAR_BYTES);
        return Err(WireError::field(ErrorCode::TooLarge, "avatar", message));
    }
    if !avatar.is_empty() && !is_picture(&avatar) {
        let message = "a picture is a PNG, JPEG or WebP";
        return Err(WireError::field(ErrorCode::BadRequest, "avatar", message));
    }
    Ok(avatar)
}

/// Whether it begins as a PNG, JPEG or WebP does. Whoever shows it decodes it with care all the same.
fn is_picture(bytes: &[u8]) -> bool {
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    is_webp || bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(b"\xff\xd8\xff")
}
