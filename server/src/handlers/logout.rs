//! `logout`: ends the session; its token is worth nothing any more.

use kith_common::WireError;

use super::store_error;
use crate::session::Session;
use crate::store::StoreError;

/// # Errors
/// The database failed; the session goes on.
pub async fn handle(session: &mut Session) -> Result<(), WireError> {
    let author = session.author(None)?;
    // The device of the seed's clients is shared, and has no token to end.
    if session.link.is_native() {
        let (account, device) = (author.account.id, author.device);
        match session.server.store.revoke_device(author, device).await {
            // Ended meanwhile from elsewhere: as wished.
            Ok(()) | Err(StoreError::NotFound) => {}
            Err(error) => return Err(store_error(session, &error)),
        }
        let own = session.link.origin();
        session.server.hub.leave(account, own);
        session
            .server
            .hub
            .end_sessions(account, |other, _| other == device);
    }
    tracing::info!(target: "authentication", user = session.username(), address = session.link.address(), "logged out");
    session.leave();
    Ok(())
}
