use jiff::tz::TimeZone;
use kith_common::{DeviceId, SessionInfo, SessionsReply};

use super::listen::written_time;
use crate::account::Opened;
use crate::args::{Place, Sessions};
use crate::failure::Failure;
use crate::output::Output;

/// Lists or ends the sessions of the account.
pub(crate) async fn sessions(
    place: &Place,
    action: Option<Sessions>,
    output: &Output,
) -> Result<(), Failure> {
    let opened = Opened::open(place).await?;
    if let Some(Sessions::Revoke { id }) = action {
        opened.session.revoke(DeviceId(id)).await?;
        if DeviceId(id) == opened.account.device {
            opened.forget_token()?;
        }
        opened.session.close().await;
        return output.done(&format!("Session {id} is ended."));
    }
    let sessions = opened.session.sessions().await?;
    opened.session.close().await;
    let lines: Vec<String> = sessions.iter().map(line).collect();
    output.result(&SessionsReply { sessions }, lines)
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
