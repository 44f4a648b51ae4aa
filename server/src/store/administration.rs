//! What administrators do with accounts; the owner's sessions notice by themselves.

use std::sync::Arc;

use kith_common::EventKind;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Store;
use super::accounts::set_hash;
use super::devices::revoke_devices;
use super::entity::{accounts, blobs, devices, event_blobs, events, profiles};
use super::error::StoreError;
use super::storage::forget_blobs;
use super::types::{Account, AccountId, AccountState, kind_to_column};
use super::uploads::forget_all;
use super::writer::Scope;

/// A line of the administrator's list.
#[derive(Clone, Debug)]
pub struct AccountRow {
    /// The name.
    pub username: String,
    /// How others see the person.
    pub display_name: String,
    /// Whether it administrates the server.
    pub admin: bool,
    /// Whether it can be used.
    pub state: AccountState,
    /// When it was made, in milliseconds since 1970-01-01T00:00:00Z.
    pub created_at: i64,
    /// When one of its devices was last seen; 0 for never.
    pub last_seen_at: i64,
}

impl Store {
    /// Every account, by name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn accounts(&self) -> Result<Vec<AccountRow>, StoreError> {
        let rows = accounts::Entity::find()
            .order_by_asc(accounts::Column::UsernameKey)
            .all(&self.readers)
            .await?;
        let seen: Vec<(i64, i64)> = devices::Entity::find()
            .select_only()
            .column(devices::Column::AccountId)
            .column_as(devices::Column::LastSeenAt.max(), "seen")
            .group_by(devices::Column::AccountId)
            .into_tuple()
            .all(&self.readers)
            .await?;
        let seen: std::collections::HashMap<i64, i64> = seen.into_iter().collect();
        let line = |row: accounts::Model| AccountRow {
            last_seen_at: seen.get(&row.id).copied().unwrap_or_default(),
            username: row.username,
            display_name: row.display_name,
            admin: row.admin,
            state: AccountState::from_column(row.state),
            created_at: row.created_at,
        };
        Ok(rows.into_iter().map(line).collect())
    }

    /// Whether anybody administrates the server.
    ///
    /// # Errors
    /// The database failed.
    pub async fn has_admin(&self) -> Result<bool, StoreError> {
        let admin = accounts::Entity::find()
            .filter(accounts::Column::Admin.eq(true))
            .filter(accounts::Column::State.eq(AccountState::Active.to_column()))
            .one(&self.readers)
            .await?;
        Ok(admin.is_some())
    }

    /// An administrator sets a password; every session of the account ends.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn reset_password(
        &self,
        key: &str,
        hash: String,
        pepper_version: i32,
    ) -> Result<(), StoreError> {
        let account = self.account_named(key).await?;
        self.writer
            .change(move |scope| {
                Box::pin(async move {
                    set_hash(scope, account.id, hash, pepper_version).await?;
                    revoke_devices(scope, account.id, None).await.map(drop)
                })
            })
            .await
    }

    /// An administrator switches an account off or on. Switching off ends its sessions.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn set_enabled(&self, key: &str, enabled: bool) -> Result<(), StoreError> {
        let account = self.account_named(key).await?;
        let id = account.id;
        let changed = self
            .writer
            .change(move |scope| {
                Box::pin(async move {
                    if !enabled {
                        revoke_devices(scope, id, None).await?;
                    }
                    let state = if enabled {
                        AccountState::Active
                    } else {
                        AccountState::Disabled
                    };
                    set_state(scope, id, state).await
                })
            })
            .await;
        // Not before: a reader would remember what was so far.
        self.directory.forget(&account);
        changed
    }

    /// Ends an account: its sessions end, its profile and the content of what it wrote are erased (numbers stay), its name is
    /// never given to anybody else. Returns the ids of its blobs and uploads, for their files to be deleted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_account(&self, key: &str) -> Result<Vec<String>, StoreError> {
        let account = self.account_named(key).await?;
        let id = account.id;
        let erased = self
            .writer
            .change(move |scope| Box::pin(async move { erase(scope, id).await }))
            .await;
        self.directory.forget(&account);
        erased
    }

    /// Accounts changed since a time (in milliseconds), by this or another process; they are read anew.
    ///
    /// # Errors
    /// The database failed.
    pub async fn accounts_changed_since(&self, time: i64) -> Result<Vec<(Arc<Account>, i64)>, StoreError> {
        let rows = accounts::Entity::find()
            .filter(accounts::Column::ChangedAt.gte(time))
            .all(&self.readers)
            .await?;
        let mut changed = Vec::with_capacity(rows.len());
        for row in rows {
            let at = row.changed_at;
            changed.push((self.remembered(row).await?, at));
        }
        Ok(changed)
    }
}

async fn set_state(scope: &mut Scope, account: AccountId, state: AccountState) -> Result<(), StoreError> {
    accounts::Entity::update_many()
        .col_expr(accounts::Column::State, Expr::value(state.to_column()))
        .col_expr(accounts::Column::ChangedAt, Expr::value(scope.now()))
        .filter(accounts::Column::Id.eq(account.0))
        .exec(scope.db())
        .await?;
    Ok(())
}

async fn erase(scope: &mut Scope, account: AccountId) -> Result<Vec<String>, StoreError> {
    revoke_devices(scope, account, None).await?;
    set_hash(scope, account, String::new(), 0).await?;
    set_state(scope, account, AccountState::Deleted).await?;
    // That a conversation was opened with them stands in other people's logs too, and stays there: it is no content, and
    // without it the log would not say which conversations they have.
    events::Entity::update_many()
        .col_expr(events::Column::Body, Expr::value(Option::<Vec<u8>>::None))
        .filter(events::Column::SenderId.eq(account.0))
        .filter(events::Column::Kind.ne(kind_to_column(EventKind::Conversation)))
        .exec(scope.db())
        .await?;
    profiles::Entity::delete_by_id(account.0).exec(scope.db()).await?;
    accounts::Entity::update_many()
        .col_expr(
            accounts::Column::DisplayName,
            Expr::col(accounts::Column::Username),
        )
        .filter(accounts::Column::Id.eq(account.0))
        .exec(scope.db())
        .await?;
    let unsent = forget_all(scope, account).await?;
    let mut owned: Vec<String> = blobs::Entity::find()
        .select_only()
        .column(blobs::Column::Id)
        .filter(blobs::Column::OwnerId.eq(account.0))
        .into_tuple()
        .all(scope.db())
        .await?;
    for chunk in owned.chunks(500) {
        let ids = || chunk.iter().map(String::as_str);
        event_blobs::Entity::delete_many()
            .filter(event_blobs::Column::BlobId.is_in(ids()))
            .exec(scope.db())
            .await?;
        forget_blobs(scope.db(), chunk).await?;
    }
    owned.extend(unsent);
    Ok(owned)
}
