//! Contacts and blocks.

use std::collections::HashSet;
use std::sync::Arc;

use kith_common::{ContactAction, EventKind, Mark, Notice};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
    QueryTrait,
};

use super::Store;
use super::conversations::direct_log_id;
use super::entity::{contacts, logs, members};
use super::error::StoreError;
use super::marks::number;
use super::types::{Account, AccountId, AccountState, Announcement, LogId};
use super::writer::{Author, Previous, Scope};

/// A change of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactChange {
    /// Into the contacts.
    Add,
    /// Out of the contacts.
    Remove,
    /// No messages from them.
    Block,
    /// Messages again.
    Unblock,
}

impl ContactChange {
    fn action(self) -> ContactAction {
        match self {
            Self::Add => ContactAction::Add,
            Self::Remove => ContactAction::Remove,
            Self::Block => ContactAction::Block,
            Self::Unblock => ContactAction::Unblock,
        }
    }
}

/// Contacts and blocked people, each in alphabetical order.
#[derive(Clone, Debug, Default)]
pub struct Contacts {
    /// The contacts.
    pub contacts: Vec<Arc<Account>>,
    /// The blocked.
    pub blocked: Vec<Arc<Account>>,
}

/// Whose presence has come into sight, or gone out of it, by a change of a contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SightChange {
    /// The author's, for the other one.
    pub of_author: bool,
    /// The other one's, for the author.
    pub of_other: bool,
}

impl Store {
    /// The account's contacts and blocks, but for people whose accounts have ended.
    ///
    /// # Errors
    /// The database failed.
    pub async fn contacts(&self, account: AccountId) -> Result<Contacts, StoreError> {
        let rows = contacts::Entity::find()
            .filter(contacts::Column::AccountId.eq(account.0))
            .all(&self.readers)
            .await?;
        let mut list = Contacts::default();
        for row in rows {
            let other = self.account(AccountId(row.other_id)).await?;
            if other.state == AccountState::Deleted {
                continue;
            }
            if row.contact {
                list.contacts.push(other.clone());
            }
            if row.blocked {
                list.blocked.push(other);
            }
        }
        list.contacts
            .sort_by_key(|account| account.username.to_ascii_lowercase());
        list.blocked
            .sort_by_key(|account| account.username.to_ascii_lowercase());
        Ok(list)
    }

    /// Changes what the author has noted of somebody. Doing it twice is the same as once.
    ///
    /// # Errors
    /// [`StoreError::ClientIdReused`], [`StoreError::Inactive`].
    pub async fn change_contact(
        &self,
        author: Author,
        other: Arc<Account>,
        change: ContactChange,
    ) -> Result<SightChange, StoreError> {
        self.writer
            .change(move |scope| Box::pin(async move { apply(scope, &author, &other, change).await }))
            .await
    }
}

async fn apply(
    scope: &mut Scope,
    author: &Author,
    other: &Arc<Account>,
    change: ContactChange,
) -> Result<SightChange, StoreError> {
    scope.require_active(author.account.id).await?;
    if scope.previous(author).await? == Previous::Same {
        return Ok(SightChange::default());
    }
    let before = sight(scope, author.account.id, other.id).await?;
    let (column, value) = match change {
        ContactChange::Add => (contacts::Column::Contact, true),
        ContactChange::Remove => (contacts::Column::Contact, false),
        ContactChange::Block => (contacts::Column::Blocked, true),
        ContactChange::Unblock => (contacts::Column::Blocked, false),
    };
    let revision = scope.next_revision().await?;
    let row = contacts::ActiveModel {
        account_id: Set(author.account.id.0),
        other_id: Set(other.id.0),
        contact: Set(change == ContactChange::Add),
        blocked: Set(change == ContactChange::Block),
        revision: Set(revision),
    };
    let mut keep_the_other = OnConflict::columns([contacts::Column::AccountId, contacts::Column::OtherId]);
    keep_the_other.value(column, value);
    if change == ContactChange::Add {
        // From now on the author sees the other one's profile.
        keep_the_other.value(contacts::Column::Revision, revision);
    }
    contacts::Entity::insert(row)
        .on_conflict(keep_the_other)
        .exec_without_returning(scope.db())
        .await?;
    let log = direct_log_id(scope, author.account.id, other.id).await?;
    if matches!(change, ContactChange::Block | ContactChange::Unblock)
        && let Some(log) = log
    {
        members::Entity::update_many()
            .col_expr(members::Column::Blocked, Expr::value(value))
            .filter(members::Column::LogId.eq(log.0))
            .filter(members::Column::AccountId.eq(author.account.id.0))
            .exec(scope.db())
            .await?;
    }
    if change == ContactChange::Unblock {
        show_marks_again(scope, [author.account.id, other.id], revision).await?;
        if let Some(log) = log {
            tell_marks_again(scope, log, [&author.account, other]).await?;
        }
    }
    let body = serde_json::json!({"change": change.action(), "username": &*other.username});
    scope.record(author, EventKind::Contact, &body).await?;
    let after = sight(scope, author.account.id, other.id).await?;
    Ok(SightChange {
        of_author: before.of_author != after.of_author,
        of_other: before.of_other != after.of_other,
    })
}

