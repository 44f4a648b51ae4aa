//! `message`: a text. The one request that is pipelined, because there are so many of it.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use kith_common::{ErrorCode, EventKind, MessageRequest, RequestId, SentReply, WireError, limits};

use super::{client_key, conversation, no_conversation, too_many};
use crate::hub::{Item, MessageBody, encode_reply};
use crate::session::Session;
use crate::store::{Append, Log, Receipt, StoreError};

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
    if request.content.is_empty() {
        return Err(WireError::field(
            ErrorCode::BadRequest,
            "content",
            "the message is empty",
        ));
    }
    if request.content.len() > limits::MESSAGE_BYTES {
        let message = format!("a message has at most {} bytes", limits::MESSAGE_BYTES);
        return Err(WireError::field(ErrorCode::TooLarge, "content", message));
    }
    session.messages.take(&()).map_err(too_many)?;
    // Nearly always known already; finding out may take a query.
    let log = Box::pin(conversation(
        session,
        request.receiver.as_deref(),
        request.conversation.as_deref(),
    ))
    .await?;
    let key = client_key(request.client_id, &[b"message", request.content.as_bytes()]);
    let body = MessageBody {
        content: Cow::Owned(request.content),
    };
    append(session, log, EventKind::Message, &body, key, request.expect)
}

/// An append by this session.
pub(super) fn append(
    session: &Session,
    log: Arc<Log>,
    kind: EventKind,
    body: &impl serde::Serialize,
    client: Option<crate::store::ClientKey>,
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
        client,
        expect: expect.map(|number| i64::try_from(number).unwrap_or(i64::MAX)),
    })
}

/// What `message` and `file` answer.
pub(super) fn sent(receipt: Receipt) -> SentReply {
    SentReply {
        conversation: receipt.conversation.to_string(),
        number: u64::try_from(receipt.number).unwrap_or_default(),
        time: receipt.time,
        file: receipt.blob,
    }
}

/// Why an append was refused. What the database said is logged by the caller.
pub(super) fn append_error(error: StoreError) -> WireError {
    match error {
        StoreError::NotFound => no_conversation(),
        error => super::describe(&error),
    }
}
