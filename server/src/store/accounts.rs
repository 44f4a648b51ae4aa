//! Accounts: made with or without an invite, checked at login, changed by their owner.

use std::sync::Arc;

use kith_common::{DeviceId, EventKind, Username};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, QueryFilter,
};

use super::Store;
use super::devices::revoke_devices;
use super::directory::account_from;
use super::entity::{accounts, logs, profiles, storage};
use super::error::StoreError;
use super::invites::redeem;
use super::types::{Account, AccountId, AccountState, LogKind};
use super::writer::{Author, Previous, Scope};

/// An account to be made.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The name.
    pub username: Username,
    /// How others see the person.
    pub display_name: String,
    /// The bcrypt hash of the password.
    pub password_hash: String,
    /// The version of the pepper in it.
    pub pepper_version: i32,
    /// The SHA-256 of the invite's code; it is redeemed in the same transaction.
    pub invite: Option<[u8; 32]>,
}

/// What a login is checked against.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The account.
    pub account: Arc<Account>,
    /// The bcrypt hash of the password.
    pub password_hash: String,
    /// The version of the pepper in it.
    pub pepper_version: i32,
}

impl Store {
    /// Makes an account and redeems its invite, both or neither.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`], [`StoreError::BadInvite`].
    pub async fn register(&self, new: NewAccount) -> Result<Arc<Account>, StoreError> {
        let public_id = self.new_public_id()?;
        let made = self
            .writer
            .change(move |scope| Box::pin(async move { insert(scope, new, public_id).await }))
            .await;
        made.map(Arc::new).map_err(|error| {
            if error.is_unique() {
                StoreError::NameTaken
            } else {
                error
            }
        })
    }

    /// What a login under this name is checked against; `None` when nobody active has it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn credentials(&self, key: &str) -> Result<Option<Credentials>, StoreError> {
        let row = accounts::Entity::find()
            .filter(accounts::Column::UsernameKey.eq(key))
            .one(&self.readers)
            .await?;
        let Some(row) = row.filter(|row| AccountState::from_column(row.state) == AccountState::Active) else {
            return Ok(None);
        };
        let (password_hash, pepper_version) = (row.password_hash.clone(), row.pepper_version);
        Ok(Some(Credentials {
            account: self.remembered(row).await?,
            password_hash,
            pepper_version,
        }))
    }

    /// Whether a name is somebody's or was.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_taken(&self, key: &str) -> Result<bool, StoreError> {
        let row = accounts::Entity::find()
            .filter(accounts::Column::UsernameKey.eq(key))
            .one(&self.readers)
            .await?;
        Ok(row.is_some())
    }

    /// Stores the same password hashed anew (another cost or pepper). Sessions stay. `verified` is the hash so far.
    ///
    /// # Errors
    /// [`StoreError::PasswordChanged`].
    pub async fn rehash(
        &self,
        account: AccountId,
        verified: String,
        hash: String,
        pepper_version: i32,
    ) -> Result<(), StoreError> {
        self.writer
            .change(move |scope| {
                Box::pin(async move {
                    scope.require_password(account, &verified).await?;
                    set_hash(scope, account, hash, pepper_version).await
                })
            })
            .await
    }

    /// Changes the password and ends every other session. Returns the devices that were ended. `verified` is the hash of the
    /// old password, which was checked.
    ///
    /// # Errors
    /// [`StoreError::ClientIdReused`], [`StoreError::PasswordChanged`].
    pub async fn change_password(
        &self,
        author: Author,
        verified: String,
        hash: String,
        pepper_version: i32,
    ) -> Result<Vec<DeviceId>, StoreError> {
        self.writer
            .change(move |scope| {
                Box::pin(async move {
                    scope.require_active(author.account.id).await?;
                    if scope.previous(&author).await? == Previous::Same {
                        return Ok(Vec::new());
                    }
                    scope.require_password(author.account.id, &verified).await?;
                    set_hash(scope, author.account.id, hash, pepper_version).await?;
                    let ended = revoke_devices(scope, author.account.id, Some(author.device)).await?;
                    scope
                        .record(&author, EventKind::Password, &serde_json::json!({}))
                        .await?;
                    Ok(ended)
                })
            })
            .await
    }

    /// Whether the author's `client_id` was used before, for the same.
    ///
    /// # Errors
    /// [`StoreError::ClientIdReused`].
    pub async fn was_written(&self, author: &Author) -> Result<bool, StoreError> {
        let author = author.clone();
        let previous = self
            .writer
            .change(move |scope| Box::pin(async move { scope.previous(&author).await }))
            .await?;
        Ok(previous == Previous::Same)
    }
}

async fn insert(scope: &mut Scope, new: NewAccount, public_id: String) -> Result<Account, StoreError> {
    let admin = match &new.invite {
        None => false,
        Some(code) => redeem(scope, code).await?,
    };
    let log = logs::ActiveModel {
        id: NotSet,
        public_id: Set(public_id.clone()),
        kind: Set(LogKind::Account.to_column()),
        newest: Set(0),
        first: Set(1),
    };
    let log_id = logs::Entity::insert(log).exec(scope.db()).await?.last_insert_id;
    let row = accounts::ActiveModel {
        id: NotSet,
        log_id: Set(log_id),
        username_key: Set(new.username.key()),
        username: Set(new.username.into()),
        display_name: Set(new.display_name),
        password_hash: Set(new.password_hash),
        pepper_version: Set(new.pepper_version),
        admin: Set(admin),
        state: Set(AccountState::Active.to_column()),
        created_at: Set(scope.now()),
        changed_at: Set(scope.now()),
    };
    let row = accounts::Entity::insert(row)
        .exec_with_returning(scope.db())
        .await?;
    let profile = profiles::ActiveModel {
        account_id: Set(row.id),
        about: Set(String::new()),
        avatar: Set(None),
        avatar_hash: Set(None),
        revision: Set(scope.next_revision().await?),
    };
    profiles::Entity::insert(profile)
        .exec_without_returning(scope.db())
        .await?;
    let storage = storage::ActiveModel {
        account_id: Set(row.id),
        bytes: Set(0),
    };
    storage::Entity::insert(storage)
        .exec_without_returning(scope.db())
        .await?;
    if let Some(code) = &new.invite {
        super::invites::note_redeemer(scope, code, row.id).await?;
    }
    Ok(account_from(row, public_id))
}

/// Stores a password's hash.
pub(super) async fn set_hash(
    scope: &mut Scope,
    account: AccountId,
    hash: String,
    pepper: i32,
) -> Result<(), StoreError> {
    accounts::Entity::update_many()
        .col_expr(accounts::Column::PasswordHash, Expr::value(hash))
        .col_expr(accounts::Column::PepperVersion, Expr::value(pepper))
        .col_expr(accounts::Column::ChangedAt, Expr::value(scope.now()))
        .filter(accounts::Column::Id.eq(account.0))
        .exec(scope.db())
        .await?;
    Ok(())
}
