//! `delete`: erases one's own messages, files and edits. It needs nobody's leave, also after a block.

use kith_common::{DeleteRequest, ErrorCode, RequestId, SentReply, WireError, limits};

use super::message::sent;
use super::{client_key, conversation, no_conversation, number, store_error, too_many};
use crate::hub::{Item, encode_reply};
use crate::session::Session;
use crate::store::{LogId, StoreError};

/// Erases, then deletes the files that nothing needs any more, and answers.
pub async fn handle(session: &Session, id: Option<&RequestId>, request: DeleteRequest) {
    session.link.put(match erase(session, request).await {
        Ok((reply, log)) => {
            let number = number(reply.number);
            Item::Written(encode_reply(id, &Ok(reply)), log, number)
        }
        Err(error) => Item::Line(encode_reply::<()>(id, &Err(error))),
    });
}

async fn erase(session: &Session, request: DeleteRequest) -> Result<(SentReply, LogId), WireError> {
    let mut targets = request.targets;
    targets.sort_unstable();
    targets.dedup();
    if targets.is_empty() {
        let message = "name what is to be deleted";
        return Err(WireError::field(ErrorCode::BadRequest, "targets", message));
    }
    if targets.len() > limits::DELETE_TARGETS {
        let message = format!("at most {} at a time", limits::DELETE_TARGETS);
        return Err(WireError::field(ErrorCode::TooLarge, "targets", message));
    }
    session.messages.take(&()).map_err(too_many)?;
    let log = conversation(session, None, Some(&request.conversation)).await?;
    let bytes: Vec<u8> = targets.iter().flat_map(|target| target.to_le_bytes()).collect();
    let key = client_key(
        request.client_id,
        &[b"delete", request.conversation.as_bytes(), &bytes],
    );
    let author = session.author(key)?;
    let targets = targets.into_iter().map(number).collect();
    let erased = session.server.store.erase(author, log.clone(), targets).await;
    let erased = erased.map_err(|error| refusal(session, &error))?;
    // A crash before this leaves files that nothing refers to: they go at the next start.
    for id in &erased.blobs {
        match session.server.blobs.delete(id).await {
            Ok(()) => {
                let (user, address) = (session.username(), session.link.address());
                tracing::info!(target: "transfer", user, address, file = id, "file deleted");
            }
            Err(error) => {
                tracing::warn!(target: "error", file = id, %error, "a file that nothing needs could not be deleted");
            }
        }
    }
    Ok((sent(erased.receipt), log.id))
}

fn refusal(session: &Session, error: &StoreError) -> WireError {
    let (code, message) = match error {
        StoreError::NotFound => return no_conversation(),
        StoreError::TargetErased => (ErrorCode::NotFound, "deleted already"),
        StoreError::TargetUnfit => (
            ErrorCode::BadRequest,
            "only messages, files and edits can be deleted",
        ),
        error => {
            return WireError {
                field: super::about_target(error).map(|_| "targets".to_owned()),
                ..store_error(session, error)
            };
        }
    };
    WireError::field(code, "targets", message)
}
