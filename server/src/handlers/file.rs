//! `file`: a file inside the frame.

use kith_common::{ErrorCode, EventKind, FileRequest, RequestId, SentReply, WireError, limits};

use super::message::{answered, answering_key, append, append_error, sent};
use super::{conversation, too_many};
use crate::hub::{FileBody, Item, encode_reply};
use crate::session::Session;
use crate::store::{LogId, StoreError};

/// Stores the file, then the event that announces it, and answers.
pub async fn handle(session: &Session, id: Option<&RequestId>, request: FileRequest) {
    let (name, size) = (request.file_name.as_str().to_owned(), request.file_data.0.len());
    let result = store(session, request).await;
    let (user, address) = (session.username(), session.link.address());
    session.link.put(match result {
        Ok((reply, log)) => {
            let file = reply.file.as_deref().unwrap_or_default();
            tracing::info!(target: "transfer", user, address, file, size, conversation = reply.conversation, "file stored");
            let number = i64::try_from(reply.number).unwrap_or_default();
            Item::Written(encode_reply(id, &Ok(reply)), log, number)
        }
        Err(error) => {
            let file = super::loggable(&name);
            tracing::warn!(target: "transfer", user, address, file, size, code = ?error.code, "file refused");
            Item::Line(encode_reply::<()>(id, &Err(error)))
        }
    });
}

async fn store(session: &Session, request: FileRequest) -> Result<(SentReply, LogId), WireError> {
    let bytes = request.file_data.0;
    if bytes.len() > limits::INLINE_FILE {
        let message = format!(
            "a file inside a message has at most {} bytes",
            limits::INLINE_FILE
        );
        return Err(WireError::field(ErrorCode::TooLarge, "file_data", message));
    }
    session.messages.take(&()).map_err(too_many)?;
    let log = conversation(
        session,
        request.receiver.as_deref(),
        request.conversation.as_deref(),
    )
    .await?;
    let key = answering_key(
        request.client_id,
        &[b"file", request.file_name.as_str().as_bytes(), &bytes],
        request.reply_to,
    );
    let blobs = &session.server.blobs;
    let size = bytes.len() as u64;
    let blob = blobs
        .write(bytes)
        .await
        .map_err(|error| disk_error(session, &error))?;
    let body = FileBody {
        file: blob.id.clone(),
        file_name: request.file_name,
        size,
        reply_to: request.reply_to,
    };
    let mut append = append(session, log.clone(), EventKind::File, &body, key, request.expect)?;
    append.blob = Some(blob.clone());
    append.target = answered(request.reply_to);
    let receipt = session.server.store.append_and_wait(append).await;
    // The bytes of a repeat, or of what was refused, belong to nothing.
    if !matches!(&receipt, Ok(receipt) if receipt.blob.as_deref() == Some(&blob.id))
        && let Err(error) = blobs.delete(&blob.id).await
    {
        tracing::warn!(target: "error", file = blob.id, %error, "a file that nothing needs could not be deleted");
    }
    match receipt {
        Ok(receipt) => Ok((sent(receipt), log.id)),
        Err(error @ StoreError::Database(_)) => Err(super::store_error(session, &error)),
        Err(error) => Err(append_error(error)),
    }
}

fn disk_error(session: &Session, error: &std::io::Error) -> WireError {
    let (user, address) = (session.username(), session.link.address());
    tracing::error!(target: "error", user, address, %error, "a file could not be written");
    WireError::new(
        ErrorCode::Storage,
        "the server could not store the file; nothing was sent; try again later",
    )
}
