//! `register`: a new account. It doesn't log in.

use aws_lc_rs::digest;
use kith_common::{ErrorCode, RegisterRequest, Username, UsernameError, WireError};
use serde::Serialize;

use super::{checked_display_name, hash_error, loggable, store_error, too_many};
use crate::config::Registration;
use crate::passwords::{NewPassword, WeakPassword};
use crate::session::Session;
use crate::store::{NewAccount, StoreError};

/// The reply.
#[derive(Serialize)]
pub struct Registered {
    username: String,
}

/// # Errors
/// The name, password or invite won't do, or the server takes no accounts.
pub async fn handle(session: &Session, request: RegisterRequest) -> Result<Registered, WireError> {
    let result = register(session, &request).await;
    let (user, address) = (loggable(&request.username), session.link.address());
    match &result {
        Ok(_) => tracing::info!(target: "authentication", user, address, "registered"),
        Err(error) => {
            tracing::info!(target: "authentication", user, address, code = ?error.code, "registration refused");
        }
    }
    result
}

async fn register(session: &Session, request: &RegisterRequest) -> Result<Registered, WireError> {
    let server = &session.server;
    let invite = match (server.config.registration, request.invite.as_deref()) {
        // An invite works whatever the policy: it is how the first administrator comes in.
        (_, Some(code)) => Some(code_hash(code)),
        (Registration::Open, None) => None,
        (Registration::Invite, None) => {
            let message = "this server takes new people by invite only; ask its administrator for a link";
            return Err(WireError::field(ErrorCode::InviteRequired, "invite", message));
        }
        (Registration::Closed, None) => {
            return Err(WireError::new(
                ErrorCode::RegistrationClosed,
                "this server takes no new accounts",
            ));
        }
    };
    let username: Username = request.username.parse().map_err(|error: UsernameError| {
        WireError::field(ErrorCode::BadRequest, "username", error.to_string())
    })?;
    let display_name = checked_display_name(request.display_name.as_deref().unwrap_or(username.as_str()))?;
    let password =
        NewPassword::new(&request.password, username.as_str()).map_err(|error: WeakPassword| {
            WireError::field(ErrorCode::WeakPassword, "password", error.to_string())
        })?;
    // Asked before the name, so that without an invite nobody learns who is here. Wrong codes count, so that none is guessed.
    if let Some(code) = &invite {
        let known = server.store.is_invite(code, server.clock.now()).await;
        if !known.map_err(|error| store_error(session, &error))? {
            limit(session)?;
            return Err(store_error(session, &StoreError::BadInvite));
        }
    }
    // Asked before hashing, so that a taken name costs nothing; the unique index decides.
    let taken = server
        .store
        .is_taken(&username.key())
        .await
        .map_err(|error| store_error(session, &error))?;
    if taken {
        return Err(store_error(session, &StoreError::NameTaken));
    }
    limit(session)?;
    let registered: Result<Registered, WireError> = async {
        let hashed = server.passwords.hash(password).await.map_err(hash_error)?;
        let account = NewAccount {
            username,
            display_name,
            password_hash: hashed.hash,
            pepper_version: hashed.pepper,
            invite,
        };
        let account = server
            .store
            .register(account)
            .await
            .map_err(|error| store_error(session, &error))?;
        Ok(Registered {
            username: account.username.to_string(),
        })
    }
    .await;
    // What the server is to blame for doesn't count.
    if matches!(&registered, Err(error) if matches!(error.code, ErrorCode::Busy | ErrorCode::Storage | ErrorCode::Internal))
    {
        server.limiter.registration_failed(session.peer.address);
    }
    registered
}

/// Counts a registration against its address.
fn limit(session: &Session) -> Result<(), WireError> {
    session
        .server
        .limiter
        .registration(session.peer.address)
        .map_err(too_many)
}

/// The SHA-256 of an invite's code, as it is kept.
pub fn code_hash(code: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, code.as_bytes()).as_ref());
    hash
}
