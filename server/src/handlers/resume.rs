//! `resume`: a session by token.

use kith_common::{ErrorCode, LoginReply, ResumeRequest, WireError};

use super::login::reply;
use super::store_error;
use crate::session::{Login, Session};
use crate::token;

/// # Errors
/// The token is nobody's (any more), or the client said no hello.
pub async fn handle(session: &Session, request: &ResumeRequest) -> Result<(Login, LoginReply), WireError> {
    if let Some(login) = &session.login {
        let message = format!(
            "this connection is logged in as {}; log out first",
            login.account.username
        );
        return Err(WireError::new(ErrorCode::Conflict, message));
    }
    // A token belongs to a device of its own; what clients of the seed's protocol get hangs on their shared one.
    if !session.link.is_native() {
        return Err(WireError::new(ErrorCode::Conflict, "say hello before you resume"));
    }
    let server = &session.server;
    let address = session.link.address();
    let resumed = server
        .store
        .resume(token::hash(&request.token), address, server.clock.now())
        .await;
    let Some(resumed) = resumed.map_err(|error| store_error(session, &error))? else {
        tracing::warn!(target: "authentication", user = "-", address, "resume refused");
        return Err(WireError::new(
            ErrorCode::SessionEnded,
            "this session has ended; log in again",
        ));
    };
    let (user, device) = (&resumed.account.username, resumed.device.0);
    tracing::info!(target: "authentication", user = &**user, address, device, "resumed");
    let reply = reply(&resumed.account, resumed.device, None);
    Ok((
        Login {
            account: resumed.account,
            device: resumed.device,
        },
        reply,
    ))
}
