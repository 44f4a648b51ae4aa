//! `sessions`: the devices of one's account, listed or ended.

use kith_common::{ErrorCode, SessionAction, SessionInfo, SessionsReply, SessionsRequest, WireError};
use serde::Serialize;

use super::{client_key, store_error};
use crate::session::Session;

/// The reply: a list, or nothing.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// `list`
    List(SessionsReply),
    /// `revoke`
    Done {},
}

/// # Errors
/// The device isn't one's own, or has ended before.
pub async fn handle(session: &Session, request: SessionsRequest) -> Result<Reply, WireError> {
    match request.session_action {
        SessionAction::List => list(session).await.map(Reply::List),
        SessionAction::Revoke => revoke(session, request).await.map(|()| Reply::Done {}),
    }
}

async fn list(session: &Session) -> Result<SessionsReply, WireError> {
    let login = session.login()?;
    let devices = session.server.store.devices(login.account.id).await;
    let connected = session.server.hub.connected_devices(login.account.id);
    let info = |device: crate::store::Device| SessionInfo {
        device: device.id,
        name: device.name,
        created: device.created_at,
        last_seen: device.last_seen_at,
        address: device.address,
        connected: connected.contains(&device.id),
        current: device.id == login.device,
    };
    let devices = devices.map_err(|error| store_error(session, &error))?;
    Ok(SessionsReply {
        sessions: devices.into_iter().map(info).collect(),
    })
}

async fn revoke(session: &Session, request: SessionsRequest) -> Result<(), WireError> {
    let Some(device) = request.device else {
        return Err(WireError::field(
            ErrorCode::BadRequest,
            "device",
            "missing field `device`",
        ));
    };
    let key = client_key(request.client_id, &[b"sessions", &device.0.to_le_bytes()]);
    let author = session.author(key)?;
    let account = author.account.id;
    session
        .server
        .store
        .revoke_device(author, device)
        .await
        .map_err(|error| match error {
            crate::store::StoreError::NotFound => WireError::field(
                ErrorCode::NotFound,
                "device",
                "you have no such device, or its session has ended",
            ),
            error => store_error(session, &error),
        })?;
    session
        .server
        .hub
        .end_sessions(account, |other, _| other == device);
    tracing::info!(
        target: "authentication",
        user = session.username(),
        address = session.link.address(),
        device = device.0,
        "session revoked"
    );
    Ok(())
}
