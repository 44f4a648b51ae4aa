//! `mark`: how far a conversation was received or read. It goes to the other members, and is never an event.

use kith_common::{ErrorCode, MarkReply, MarkRequest, WireError};

use super::{conversation, no_conversation, number, store_error};
use crate::session::Session;
use crate::store::{Marks, StoreError};

/// # Errors
/// Neither mark is given, or there is no such conversation for this account.
pub async fn handle(session: &Session, request: MarkRequest) -> Result<MarkReply, WireError> {
    if request.delivered.is_none() && request.read.is_none() {
        let message = "give delivered, read or both";
        return Err(WireError::field(ErrorCode::BadRequest, "read", message));
    }
    let log = conversation(session, None, Some(&request.conversation)).await?;
    let wanted = Marks {
        delivered: request.delivered.map_or(0, number),
        read: request.read.map_or(0, number),
    };
    let author = session.author(None)?;
    match session.server.store.mark(author, log, wanted).await {
        Ok(marks) => Ok(MarkReply {
            delivered: u64::try_from(marks.delivered).unwrap_or_default(),
            read: u64::try_from(marks.read).unwrap_or_default(),
        }),
        Err(StoreError::NotFound) => Err(no_conversation()),
        Err(error) => Err(store_error(session, &error)),
    }
}
