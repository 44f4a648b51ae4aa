//! `react`: a reaction is put on a message or file, or taken back.

use kith_common::{ErrorCode, EventKind, ReactRequest, RequestId, WireError, limits};

use super::message::{append, append_and_answer};
use super::{client_key, conversation, number, too_many};
use crate::hub::ReactionBody;
use crate::session::Session;
use crate::store::{Append, Target};

/// Appends the reaction and answers.
pub async fn handle(session: &Session, id: Option<&RequestId>, request: ReactRequest) {
    let prepared = prepare(session, request).await;
    append_and_answer(session, id, prepared).await;
}

async fn prepare(session: &Session, request: ReactRequest) -> Result<Append, WireError> {
    let reaction = &request.reaction;
    if reaction.is_empty()
        || reaction.len() > limits::REACTION_BYTES
        || reaction.chars().any(char::is_control)
    {
        let message = "a reaction has 1 to 64 bytes and no control characters";
        return Err(WireError::field(ErrorCode::BadRequest, "reaction", message));
    }
    session.messages.take(&()).map_err(too_many)?;
    let log = conversation(session, None, Some(&request.conversation)).await?;
    let key = client_key(
        request.client_id,
        &[
            b"react",
            &request.target.to_le_bytes(),
            reaction.as_bytes(),
            &[u8::from(request.on)],
        ],
    );
    let target = Target::ReactedTo(number(request.target));
    let body = ReactionBody {
        target: request.target,
        reaction: request.reaction,
        on: request.on,
    };
    let mut append = append(session, log, EventKind::Reaction, &body, key, None)?;
    append.target = Some(target);
    Ok(append)
}
