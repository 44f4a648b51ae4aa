//! `presence`: whether this connection shows itself, and who is there.

use kith_common::{PersonPresence, Presence, PresenceReply, PresenceRequest, WireError};

use super::{store_error, too_many};
use crate::session::Session;

/// # Errors
/// It is said too often.
pub async fn handle(session: &Session, request: PresenceRequest) -> Result<PresenceReply, WireError> {
    session.signals.take(&()).map_err(too_many)?;
    let account = session.login()?.account.id;
    let server = &session.server;
    server
        .hub
        .set_presence(account, session.link.origin(), request.presence);
    let seen = server.store.presence_seen_of(account).await;
    let mut people = Vec::new();
    for other in seen.map_err(|error| store_error(session, &error))? {
        let presence = server.hub.presence(other);
        if presence != Presence::Offline {
            let other = server.store.account(other).await;
            let other = other.map_err(|error| store_error(session, &error))?;
            people.push(PersonPresence {
                username: other.username.to_string(),
                presence,
            });
        }
    }
    people.sort_by_key(|person| person.username.to_ascii_lowercase());
    Ok(PresenceReply { people })
}
