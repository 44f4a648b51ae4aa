//! `typing`: somebody is typing, or has stopped. Nothing of it is kept.

use kith_common::{Notice, TypingRequest, WireError};

use super::{conversation, no_conversation, store_error, too_many};
use crate::session::Session;
use crate::store::StoreError;

/// # Errors
/// There is no such conversation for this account, or it says so too often.
pub async fn handle(session: &Session, request: TypingRequest) -> Result<(), WireError> {
    session.signals.take(&()).map_err(too_many)?;
    let account = session.login()?.account.clone();
    let log = conversation(session, None, Some(&request.conversation)).await?;
    let others = session.server.store.others_in(&log, account.id).await;
    let others = others.map_err(|error| match error {
        StoreError::NotFound => no_conversation(),
        error => store_error(session, &error),
    })?;
    let notice = Notice::Typing {
        conversation: request.conversation,
        username: account.username.to_string(),
        typing: request.typing,
    };
    session.server.hub.hint(&others, &notice);
    Ok(())
}
