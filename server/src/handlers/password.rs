//! `password`: a new password; every other session ends.

use kith_common::{ErrorCode, PasswordRequest, WireError};

use super::{client_key, hash_error, store_error, too_many};
use crate::passwords::{Hashed, NewPassword};
use crate::session::Session;

/// # Errors
/// The old password is wrong, or the new one won't do.
pub async fn handle(session: &Session, request: PasswordRequest) -> Result<(), WireError> {
    let server = &session.server;
    let login = session.login()?.clone();
    let (name, address) = (&login.account.username, session.link.address());
    let key = client_key(request.client_id, &[b"password", request.new_password.as_bytes()]);
    // A repeat comes with an old password that is no longer right: the new one proves as much.
    let author = session.author(key)?;
    let new = NewPassword::new(&request.new_password, name)
        .map_err(|error| WireError::field(ErrorCode::WeakPassword, "new_password", error.to_string()))?;
    let attempt = server
        .limiter
        .attempt(session.peer.address, &name.to_lowercase(), false)
        .map_err(too_many)?;
    let found = server
        .store
        .credentials(&name.to_lowercase())
        .await
        .map_err(|error| store_error(session, &error))?;
    let hashed = found.map(|found| Hashed {
        hash: found.password_hash,
        pepper: found.pepper_version,
    });
    let mut right = match server
        .passwords
        .verify(&request.old_password, hashed.as_ref())
        .await
    {
        Ok(right) => right,
        Err(error) => {
            attempt.untried();
            return Err(hash_error(error));
        }
    };
    if !right && author.client.is_some() {
        right = server
            .passwords
            .verify(&request.new_password, hashed.as_ref())
            .await
            .map_err(hash_error)?
            && server
                .store
                .was_written(&author)
                .await
                .map_err(|error| store_error(session, &error))?;
    }
    if !right {
        tracing::warn!(target: "authentication", user = &**name, address, "password change refused");
        let message = "the old password is not right";
        return Err(WireError::field(
            ErrorCode::BadCredentials,
            "old_password",
            message,
        ));
    }
    attempt.succeeded();
    let new = server.passwords.hash(new).await.map_err(hash_error)?;
    let verified = hashed.map(|hashed| hashed.hash).unwrap_or_default();
    let ended = server
        .store
        .change_password(author, verified, new.hash, new.pepper)
        .await;
    let ended = ended.map_err(|error| store_error(session, &error))?;
    // The seed's clients share a device; of those only the one that asks goes on.
    let (own, is_shared) = (session.link.origin(), !session.link.is_native());
    server.hub.end_sessions(login.account.id, |device, origin| {
        ended.contains(&device) || is_shared && device == login.device && origin != own
    });
    tracing::info!(target: "authentication", user = &**name, address, ended = ended.len(), "password changed");
    Ok(())
}
