//! `upload`: opens an upload, or goes on with one; the bytes go over HTTP.

use kith_common::{ErrorCode, FileHash, UploadReply, UploadRequest, WireError};

use super::{client_key, store_error};
use crate::session::Session;
use crate::store::StoreError;
use crate::tickets::Purpose;
use crate::uploads::{self, Opening};

/// # Errors
/// It would not keep to the limits, or there is no such upload.
pub async fn handle(session: &Session, request: UploadRequest) -> Result<UploadReply, WireError> {
    let login = session.login()?;
    let (server, account) = (&session.server, &login.account);
    let upload = match (request.upload, request.size, request.defer_size) {
        (None, None, false) => None,
        (Some(id), None, false) => {
            let found = server.store.upload(account.id, &id, server.clock.now()).await;
            Some(found.map_err(|error| match error {
                StoreError::NotFound => {
                    let message = "you have no such upload, or it was given up";
                    WireError::field(ErrorCode::NotFound, "upload", message)
                }
                error => store_error(session, &error),
            })?)
        }
        (None, size, defer_size) if size.is_some() != defer_size => {
            let said = size.map_or_else(|| "deferred".to_owned(), |size| size.to_string());
            let opening = Opening {
                size,
                metadata: String::new(),
                client: client_key(request.client_id, &[b"upload", said.as_bytes()]),
            };
            let opened = uploads::open(server, account, opening).await;
            let (user, address) = (session.username(), session.link.address());
            match &opened {
                Ok(upload) => {
                    tracing::info!(target: "transfer", user, address, file = upload.id, size, "upload opened");
                }
                Err(error) => {
                    tracing::warn!(target: "transfer", user, address, size, code = ?error.code, "upload refused");
                }
            }
            Some(opened?)
        }
        _ => {
            let message = "give upload, size or defer_size, not several of them";
            return Err(WireError::field(ErrorCode::BadRequest, "upload", message));
        }
    };
    let (ticket, ticket_expires) = server
        .tickets
        .issue(login.device, Purpose::Upload, server.clock.now());
    Ok(UploadReply {
        url: upload
            .as_ref()
            .map_or_else(|| "/files".to_owned(), |upload| format!("/files/{}", upload.id)),
        ticket,
        ticket_expires,
        offset: upload.as_ref().map(|upload| upload.stored),
        size: upload.as_ref().and_then(|upload| upload.size),
        expires: upload.as_ref().map(|upload| upload.expires_at),
        hash: upload.as_ref().and_then(|upload| upload.hash).map(FileHash),
        upload: upload.map(|upload| upload.id),
    })
}
