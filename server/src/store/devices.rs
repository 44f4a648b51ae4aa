//! Devices and their tokens. A login makes a device; ending a session revokes it.

use std::sync::Arc;

use kith_common::{DeviceId, EventKind};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
};

use super::Store;
use super::entity::{accounts, devices, tokens};
use super::error::StoreError;
use super::types::{Account, AccountId, AccountState, Origin};
use super::writer::{Author, Previous, Scope};

const NATIVE: i16 = 0;
const SEED: i16 = 1;

/// How old `last_seen_at` may get before a resume writes it anew, so that resuming costs no write.
const SEEN_EVERY: i64 = 60 * 60 * 1000;

/// A device to be made by a login.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// What its owner calls it.
    pub name: String,
    /// Where it comes from.
    pub address: String,
    /// The SHA-256 of its token.
    pub token_hash: [u8; 32],
}

/// A device as its owner sees it.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its number.
    pub id: DeviceId,
    /// What its owner calls it.
    pub name: String,
    /// Where it came from last.
    pub address: String,
    /// When it logged in first, in milliseconds since 1970-01-01T00:00:00Z.
    pub created_at: i64,
    /// When it logged in or resumed last, likewise, to the hour.
    pub last_seen_at: i64,
}

/// Whose a token is.
#[derive(Clone, Debug)]
pub struct Resumed {
    /// The account.
    pub account: Arc<Account>,
    /// The device.
    pub device: DeviceId,
}

impl Store {
    /// Makes a device for a login and tells the account's other devices. `verified` is the hash of the password that was checked.
    ///
    /// # Errors
    /// [`StoreError::Inactive`], [`StoreError::PasswordChanged`].
    pub async fn add_device(
        &self,
        account: Arc<Account>,
        verified: String,
        origin: Origin,
        new: NewDevice,
    ) -> Result<DeviceId, StoreError> {
        self.writer
            .change(move |scope| {
                Box::pin(async move {
                    let body = |device: i64| serde_json::json!({"change": "added", "device": device, "name": &new.name});
                    scope.require_active(account.id).await?;
                    scope.require_password(account.id, &verified).await?;
                    let device = insert(scope, account.id, NATIVE, &new.name, &new.address).await?;
                    let token =
                        tokens::ActiveModel { hash: Set(new.token_hash.to_vec()), device_id: Set(device.0) };
                    tokens::Entity::insert(token).exec_without_returning(scope.db()).await?;
                    let author = Author { account, device, origin, client: None };
                    scope.record(&author, EventKind::Device, &body(device.0)).await?;
                    Ok(device)
                })
            })
            .await
    }

    /// The device that all of an account's clients of the seed's protocol share: made once, without a token. `verified` is the
    /// hash of the password that was checked.
    ///
    /// # Errors
    /// [`StoreError::Inactive`], [`StoreError::PasswordChanged`].
    pub async fn seed_device(
        &self,
        account: AccountId,
        verified: String,
        address: String,
    ) -> Result<DeviceId, StoreError> {
        self.writer
            .change(move |scope| {
                Box::pin(async move {
                    scope.require_active(account).await?;
                    scope.require_password(account, &verified).await?;
                    let found = devices::Entity::find()
                        .filter(devices::Column::AccountId.eq(account.0))
                        .filter(devices::Column::Kind.eq(SEED))
                        .filter(devices::Column::RevokedAt.eq(0))
                        .one(scope.db())
                        .await?;
                    match found {
                        None => insert(scope, account, SEED, "simple client", &address).await,
                        Some(device) => {
                            seen(scope, device.id, &address).await?;
                            Ok(DeviceId(device.id))
                        }
                    }
                })
            })
            .await
    }

    /// Whose token this is; `None` when it is nobody's or its account is not active.
    ///
    /// # Errors
    /// The database failed.
    pub async fn resume(
        &self,
        token_hash: [u8; 32],
        address: &str,
        now: i64,
    ) -> Result<Option<Resumed>, StoreError> {
        let Some(token) = tokens::Entity::find_by_id(token_hash.to_vec())
            .one(&self.readers)
            .await?
        else {
            return Ok(None);
        };
        let device = devices::Entity::find_by_id(token.device_id)
            .one(&self.readers)
            .await?;
        let Some(device) = device.filter(|device| device.revoked_at == 0) else {
            return Ok(None);
        };
        let row = accounts::Entity::find_by_id(device.account_id)
            .one(&self.readers)
            .await?;
        let active = |row: &accounts::Model| AccountState::from_column(row.state) == AccountState::Active;
        let Some(row) = row.filter(active) else {
            return Ok(None);
        };
        let account = self.remembered(row).await?;
        if now - device.last_seen_at > SEEN_EVERY || device.address != address {
            let (id, address) = (device.id, address.to_owned());
            let noted = self
                .writer
                .change(move |scope| Box::pin(async move { seen(scope, id, &address).await }))
                .await;
            // People can still read when the disk is full.
            if let Err(error) = noted {
                tracing::warn!(target: "error", device = id, %error, "could not note when a device was seen");
            }
        }
        Ok(Some(Resumed {
            account,
            device: DeviceId(device.id),
        }))
    }

