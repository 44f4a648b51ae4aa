//! Who sees what of whom that is never stored: presence, and typing.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::Store;
use super::contacts::blocked_with;
use super::entity::{contacts, members};
use super::error::StoreError;
use super::types::{AccountId, Log, LogKind};

impl Store {
    /// Who sees whether the account is there: those in its contacts, but for those of whom one has blocked the other.
    ///
    /// # Errors
    /// The database failed.
    pub async fn presence_seen_by(&self, account: AccountId) -> Result<Vec<AccountId>, StoreError> {
        let found: Vec<i64> = contacts::Entity::find()
            .select_only()
            .column(contacts::Column::OtherId)
            .filter(contacts::Column::AccountId.eq(account.0))
            .filter(contacts::Column::Contact.eq(true))
            .into_tuple()
            .all(&self.readers)
            .await?;
        self.without_blocked(account, found).await
    }

    /// Of whom the account sees whether they are there: the other way round.
    ///
    /// # Errors
    /// The database failed.
    pub async fn presence_seen_of(&self, account: AccountId) -> Result<Vec<AccountId>, StoreError> {
        let found: Vec<i64> = contacts::Entity::find()
            .select_only()
            .column(contacts::Column::AccountId)
            .filter(contacts::Column::OtherId.eq(account.0))
            .filter(contacts::Column::Contact.eq(true))
            .into_tuple()
            .all(&self.readers)
            .await?;
        self.without_blocked(account, found).await
    }

    /// Who sees that the account is typing in a conversation: the other members, but for those of whom one has blocked the other.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the account isn't in the conversation.
    pub async fn others_in(&self, log: &Log, account: AccountId) -> Result<Vec<AccountId>, StoreError> {
        let rows: Vec<(i64, bool)> = members::Entity::find()
            .select_only()
            .columns([members::Column::AccountId, members::Column::Blocked])
            .filter(members::Column::LogId.eq(log.id.0))
            .into_tuple()
            .all(&self.readers)
            .await?;
        if !rows.iter().any(|(member, _)| *member == account.0) {
            return Err(StoreError::NotFound);
        }
        // Between two people the memberships say it.
        if log.kind == LogKind::Direct && rows.iter().any(|(_, blocked)| *blocked) {
            return Ok(Vec::new());
        }
        let members = rows.into_iter().map(|(member, _)| member);
        let others: Vec<i64> = members.filter(|member| *member != account.0).collect();
        if log.kind == LogKind::Direct {
            return Ok(others.into_iter().map(AccountId).collect());
        }
        self.without_blocked(account, others).await
    }

    async fn without_blocked(
        &self,
        account: AccountId,
        others: Vec<i64>,
    ) -> Result<Vec<AccountId>, StoreError> {
        let blocked = blocked_with(&self.readers, account).await?;
        let others = others.into_iter().map(AccountId);
        Ok(others.filter(|other| !blocked.contains(other)).collect())
    }
}
