//! `login`: a session by password.
//!
//! The answer, and the time until it comes, are the same for a wrong password, an unknown name and an account that is
//! switched off.

use kith_common::{ErrorCode, LoginReply, LoginRequest, Username, WireError, limits};

use super::{hash_error, loggable, store_error, too_many};
use crate::hub::TooMany;
use crate::passwords::{Hashed, Passwords};
use crate::session::{Login, Session};
use crate::store::{Account, AccountId, Credentials, NewDevice};
use crate::token;

/// # Errors
/// Name and password don't belong together, or too many tried.
pub async fn handle(session: &Session, request: LoginRequest) -> Result<(Login, LoginReply), WireError> {
    if let Some(login) = &session.login {
        let message = format!(
            "this connection is logged in as {}; log out first",
            login.account.username
        );
        return Err(WireError::new(ErrorCode::Conflict, message));
    }
    let result = log_in(session, &request).await;
    let (user, address) = (loggable(&request.username), session.link.address());
    match &result {
        Ok((login, _)) => {
            tracing::info!(target: "authentication", user, address, device = login.device.0, "logged in");
        }
        Err(error) => {
            tracing::warn!(target: "authentication", user, address, code = ?error.code, "login refused");
        }
    }
    result
}

async fn log_in(session: &Session, request: &LoginRequest) -> Result<(Login, LoginReply), WireError> {
    let server = &session.server;
    let name = device_name(request)?;
    // A name that can't exist is treated as one that doesn't.
    let key = request
        .username
        .parse::<Username>()
        .map_or_else(|_| loggable(&request.username), |name| name.key());
    let credentials = server
        .store
        .credentials(&key)
        .await
        .map_err(|error| store_error(session, &error))?;
    let account = credentials
        .as_ref()
        .map_or(AccountId(0), |credentials| credentials.account.id);
    let known = server.store.knows_address(account, session.link.address()).await;
    let is_stranger = !known.map_err(|error| store_error(session, &error))?;
    let attempt = server
        .limiter
        .attempt(session.peer.address, &key, is_stranger)
        .map_err(too_many)?;
    let hashed = credentials.as_ref().map(|found| Hashed {
        hash: found.password_hash.clone(),
        pepper: found.pepper_version,
    });
    let verified = match server.passwords.verify(&request.password, hashed.as_ref()).await {
        Ok(verified) => verified,
        Err(error) => {
            attempt.untried();
            return Err(hash_error(error));
        }
    };
    let (Some(Credentials { account, .. }), Some(hashed), true) = (credentials, hashed, verified) else {
        return Err(WireError::new(
            ErrorCode::BadCredentials,
            "user name and password don't belong together",
        ));
    };
    attempt.succeeded();
    let hash = renewed_hash(session, &account, hashed, &request.password).await?;
    open(session, account, hash, name).await
}

/// Makes the session: a device with a token, or the shared device of the seed's clients. `hash` is the checked password's.
async fn open(
    session: &Session,
    account: std::sync::Arc<Account>,
    hash: String,
    name: String,
) -> Result<(Login, LoginReply), WireError> {
    let server = &session.server;
    // Asked before a device is made; the hub decides.
    if !server.hub.has_room(account.id) {
        return Err(WireError::new(ErrorCode::Busy, TooMany.to_string()));
    }
    let address = session.link.address().to_owned();
    let (device, token) = if session.link.is_native() {
        let token = token::new(&*server.random).map_err(|error| {
            tracing::error!(target: "error", %error, "no token could be made");
            WireError::new(ErrorCode::Internal, "the server failed; its log says more")
        })?;
        let device = NewDevice {
            name,
            address,
            token_hash: token::hash(&token),
        };
        (
            server
                .store
                .add_device(account.clone(), hash, session.link.origin(), device)
                .await,
            Some(token),
        )
    } else {
        (server.store.seed_device(account.id, hash, address).await, None)
    };
    let device = device.map_err(|error| store_error(session, &error))?;
    let reply = reply(&account, device, token);
    Ok((Login { account, device }, reply))
}

/// What `login` and `resume` answer.
pub(super) fn reply(account: &Account, device: kith_common::DeviceId, token: Option<String>) -> LoginReply {
    LoginReply {
        username: account.username.to_string(),
        display_name: account.display_name.to_string(),
        admin: account.admin,
        account: account.log.public_id.to_string(),
        device,
        token,
    }
}

/// The password was right. If its hash is of an older pepper or cost, now is the time to renew it. Returns the hash that is
/// stored.
async fn renewed_hash(
    session: &Session,
    account: &Account,
    hashed: Hashed,
    password: &str,
) -> Result<String, WireError> {
    let passwords = &session.server.passwords;
    if !passwords.is_outdated(&hashed) {
        return Ok(hashed.hash);
    }
    let Some(password) = Passwords::checked(password) else {
        return Ok(hashed.hash);
    };
    let new = passwords.hash(password).await.map_err(hash_error)?;
    let renewed = session
        .server
        .store
        .rehash(account.id, hashed.hash, new.hash.clone(), new.pepper)
        .await;
    renewed.map_err(|error| store_error(session, &error))?;
    Ok(new.hash)
}

fn device_name(request: &LoginRequest) -> Result<String, WireError> {
    let name = request.device_name.as_deref().unwrap_or("unnamed device").trim();
    if name.is_empty()
        || name.chars().count() > limits::DEVICE_NAME_CHARS
        || name.chars().any(char::is_control)
    {
        let message = "a device name has 1 to 64 characters and no control characters";
        return Err(WireError::field(ErrorCode::BadRequest, "device_name", message));
    }
    Ok(name.to_owned())
}
