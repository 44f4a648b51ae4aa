use jiff::tz::TimeZone;
use kith_common::{DeviceId, SessionInfo, SessionsReply};

use crate::args::{Place, Sessions};
use crate::failure::Failure;
use crate::form::written_time;
use crate::opened::Opened;
use crate::output::Output;

/// Lists or ends the sessions of the account.
pub(crate) async fn sessions(
    place: &Place,
    action: Option<Sessions>,
    output: &Output,
) -> Result<(), Failure> {
    Opened::with(place, async |opened| {
        opened.online().await?;
        if let Some(Sessions::Revoke { id }) = action {
            opened.engine.revoke(DeviceId(id)).await?;
            if DeviceId(id) == opened.account.device {
                opened.forget_token()?;
            }
            return output.done(&format!("Session {id} is ended."));
        }
        let sessions = opened.engine.sessions().await?;
        let lines: Vec<String> = sessions.iter().map(line).collect();
        output.result(&SessionsReply { sessions }, lines)
    })
    .await
}

fn line(session: &SessionInfo) -> String {
    let state = match session {
        SessionInfo { current: true, .. } => "this one".to_owned(),
        SessionInfo { connected: true, .. } => "connected".to_owned(),
        _ => format!(
            "last seen {}",
            written_time(session.last_seen, &TimeZone::system())
        ),
    };
    let SessionInfo {
        device,
        name,
        address,
        ..
    } = session;
    format!("{device:>4}  {name}, {state}, from {address}")
}
