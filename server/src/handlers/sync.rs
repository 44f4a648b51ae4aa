//! `sync`: what is newer than the client holds, in the account's log and every conversation; and marks and profiles that have
//! changed.

use kith_common::{ErrorCode, LogPage, SyncReply, SyncRequest, WireError, limits};

use super::{number, store_error};
use crate::hub::log_event;
use crate::session::Session;
use crate::store::{AccountId, Page};

/// # Errors
/// Too many logs are named.
pub async fn handle(session: &Session, request: SyncRequest) -> Result<SyncReply, WireError> {
    if request.logs.len() > limits::SYNC_LOGS {
        let message = format!("at most {} logs can be named", limits::SYNC_LOGS);
        return Err(WireError::field(ErrorCode::TooLarge, "logs", message));
    }
    let account = session.login()?.account.clone();
    let limit = request
        .limit
        .unwrap_or(limits::SYNC_EVENTS)
        .clamp(1, limits::SYNC_EVENTS);
    let tail = request.tail.map(|tail| u64::from(tail.max(1)));
    let newer = session
        .server
        .store
        .newer(&account, &request.logs, u64::from(limit), tail)
        .await;
    let (pages, more) = newer.map_err(|error| store_error(session, &error))?;
    let mut reply = SyncReply {
        logs: pages.into_iter().map(|page| log_page(page, account.id)).collect(),
        more,
        ..SyncReply::default()
    };
    if let Some(since) = request.since {
        let changes = session
            .server
            .store
            .changes(account.id, number(since), limits::SYNC_CHANGES)
            .await
            .map_err(|error| store_error(session, &error))?;
        reply.more |= changes.more;
        reply.since = Some(u64::try_from(changes.since).unwrap_or_default());
        reply.marks = changes.marks;
        reply.profiles = changes.profiles;
    }
    Ok(reply)
}

/// A stretch of a log as the reader sees it.
pub(super) fn log_page(page: Page, reader: AccountId) -> LogPage {
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    LogPage {
        conversation: page.log.public_id.to_string(),
        members: page
            .members
            .iter()
            .map(|member| member.username.to_string())
            .collect(),
        first: number(page.first),
        newest: number(page.newest),
        events: page
            .events
            .into_iter()
            .map(|event| {
                let own = event.sender.id == reader;
                log_event(&page.log.public_id, event, own)
            })
            .collect(),
    }
}
