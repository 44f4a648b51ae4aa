//! `message`: a text. The one request that is pipelined, because there are so many of it.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use kith_common::{
    ClientId, ErrorCode, EventKind, FileHash, MessageRequest, RequestId, SentReply, WireError, limits,
};

use super::{client_key, conversation, no_conversation, number, too_many};
use crate::hub::{Item, MessageBody, encode_reply};
use crate::session::Session;
use crate::store::{Append, ClientKey, Log, Receipt, StoreError, Target};

/// Queues the message for the writer, which answers after the commit; or answers what is wrong with it.
pub async fn handle(session: &Session, id: Option<RequestId>, request: MessageRequest) {
    let append = match prepare(session, request).await {
        Ok(append) => append,
        Err(error) => {
            // The answers to what was sent before come first.
            session.link.settled().await;
            return session.link.reply::<()>(id.as_ref(), &Err(error));
        }
    };
    let (link, server, log) = (session.link.clone(), session.server.clone(), append.log.clone());
    let user = append.sender.username.clone();
    link.begin();
    let completion = move |result: Result<Receipt, StoreError>| {
        link.finish(match result {
            Ok(receipt) => {
                let number = receipt.number;
                Item::Written(encode_reply(id.as_ref(), &Ok(sent(receipt))), log.id, number)
            }
            Err(error) => {
                if let StoreError::Database(_) = &error {
                    tracing::error!(target: "error", user = &*user, address = link.address(), %error, "a message was not stored");
                }
                Item::Line(encode_reply::<()>(id.as_ref(), &Err(append_error(error))))
            }
        });
    };
    server.store.append(append, Box::new(completion)).await;
}

async fn prepare(session: &Session, request: MessageRequest) -> Result<Append, WireError> {
    check_text(&request.content)?;
    session.messages.take(&()).map_err(too_many)?;
    // Nearly always known already; finding out may take a query.
    let log = Box::pin(conversation(
        session,
        request.receiver.as_deref(),
        request.conversation.as_deref(),
    ))
    .await?;
    let key = answering_key(
        request.client_id,
        &[b"message", request.content.as_bytes()],
        request.reply_to,
    );
    let body = MessageBody {
        content: Cow::Owned(request.content),
        reply_to: request.reply_to,
    };
    let mut append = append(session, log, EventKind::Message, &body, key, request.expect)?;
    append.target = answered(request.reply_to);
    Ok(append)
}

/// # Errors
/// The text is empty or too long.
pub(super) fn check_text(content: &str) -> Result<(), WireError> {
    if content.is_empty() {
        let message = "the message is empty";
        return Err(WireError::field(ErrorCode::BadRequest, "content", message));
    }
    if content.len() > limits::MESSAGE_BYTES {
        let message = format!("a message has at most {} bytes", limits::MESSAGE_BYTES);
        return Err(WireError::field(ErrorCode::TooLarge, "content", message));
    }
    Ok(())
}

/// The idempotency key of what may answer something.
pub(super) fn answering_key(
    id: Option<ClientId>,
    content: &[&[u8]],
    reply_to: Option<u64>,
) -> Option<ClientKey> {
    match reply_to {
        None => client_key(id, content),
        Some(number) => client_key(id, &[content, &[b"reply_to", &number.to_le_bytes()]].concat()),
    }
}

/// What is answered, as the writer is to check it.
pub(super) fn answered(reply_to: Option<u64>) -> Option<Target> {
    reply_to.map(|target| Target::Answered(number(target)))
}

/// An append by this session.
pub(super) fn append(
    session: &Session,
    log: Arc<Log>,
    kind: EventKind,
    body: &impl serde::Serialize,
    client: Option<ClientKey>,
    expect: Option<u64>,
) -> Result<Append, WireError> {
    let login = session.login()?;
    Ok(Append {
        log,
        sender: login.account.clone(),
        device: login.device,
        origin: session.link.origin(),
        kind,
        body: Bytes::from(serde_json::to_vec(body).unwrap_or_default()),
        blob: None,
        target: None,
        client,
        expect: expect.map(number),
    })
}

/// Waits for the commit of an event that is about another one, and answers.
pub(super) async fn append_and_answer(
    session: &Session,
    id: Option<&RequestId>,
    prepared: Result<Append, WireError>,
) {
    let result = match prepared {
        Ok(append) => {
            let (log, kind) = (append.log.id, append.kind);
            let receipt = session.server.store.append_and_wait(append).await;
            receipt
                .map(|receipt| (receipt, log))
                .map_err(|error| about_target_error(session, kind, &error))
        }
        Err(error) => Err(error),
    };
    session.link.put(match result {
        Ok((receipt, log)) => {
            let number = receipt.number;
            Item::Written(encode_reply(id, &Ok(sent(receipt))), log, number)
        }
        Err(error) => Item::Line(encode_reply::<()>(id, &Err(error))),
    });
}

fn about_target_error(session: &Session, kind: EventKind, error: &StoreError) -> WireError {
    match (error, kind) {
        (StoreError::NotFound, _) => no_conversation(),
        (StoreError::TargetUnfit, EventKind::Edit) => WireError::field(
            ErrorCode::BadRequest,
            "target",
            "only the text of a message can be edited",
        ),
        (StoreError::TargetUnfit, _) => WireError::field(
            ErrorCode::BadRequest,
            "target",
            "only a message or file can be reacted to",
        ),
        (error, _) => super::store_error(session, error),
    }
}

/// What requests answer that append an event.
pub(super) fn sent(receipt: Receipt) -> SentReply {
    SentReply {
        conversation: receipt.conversation.to_string(),
        number: u64::try_from(receipt.number).unwrap_or_default(),
        time: receipt.time,
        file: receipt.blob,
        hash: receipt.hash.map(FileHash),
    }
}

/// Why an append was refused. What the database said is logged by the caller.
pub(super) fn append_error(error: StoreError) -> WireError {
    match error {
        StoreError::NotFound => no_conversation(),
        StoreError::TargetMissing => WireError::field(
            ErrorCode::NotFound,
            "reply_to",
            "there is no such message in this conversation",
        ),
        error => super::describe(&error),
    }
}
