//! Conversations: found by name or by the person at the other end, opened with the first message.

use std::sync::Arc;

use kith_common::EventKind;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, QueryFilter,
};

use super::Store;
use super::directory::log_from;
use super::entity::{contacts, conversations, direct_conversations, logs, members};
use super::error::StoreError;
use super::types::{Account, AccountId, AccountState, Log, LogId, LogKind};
use super::writer::{Author, Scope};

impl Store {
    /// The direct conversation between the author and somebody; opened when there is none yet.
    ///
    /// # Errors
    /// Instead of opening a new one: [`StoreError::BlockedByOther`], [`StoreError::BlockedBySelf`],
    /// [`StoreError::Inactive`] for the author, [`StoreError::NotFound`] when the other's account has ended.
    pub async fn direct_conversation(
        &self,
        author: &Author,
        other: &Arc<Account>,
    ) -> Result<Arc<Log>, StoreError> {
        let pair = ordered(author.account.id, other.id);
        if let Some(log) = self.directory.direct.get(&pair) {
            return Ok(log);
        }
        let public_id = self.new_public_id()?;
        let (author, other) = (author.clone(), other.clone());
        let log = self
            .writer
            .change(move |scope| {
                Box::pin(async move { find_or_open(scope, &author, &other, public_id).await })
            })
            .await?;
        self.directory.direct.insert(pair, log.clone());
        Ok(log)
    }
}

/// The log of the pair's conversation, if they have one.
pub(super) async fn direct_log_id(
    scope: &Scope,
    one: AccountId,
    other: AccountId,
) -> Result<Option<LogId>, StoreError> {
    let (low, high) = ordered(one, other);
    let row = direct_conversations::Entity::find_by_id((low.0, high.0))
        .one(scope.db())
        .await?;
    Ok(row.map(|row| LogId(row.log_id)))
}

fn ordered(one: AccountId, other: AccountId) -> (AccountId, AccountId) {
    if one < other { (one, other) } else { (other, one) }
}

async fn find_or_open(
    scope: &mut Scope,
    author: &Author,
    other: &Arc<Account>,
    public_id: String,
) -> Result<Arc<Log>, StoreError> {
    if let Some(id) = direct_log_id(scope, author.account.id, other.id).await? {
        let row = logs::Entity::find_by_id(id.0)
            .one(scope.db())
            .await?
            .ok_or(StoreError::NotFound)?;
        return Ok(log_from(&row));
    }
    scope.require_active(author.account.id).await?;
    if matches!(scope.state(other.id).await?, None | Some(AccountState::Deleted)) {
        return Err(StoreError::NotFound);
    }
    let blocks = |account: AccountId, whom: AccountId| {
        contacts::Entity::find_by_id((account.0, whom.0)).filter(contacts::Column::Blocked.eq(true))
    };
    if blocks(other.id, author.account.id)
        .one(scope.db())
        .await?
        .is_some()
    {
        return Err(StoreError::BlockedByOther);
    }
    if blocks(author.account.id, other.id)
        .one(scope.db())
        .await?
        .is_some()
    {
        return Err(StoreError::BlockedBySelf);
    }
    let log = insert(scope, author.account.id, other.id, &public_id).await?;
    let body = |with: &Account| serde_json::json!({"conversation": &public_id, "with": &*with.username});
    scope
        .record_for(
            &author.account,
            author,
            None,
            EventKind::Conversation,
            &body(other),
        )
        .await?;
    scope
        .record_for(
            other,
            author,
            None,
            EventKind::Conversation,
            &body(&author.account),
        )
        .await?;
    Ok(Arc::new(Log {
        id: log,
        public_id: public_id.into(),
        kind: LogKind::Direct,
    }))
}

async fn insert(
    scope: &mut Scope,
    one: AccountId,
    other: AccountId,
    public_id: &str,
) -> Result<LogId, StoreError> {
    let log = logs::ActiveModel {
        id: NotSet,
        public_id: Set(public_id.to_owned()),
        kind: Set(LogKind::Direct.to_column()),
        newest: Set(0),
        first: Set(1),
    };
    let log_id = logs::Entity::insert(log).exec(scope.db()).await?.last_insert_id;
    let conversation = conversations::ActiveModel {
        log_id: Set(log_id),
        created_at: Set(scope.now()),
    };
    conversations::Entity::insert(conversation)
        .exec_without_returning(scope.db())
        .await?;
    let (low, high) = ordered(one, other);
    let direct = direct_conversations::ActiveModel {
        low_account_id: Set(low.0),
        high_account_id: Set(high.0),
        log_id: Set(log_id),
    };
    direct_conversations::Entity::insert(direct)
        .exec_without_returning(scope.db())
        .await?;
    let revision = scope.next_revision().await?;
    let member = |account: AccountId| members::ActiveModel {
        log_id: Set(log_id),
        account_id: Set(account.0),
        joined_number: Set(0),
        delivered_number: Set(0),
        read_number: Set(0),
        seed_number: Set(0),
        blocked: Set(false),
        marks_revision: Set(0),
        shown_delivered: Set(0),
        shown_read: Set(0),
        shown_revision: Set(0),
        joined_revision: Set(revision),
    };
    members::Entity::insert_many([member(one), member(other)])
        .exec_without_returning(scope.db())
        .await?;
    Ok(LogId(log_id))
}