    /// Whose device this is, while its session hasn't ended and the account is active.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it isn't so.
    pub async fn owner_of(&self, device: DeviceId) -> Result<Arc<Account>, StoreError> {
        let row = devices::Entity::find_by_id(device.0)
            .filter(devices::Column::RevokedAt.eq(0))
            .one(&self.readers)
            .await?;
        let account = row.ok_or(StoreError::NotFound)?.account_id;
        let row = accounts::Entity::find_by_id(account)
            .filter(accounts::Column::State.eq(AccountState::Active.to_column()))
            .one(&self.readers)
            .await?;
        self.remembered(row.ok_or(StoreError::NotFound)?).await
    }

    /// The account's devices that aren't revoked, the one seen last first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn devices(&self, account: AccountId) -> Result<Vec<Device>, StoreError> {
        let rows = devices::Entity::find()
            .filter(devices::Column::AccountId.eq(account.0))
            .filter(devices::Column::RevokedAt.eq(0))
            .order_by_desc(devices::Column::LastSeenAt)
            .order_by_desc(devices::Column::Id)
            .all(&self.readers)
            .await?;
        let device = |row: devices::Model| Device {
            id: DeviceId(row.id),
            name: row.name,
            address: row.address,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
        };
        Ok(rows.into_iter().map(device).collect())
    }

    /// Whether the account has a device that was last seen at this address.
    ///
    /// # Errors
    /// The database failed.
    pub async fn knows_address(&self, account: AccountId, address: &str) -> Result<bool, StoreError> {
        let found = devices::Entity::find()
            .filter(devices::Column::AccountId.eq(account.0))
            .filter(devices::Column::Address.eq(address))
            .one(&self.readers)
            .await?;
        Ok(found.is_some())
    }

    /// Ends one of the author's devices; its token is worth nothing from now on.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it isn't the author's or was ended before.
    pub async fn revoke_device(&self, author: Author, device: DeviceId) -> Result<(), StoreError> {
        self.writer
            .change(move |scope| {
                Box::pin(async move {
                    scope.require_active(author.account.id).await?;
                    if scope.previous(&author).await? == Previous::Same {
                        return Ok(());
                    }
                    let row = devices::Entity::find_by_id(device.0)
                        .filter(devices::Column::AccountId.eq(author.account.id.0))
                        .filter(devices::Column::RevokedAt.eq(0))
                        .one(scope.db())
                        .await?
                        .ok_or(StoreError::NotFound)?;
                    revoke(scope, device).await?;
                    let body = serde_json::json!({"change": "removed", "device": row.id, "name": row.name});
                    scope.record(&author, EventKind::Device, &body).await
                })
            })
            .await
    }

    /// Which of these devices are revoked. For connections to find out what another process did.
    ///
    /// # Errors
    /// The database failed.
    pub async fn revoked(&self, account: AccountId) -> Result<Vec<DeviceId>, StoreError> {
        let rows = devices::Entity::find()
            .filter(devices::Column::AccountId.eq(account.0))
            .filter(devices::Column::RevokedAt.gt(0))
            .all(&self.readers)
            .await?;
        Ok(rows.into_iter().map(|row| DeviceId(row.id)).collect())
    }
}

/// Ends all devices of an account but one. Returns those that were ended.
pub(super) async fn revoke_devices(
    scope: &mut Scope,
    account: AccountId,
    except: Option<DeviceId>,
) -> Result<Vec<DeviceId>, StoreError> {
    let rows = devices::Entity::find()
        .filter(devices::Column::AccountId.eq(account.0))
        .filter(devices::Column::RevokedAt.eq(0))
        .all(scope.db())
        .await?;
    let mut ended = Vec::new();
    for device in rows
        .iter()
        .map(|row| DeviceId(row.id))
        .filter(|device| Some(*device) != except)
    {
        revoke(scope, device).await?;
        ended.push(device);
    }
    accounts::Entity::update_many()
        .col_expr(accounts::Column::ChangedAt, Expr::value(scope.now()))
        .filter(accounts::Column::Id.eq(account.0))
        .exec(scope.db())
        .await?;
    Ok(ended)
}

async fn revoke(scope: &mut Scope, device: DeviceId) -> Result<(), StoreError> {
    tokens::Entity::delete_many()
        .filter(tokens::Column::DeviceId.eq(device.0))
        .exec(scope.db())
        .await?;
    devices::Entity::update_many()
        .col_expr(devices::Column::RevokedAt, Expr::value(scope.now()))
        .filter(devices::Column::Id.eq(device.0))
        .exec(scope.db())
        .await?;
    Ok(())
}

async fn insert(
    scope: &mut Scope,
    account: AccountId,
    kind: i16,
    name: &str,
    address: &str,
) -> Result<DeviceId, StoreError> {
    let row = devices::ActiveModel {
        id: NotSet,
        account_id: Set(account.0),
        kind: Set(kind),
        name: Set(name.to_owned()),
        address: Set(address.to_owned()),
        created_at: Set(scope.now()),
        last_seen_at: Set(scope.now()),
        revoked_at: Set(0),
    };
    Ok(DeviceId(
        devices::Entity::insert(row)
            .exec(scope.db())
            .await?
            .last_insert_id,
    ))
}

async fn seen(scope: &mut Scope, device: i64, address: &str) -> Result<(), StoreError> {
    devices::Entity::update_many()
        .col_expr(devices::Column::LastSeenAt, Expr::value(scope.now()))
        .col_expr(devices::Column::Address, Expr::value(address))
        .filter(devices::Column::Id.eq(device))
        .exec(scope.db())
        .await?;
    Ok(())
}
