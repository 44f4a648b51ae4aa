//! `download`: where a file's bytes are, and the tickets to fetch them with.

use kith_common::{DownloadReply, DownloadRequest, FileBody, FileHash, WireError};

use super::file_get::missing;
use super::store_error;
use crate::session::Session;
use crate::store::StoreError;
use crate::tickets::Purpose;

/// # Errors
/// There is no such file for this account.
pub async fn handle(session: &Session, request: DownloadRequest) -> Result<DownloadReply, WireError> {
    let login = session.login()?;
    let server = &session.server;
    let refusal = |error: StoreError| match error {
        StoreError::NotFound => missing(),
        error => store_error(session, &error),
    };
    let announced = server.store.announced_blob(login.account.id, &request.file).await;
    let body: FileBody = serde_json::from_slice(&announced.map_err(refusal)?).map_err(|_| missing())?;
    let blob = server.store.blob(&request.file).await.map_err(refusal)?;
    let (now, id) = (server.clock.now(), blob.id);
    let issue = |purpose| server.tickets.issue(login.device, purpose, now);
    let (ticket, ticket_expires) = issue(Purpose::Download(id.clone()));
    let (media, _) = issue(Purpose::Media(id.clone()));
    Ok(DownloadReply {
        file_name: body.file_name,
        size: blob.size,
        hash: FileHash(blob.hash),
        media_url: format!("/files/{id}?ticket={media}"),
        url: format!("/files/{id}"),
        ticket,
        ticket_expires,
    })
}
