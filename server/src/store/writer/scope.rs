use std::sync::Arc;

use bytes::Bytes;
use kith_common::{DeviceId, EventKind};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
};

use crate::store::entity::{accounts, events, logs, revisions};
use crate::store::error::StoreError;
use crate::store::types::{
    Account, AccountId, AccountState, Announcement, ClientKey, Log, Origin, Reader, Stored, kind_to_column,
};

/// Who makes a change, and what makes it happen once.
#[derive(Clone, Debug)]
pub struct Author {
    /// The account.
    pub account: Arc<Account>,
    /// Its device.
    pub device: DeviceId,
    /// The connection.
    pub origin: Origin,
    /// The idempotency key.
    pub client: Option<ClientKey>,
}

/// A savepoint in the writer's transaction: some statements that take effect together or not at all.
pub(in crate::store) struct Scope {
    savepoint: DatabaseTransaction,
    now: i64,
    events: Vec<Stored>,
    announcements: Vec<Announcement>,
}

/// Whether a write with a `client_id` was made before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Previous {
    /// It wasn't.
    None,
    /// It was, with the same content: nothing is left to do.
    Same,
}

impl Scope {
    pub(super) fn new(savepoint: DatabaseTransaction, now: i64) -> Self {
        Self {
            savepoint,
            now,
            events: Vec::new(),
            announcements: Vec::new(),
        }
    }

    pub(super) async fn commit(self) -> Result<(Vec<Stored>, Vec<Announcement>), StoreError> {
        self.savepoint.commit().await?;
        Ok((self.events, self.announcements))
    }

    pub(super) async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.savepoint.rollback().await?)
    }

    /// The connection to run statements on.
    pub(in crate::store) fn db(&self) -> &DatabaseTransaction {
        &self.savepoint
    }

    /// The time of this transaction, in milliseconds since 1970-01-01T00:00:00Z.
    pub(in crate::store) fn now(&self) -> i64 {
        self.now
    }

    /// The next revision: what is marked with it is newer than everything that was committed before, and older than what comes.
    pub(in crate::store) async fn next_revision(&self) -> Result<i64, StoreError> {
        take_revisions(&self.savepoint, 1).await
    }

    /// Makes sure that the account can still be used: what the handler saw may have changed since.
    ///
    /// # Errors
    /// [`StoreError::Inactive`] when it can't.
    pub(in crate::store) async fn require_active(&self, account: AccountId) -> Result<(), StoreError> {
        match self.state(account).await? {
            Some(AccountState::Active) => Ok(()),
            _ => Err(StoreError::Inactive),
        }
    }

    /// Whether the account can be used; `None` when there is none.
    pub(in crate::store) async fn state(
        &self,
        account: AccountId,
    ) -> Result<Option<AccountState>, StoreError> {
        let state: Option<i16> = accounts::Entity::find_by_id(account.0)
            .select_only()
            .column(accounts::Column::State)
            .into_tuple()
            .one(&self.savepoint)
            .await?;
        Ok(state.map(AccountState::from_column))
    }

    /// Looks whether the author's `client_id` was used before.
    ///
    /// # Errors
    /// [`StoreError::ClientIdReused`] when it was, for something else.
    pub(in crate::store) async fn previous(&self, author: &Author) -> Result<Previous, StoreError> {
        let found = self.earlier(author).await?;
        Ok(found.map_or(Previous::None, |_| Previous::Same))
    }

    /// The event that the author's `client_id` was used for before.
    ///
    /// # Errors
    /// [`StoreError::ClientIdReused`] when that was something else.
    pub(in crate::store) async fn earlier(
        &self,
        author: &Author,
    ) -> Result<Option<events::Model>, StoreError> {
        let Some(client) = &author.client else {
            return Ok(None);
        };
        let found = events::Entity::find()
            .filter(events::Column::SenderId.eq(author.account.id.0))
            .filter(events::Column::ClientId.eq(client.id.as_str()))
            .one(&self.savepoint)
            .await?;
        match found {
            Some(event) if event.client_digest != Some(client.digest) => Err(StoreError::ClientIdReused),
            found => Ok(found),
        }
    }

    /// Tells these accounts of a change after the commit.
    pub(in crate::store) fn announce(&mut self, announcement: Announcement) {
        self.announcements.push(announcement);
    }

    /// Appends an event to the author's own account log; it is fanned out to their other connections.
    pub(in crate::store) async fn record(
        &mut self,
        author: &Author,
        kind: EventKind,
        body: &serde_json::Value,
    ) -> Result<(), StoreError> {
        self.record_for(&author.account, author, author.client.as_ref(), kind, body)
            .await
    }

    /// Appends an event to somebody's account log, caused by the author.
    pub(in crate::store) async fn record_for(
        &mut self,
        owner: &Arc<Account>,
        author: &Author,
        client: Option<&ClientKey>,
        kind: EventKind,
        body: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let audience = Arc::new([Reader {
            account: owner.id,
            username: owner.username.clone(),
        }]);
        self.append(&owner.log, author, client, kind, body, audience)
            .await
            .map(drop)
    }

    /// Appends an event to a log. Returns its number.
    pub(in crate::store) async fn append(
        &mut self,
        log: &Arc<Log>,
        author: &Author,
        client: Option<&ClientKey>,
        kind: EventKind,
        body: &serde_json::Value,
        audience: Arc<[Reader]>,
    ) -> Result<i64, StoreError> {
        let body = Bytes::from(body.to_string());
        let row = logs::Entity::update_many()
            .col_expr(logs::Column::Newest, Expr::col(logs::Column::Newest).add(1))
            .filter(logs::Column::Id.eq(log.id.0))
            .exec_with_returning(&self.savepoint)
            .await?
            .pop()
            .ok_or(StoreError::NotFound)?;
        let event = events::ActiveModel {
            log_id: Set(log.id.0),
            number: Set(row.newest),
            sender_id: Set(author.account.id.0),
            device_id: Set(author.device.0),
            kind: Set(kind_to_column(kind)),
            time: Set(self.now),
            body: Set(Some(body.to_vec())),
            client_id: Set(client.map(|client| client.id.as_str().to_owned())),
            client_digest: Set(client.map(|client| client.digest)),
        };
        events::Entity::insert(event)
            .exec_without_returning(&self.savepoint)
            .await?;
        self.events.push(Stored {
            log: log.clone(),
            number: row.newest,
            sender: author.account.clone(),
            device: author.device,
            origin: author.origin,
            kind,
            time: self.now,
            body,
            audience,
        });
        Ok(row.newest)
    }
}

/// Takes so many revisions; returns the last of them.
pub(super) async fn take_revisions(transaction: &DatabaseTransaction, count: i64) -> Result<i64, StoreError> {
    let row = revisions::Entity::update_many()
        .col_expr(
            revisions::Column::Value,
            Expr::col(revisions::Column::Value).add(count),
        )
        .exec_with_returning(transaction)
        .await?
        .pop()
        .ok_or(StoreError::NotFound)?;
    Ok(row.value)
}
