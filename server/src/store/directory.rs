//! What is remembered of accounts and conversations, so that a message costs no query before its insert.
//!
//! Everything here is either unchanging (a log's ids, who a direct conversation is between) or only shown to people
//! (names); permissions are checked in the writer's transaction, never here.

use std::sync::Arc;

use quick_cache::sync::Cache;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::Store;
use super::entity::{accounts, logs};
use super::error::StoreError;
use super::types::{Account, AccountId, AccountState, Log, LogId, LogKind};

/// Entries in each cache; the ones used least are forgotten.
const REMEMBERED: usize = 50_000;

pub(super) struct Directory {
    by_key: Cache<String, Arc<Account>>,
    by_id: Cache<AccountId, Arc<Account>>,
    pub(super) direct: Cache<(AccountId, AccountId), Arc<Log>>,
    conversations: Cache<String, Arc<Log>>,
}

impl Directory {
    pub(super) fn new() -> Self {
        Self {
            by_key: Cache::new(REMEMBERED),
            by_id: Cache::new(REMEMBERED),
            direct: Cache::new(REMEMBERED),
            conversations: Cache::new(REMEMBERED),
        }
    }

    pub(super) fn remember(&self, account: &Arc<Account>) {
        self.by_key
            .insert(account.username.to_ascii_lowercase(), account.clone());
        self.by_id.insert(account.id, account.clone());
    }

    pub(super) fn forget(&self, account: &Account) {
        self.by_key.remove(&account.username.to_ascii_lowercase());
        self.by_id.remove(&account.id);
    }
}

impl Store {
    /// The account of this name, in any state but deleted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn account_named(&self, key: &str) -> Result<Arc<Account>, StoreError> {
        let account = match self.directory.by_key.get(key) {
            Some(account) => account,
            None => {
                let row = accounts::Entity::find()
                    .filter(accounts::Column::UsernameKey.eq(key))
                    .one(&self.readers)
                    .await?;
                self.remembered(row.ok_or(StoreError::NotFound)?).await?
            }
        };
        if account.state == AccountState::Deleted {
            Err(StoreError::NotFound)
        } else {
            Ok(account)
        }
    }

    /// The account of this id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn account(&self, id: AccountId) -> Result<Arc<Account>, StoreError> {
        if let Some(account) = self.directory.by_id.get(&id) {
            return Ok(account);
        }
        let row = accounts::Entity::find_by_id(id.0).one(&self.readers).await?;
        self.remembered(row.ok_or(StoreError::NotFound)?).await
    }

    /// The conversation that clients call so. Who may write there is for the writer to check.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none.
    pub async fn conversation(&self, public_id: &str) -> Result<Arc<Log>, StoreError> {
        if !is_text(public_id) {
            return Err(StoreError::NotFound);
        }
        if let Some(log) = self.directory.conversations.get(public_id) {
            return Ok(log);
        }
        let row = logs::Entity::find()
            .filter(logs::Column::PublicId.eq(public_id))
            .filter(logs::Column::Kind.ne(LogKind::Account.to_column()))
            .one(&self.readers)
            .await?
            .ok_or(StoreError::NotFound)?;
        let log = log_from(&row);
        self.directory
            .conversations
            .insert(public_id.to_owned(), log.clone());
        Ok(log)
    }

    /// An account from its row; remembers it.
    pub(super) async fn remembered(&self, row: accounts::Model) -> Result<Arc<Account>, StoreError> {
        let log = logs::Entity::find_by_id(row.log_id)
            .one(&self.readers)
            .await?
            .ok_or(StoreError::NotFound)?;
        let account = Arc::new(account_from(row, log.public_id));
        self.directory.remember(&account);
        Ok(account)
    }
}

/// Whether a column can hold it: PostgreSQL's text has no NUL, and a query for one fails.
pub(super) fn is_text(text: &str) -> bool {
    !text.contains('\0')
}

pub(super) fn account_from(row: accounts::Model, log_public_id: String) -> Account {
    Account {
        id: AccountId(row.id),
        log: Arc::new(Log {
            id: LogId(row.log_id),
            public_id: log_public_id.into(),
            kind: LogKind::Account,
        }),
        username: row.username.into(),
        display_name: row.display_name.into(),
        admin: row.admin,
        state: AccountState::from_column(row.state),
    }
}

pub(super) fn log_from(row: &logs::Model) -> Arc<Log> {
    let public_id = row.public_id.as_str().into();
    Arc::new(Log {
        id: LogId(row.id),
        public_id,
        kind: LogKind::from_column(row.kind),
    })
}
