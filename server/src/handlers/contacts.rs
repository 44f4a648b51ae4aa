//! `contacts`: people one knows, and people one doesn't want to hear from.

use kith_common::{ContactAction, ContactsReply, ContactsRequest, ErrorCode, WireError};
use serde::Serialize;

use super::{client_key, person, store_error};
use crate::session::Session;
use crate::store::{Account, ContactChange};

/// The reply: a list, or nothing.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Reply {
    /// `list`
    List(ContactsReply),
    /// Everything else.
    Done {},
}

/// # Errors
/// There is no such user, or it is oneself.
pub async fn handle(session: &Session, request: ContactsRequest) -> Result<Reply, WireError> {
    let change = match request.contact_action {
        ContactAction::List => return list(session).await.map(Reply::List),
        ContactAction::Add => ContactChange::Add,
        ContactAction::Remove => ContactChange::Remove,
        ContactAction::Block => ContactChange::Block,
        ContactAction::Unblock => ContactChange::Unblock,
    };
    let Some(name) = request.contact_username.as_deref() else {
        return Err(WireError::field(
            ErrorCode::BadRequest,
            "contact_username",
            "missing field `contact_username`",
        ));
    };
    let other = person(session, name, "contact_username").await?;
    let action = format!("{:?}", request.contact_action);
    let key = client_key(
        request.client_id,
        &[b"contacts", action.as_bytes(), other.username.as_bytes()],
    );
    let author = session.author(key)?;
    if other.id == author.account.id {
        return Err(WireError::field(
            ErrorCode::Yourself,
            "contact_username",
            "this is yourself",
        ));
    }
    let (me, them) = (author.account.id, other.id);
    let changed = session.server.store.change_contact(author, other, change).await;
    let sight = changed.map_err(|error| store_error(session, &error))?;
    if sight.of_author {
        session.server.hub.sight_changed(me);
    }
    if sight.of_other {
        session.server.hub.sight_changed(them);
    }
    Ok(Reply::Done {})
}

async fn list(session: &Session) -> Result<ContactsReply, WireError> {
    let account = session.login()?.account.id;
    let found = session
        .server
        .store
        .contacts(account)
        .await
        .map_err(|error| store_error(session, &error))?;
    let names = |accounts: &[std::sync::Arc<Account>]| {
        accounts
            .iter()
            .map(|account| account.username.to_string())
            .collect()
    };
    Ok(ContactsReply {
        contacts: names(&found.contacts),
        blocked: names(&found.blocked),
    })
}
