//! `file_get`: a file inside the reply, for members of the conversation it was sent to.

use kith_common::{Base64Bytes, ErrorCode, FileBody, FileGetReply, FileGetRequest, WireError, limits};

use super::store_error;
use crate::session::Session;
use crate::store::StoreError;

/// # Errors
/// There is no such file for this account, or it is too large for a reply.
pub async fn handle(session: &Session, request: FileGetRequest) -> Result<FileGetReply, WireError> {
    let account = session.login()?.account.id;
    let body = session
        .server
        .store
        .announced_blob(account, &request.file)
        .await
        .map_err(|error| match error {
            StoreError::NotFound => missing(),
            error => store_error(session, &error),
        })?;
    let body: FileBody = serde_json::from_slice(&body).map_err(|_| missing())?;
    if body.size > limits::INLINE_FILE as u64 {
        return Err(WireError::field(
            ErrorCode::TooLarge,
            "file",
            "this file is too large for a reply; use `download`",
        ));
    }
    let (user, address) = (session.username(), session.link.address());
    let bytes = session.server.blobs.read(&body.file).await.map_err(|error| {
        tracing::error!(target: "error", user, address, file = body.file, %error, "a file could not be read");
        WireError::new(ErrorCode::Storage, "the server could not read the file")
    })?;
    tracing::info!(target: "transfer", user, address, file = body.file, size = bytes.len(), "file fetched");
    Ok(FileGetReply {
        file_name: body.file_name,
        file_data: Base64Bytes(bytes),
    })
}

pub(super) fn missing() -> WireError {
    WireError::field(
        ErrorCode::NotFound,
        "file",
        "there is no such file, or it wasn't sent to you",
    )
}
