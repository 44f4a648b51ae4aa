//! `file`: a file, inside the frame or uploaded before.

use std::sync::Arc;

use kith_common::{
    ErrorCode, EventKind, FileBody, FileHash, FileRequest, RequestId, SentReply, WireError, limits,
};

use super::message::{answered, answering_key, append, append_error, sent};
use super::{conversation, too_many};
use crate::hub::{Item, encode_reply};
use crate::session::Session;
use crate::store::{Attachment, ClientKey, Log, LogId, NewBlob, StoreError};
use crate::uploads::delete_file;

/// Stores the file, then the event that announces it, and answers.
pub async fn handle(session: &Session, id: Option<&RequestId>, mut request: FileRequest) {
    let name = request.file_name.as_str().to_owned();
    let size = request.file_data.as_ref().map(|data| data.0.len());
    let result = match (request.file_data.take(), request.upload.take()) {
        (Some(data), None) => inline(session, request, data.0).await,
        (None, Some(upload)) => uploaded(session, request, upload).await,
        (None, None) => Err(bad_source("missing field `file_data`")),
        (Some(_), Some(_)) => Err(bad_source("give file_data or upload, not both")),
    };
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

fn bad_source(message: &str) -> WireError {
    WireError::field(ErrorCode::BadRequest, "file_data", message)
}

/// A file whose bytes are in the request.
async fn inline(
    session: &Session,
    request: FileRequest,
    bytes: Vec<u8>,
) -> Result<(SentReply, LogId), WireError> {
    if bytes.len() > limits::INLINE_FILE {
        let message = format!(
            "a file inside a message has at most {} bytes",
            limits::INLINE_FILE
        );
        return Err(WireError::field(ErrorCode::TooLarge, "file_data", message));
    }
    let log = place(session, &request).await?;
    let key = key(&request, b"file", &bytes);
    let server = &session.server;
    let blob = server.blobs.write(bytes).await;
    let blob = blob.map_err(|error| disk_error(session, &error))?;
    let id = blob.id.clone();
    let sent = if is_other(&request, &blob) {
        Err(other_hash())
    } else {
        let attachment = Attachment::Inline(blob, server.config.files.room());
        announce(session, request, log, key, attachment).await
    };
    // The bytes of a repeat, or of what was refused, belong to nothing.
    if !matches!(&sent, Ok((reply, _)) if reply.file.as_deref() == Some(&id)) {
        delete_file(server, &id).await;
    }
    sent
}

/// A file that was uploaded.
async fn uploaded(
    session: &Session,
    request: FileRequest,
    upload: String,
) -> Result<(SentReply, LogId), WireError> {
    let log = place(session, &request).await?;
    let key = key(&request, b"file of an upload", upload.as_bytes());
    let server = &session.server;
    let account = session.login()?.account.id;
    let found = server.store.upload(account, &upload, server.clock.now()).await;
    let blob = match found.map(|upload| upload.blob()) {
        Ok(Some(blob)) if is_other(&request, &blob) => return Err(other_hash()),
        Ok(Some(blob)) => blob,
        Ok(None) => {
            let message = "this upload isn't complete";
            return Err(WireError::field(ErrorCode::Conflict, "upload", message));
        }
        // It may have been sent already, by this very request: the writer knows.
        Err(StoreError::NotFound) => NewBlob {
            id: upload,
            size: 0,
            hash: [0; 32],
        },
        Err(error) => return Err(super::store_error(session, &error)),
    };
    announce(session, request, log, key, Attachment::Uploaded(blob)).await
}

/// Where it goes, if this session may send one more.
async fn place(session: &Session, request: &FileRequest) -> Result<Arc<Log>, WireError> {
    session.messages.take(&()).map_err(too_many)?;
    conversation(
        session,
        request.receiver.as_deref(),
        request.conversation.as_deref(),
    )
    .await
}

fn key(request: &FileRequest, kind: &[u8], source: &[u8]) -> Option<ClientKey> {
    let details = request.details();
    let name = request.file_name.as_str().as_bytes();
    let said = if details.is_empty() {
        Vec::new()
    } else {
        serde_json::to_vec(&details).unwrap_or_default()
    };
    let content = [kind, name, source, &said];
    // As it was before details could be said.
    let content = if said.is_empty() { content.get(..3) } else { None }.unwrap_or(&content);
    answering_key(request.client_id.clone(), content, request.reply_to)
}

async fn announce(
    session: &Session,
    request: FileRequest,
    log: Arc<Log>,
    key: Option<ClientKey>,
    attachment: Attachment,
) -> Result<(SentReply, LogId), WireError> {
    let blob = attachment.blob();
    let body = FileBody {
        file: blob.id.clone(),
        size: blob.size,
        hash: Some(FileHash(blob.hash)),
        details: request.details(),
        file_name: request.file_name,
        reply_to: request.reply_to,
    };
    let mut append = append(session, log.clone(), EventKind::File, &body, key, request.expect)?;
    append.blob = Some(attachment);
    append.target = answered(request.reply_to);
    match session.server.store.append_and_wait(append).await {
        Ok(receipt) => Ok((sent(receipt), log.id)),
        Err(error @ StoreError::Database(_)) => Err(super::store_error(session, &error)),
        Err(error) => Err(append_error(error)),
    }
}

fn is_other(request: &FileRequest, blob: &NewBlob) -> bool {
    request.hash.is_some_and(|hash| hash.0 != blob.hash)
}

fn other_hash() -> WireError {
    WireError::field(
        ErrorCode::Conflict,
        "hash",
        "the server has other bytes than these; nothing was sent",
    )
}

fn disk_error(session: &Session, error: &std::io::Error) -> WireError {
    let (user, address) = (session.username(), session.link.address());
    tracing::error!(target: "error", user, address, %error, "a file could not be written");
    WireError::new(
        ErrorCode::Storage,
        "the server could not store the file; nothing was sent; try again later",
    )
}
