//! `edit`: another text for one's own message. The first one stays in the log; clients show the newest.

use kith_common::{EditRequest, EventKind, RequestId, WireError};

use super::message::{append, append_and_answer, check_text};
use super::{client_key, conversation, number, too_many};
use crate::hub::EditBody;
use crate::session::Session;
use crate::store::{Append, Target};

/// Appends the edit and answers.
pub async fn handle(session: &Session, id: Option<&RequestId>, request: EditRequest) {
    let prepared = prepare(session, request).await;
    append_and_answer(session, id, prepared).await;
}

async fn prepare(session: &Session, request: EditRequest) -> Result<Append, WireError> {
    check_text(&request.content)?;
    session.messages.take(&()).map_err(too_many)?;
    let log = conversation(session, None, Some(&request.conversation)).await?;
    let key = client_key(
        request.client_id,
        &[b"edit", &request.target.to_le_bytes(), request.content.as_bytes()],
    );
    let target = Target::Edited(number(request.target));
    let body = EditBody {
        target: request.target,
        content: request.content,
    };
    let mut append = append(session, log, EventKind::Edit, &body, key, request.expect)?;
    append.target = Some(target);
    Ok(append)
}
