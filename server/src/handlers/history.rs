//! `history`: a page of one log, back from its newest event or on from a number.

use kith_common::{ErrorCode, HistoryRequest, LogPage, WireError, limits};

use super::sync::log_page;
use super::{no_conversation, number, store_error};
use crate::session::Session;
use crate::store::{StoreError, Stretch};

/// Events in a page where the request doesn't say.
const PAGE: u32 = 100;

/// # Errors
/// Both ends are given, or the account has no such log.
pub async fn handle(session: &Session, request: HistoryRequest) -> Result<LogPage, WireError> {
    let stretch = match (request.before, request.after) {
        (Some(_), Some(_)) => {
            let message = "give before or after, not both";
            return Err(WireError::field(ErrorCode::BadRequest, "before", message));
        }
        (None, Some(after)) => Stretch::After(number(after)),
        (before, None) => Stretch::Before(before.map_or(i64::MAX, number)),
    };
    let limit = request.limit.unwrap_or(PAGE).clamp(1, limits::SYNC_EVENTS);
    let account = &session.login()?.account;
    let page = session
        .server
        .store
        .history(account, &request.conversation, stretch, u64::from(limit))
        .await;
    match page {
        Ok(page) => Ok(log_page(page, account.id)),
        Err(StoreError::NotFound) => Err(no_conversation()),
        Err(error) => Err(store_error(session, &error)),
    }
}