/// Whether each of the two sees the other's presence.
async fn sight(scope: &Scope, author: AccountId, other: AccountId) -> Result<SightChange, StoreError> {
    let own = contacts::Entity::find_by_id((author.0, other.0))
        .one(scope.db())
        .await?;
    let theirs = contacts::Entity::find_by_id((other.0, author.0))
        .one(scope.db())
        .await?;
    let blocked = [&own, &theirs].into_iter().flatten().any(|row| row.blocked);
    let shows = |row: Option<contacts::Model>| !blocked && row.is_some_and(|row| row.contact);
    Ok(SightChange {
        of_author: shows(own),
        of_other: shows(theirs),
    })
}

/// Who has blocked the account or is blocked by it.
pub(super) async fn blocked_with(
    db: &impl ConnectionTrait,
    account: AccountId,
) -> Result<HashSet<AccountId>, StoreError> {
    let pairs = blocked_pairs(db, &[account.0]).await?;
    let others = pairs.into_iter().filter(|(one, _)| *one == account.0);
    Ok(others.map(|(_, other)| AccountId(other)).collect())
}

/// The same of several accounts: pairs, each of them in both orders.
pub(super) async fn blocked_pairs(
    db: &impl ConnectionTrait,
    accounts: &[i64],
) -> Result<HashSet<(i64, i64)>, StoreError> {
    let rows: Vec<(i64, i64)> = contacts::Entity::find()
        .select_only()
        .columns([contacts::Column::AccountId, contacts::Column::OtherId])
        .filter(contacts::Column::Blocked.eq(true))
        .filter(
            contacts::Column::AccountId
                .is_in(accounts.iter().copied())
                .or(contacts::Column::OtherId.is_in(accounts.iter().copied())),
        )
        .into_tuple()
        .all(db)
        .await?;
    let both = |(one, other): (i64, i64)| [(one, other), (other, one)];
    Ok(rows.into_iter().flat_map(both).collect())
}

/// What two people have marked in conversations that both are in is news to each other again: while one had blocked the
/// other, it wasn't told. In a conversation of which one still blocks the other it stays so.
async fn show_marks_again(scope: &Scope, pair: [AccountId; 2], revision: i64) -> Result<(), StoreError> {
    let blocking = members::Entity::find()
        .select_only()
        .column(members::Column::LogId)
        .filter(members::Column::Blocked.eq(true))
        .filter(members::Column::AccountId.is_in(pair.map(|account| account.0)));
    let mut update = members::Entity::update_many()
        .col_expr(
            members::Column::ShownDelivered,
            Expr::col(members::Column::DeliveredNumber),
        )
        .col_expr(members::Column::ShownRead, Expr::col(members::Column::ReadNumber))
        .col_expr(members::Column::ShownRevision, Expr::value(revision))
        .filter(members::Column::LogId.not_in_subquery(blocking.into_query()))
        .filter(members::Column::AccountId.is_in(pair.map(|account| account.0)));
    for account in pair {
        let theirs = members::Entity::find()
            .select_only()
            .column(members::Column::LogId)
            .filter(members::Column::AccountId.eq(account.0));
        update = update.filter(members::Column::LogId.in_subquery(theirs.into_query()));
    }
    update.exec(scope.db()).await?;
    Ok(())
}

/// Tells two people what each of them sees of the other's marks in their conversation.
async fn tell_marks_again(scope: &mut Scope, log: LogId, pair: [&Arc<Account>; 2]) -> Result<(), StoreError> {
    let conversation: Option<String> = logs::Entity::find_by_id(log.0)
        .select_only()
        .column(logs::Column::PublicId)
        .into_tuple()
        .one(scope.db())
        .await?;
    let conversation = conversation.ok_or(StoreError::NotFound)?;
    let [one, other] = pair;
    for (marking, seeing) in [(one, other), (other, one)] {
        let row = members::Entity::find_by_id((log.0, marking.id.0))
            .one(scope.db())
            .await?
            .ok_or(StoreError::NotFound)?;
        if row.shown_delivered > 0 {
            scope.announce(Announcement {
                audience: vec![seeing.id],
                except: None,
                notice: Notice::Mark(Mark {
                    conversation: conversation.clone(),
                    username: marking.username.to_string(),
                    delivered: number(row.shown_delivered),
                    read: number(row.shown_read),
                }),
            });
        }
    }
    Ok(())
}
