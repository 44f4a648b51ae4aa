//! How much room everybody's files take, and whether there is more.

use std::collections::HashMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QuerySelect};

use super::Store;
use super::entity::{blobs, storage, uploads};
use super::error::StoreError;
use super::types::{AccountId, Room};

impl Store {
    /// Bytes that uploads have reserved and that aren't on the disk yet.
    ///
    /// # Errors
    /// The database failed.
    pub async fn outstanding(&self) -> Result<u64, StoreError> {
        let open: Option<Option<i64>> = uploads::Entity::find()
            .select_only()
            .expr_as(
                Expr::col(uploads::Column::Reserved)
                    .sub(Expr::col(uploads::Column::Stored))
                    .sum()
                    .cast_as("bigint"),
                "outstanding",
            )
            .filter(uploads::Column::Hash.is_null())
            .into_tuple()
            .one(&self.readers)
            .await?;
        Ok(u64::try_from(open.flatten().unwrap_or_default()).unwrap_or_default())
    }
}

/// How many bytes count for an account.
pub(super) async fn used(db: &DatabaseTransaction, account: AccountId) -> Result<i64, StoreError> {
    let row = storage::Entity::find_by_id(account.0).one(db).await?;
    Ok(row.ok_or(StoreError::NotFound)?.bytes)
}

/// How many bytes count for all accounts.
pub(super) async fn used_by_all(db: &DatabaseTransaction) -> Result<i64, StoreError> {
    let total: Option<Option<i64>> = storage::Entity::find()
        .select_only()
        .expr_as(Expr::col(storage::Column::Bytes).sum().cast_as("bigint"), "total")
        .into_tuple()
        .one(db)
        .await?;
    Ok(total.flatten().unwrap_or_default())
}

/// Counts so many bytes more for an account, if there is room for them.
///
/// # Errors
/// [`StoreError::AccountFull`], [`StoreError::ServerFull`].
pub(super) async fn reserve(
    db: &DatabaseTransaction,
    account: AccountId,
    bytes: i64,
    room: Room,
) -> Result<(), StoreError> {
    if bytes > 0 {
        let total = if room.server == i64::MAX {
            0
        } else {
            used_by_all(db).await?
        };
        room.check(used(db, account).await?, total, bytes)?;
    }
    add(db, account, bytes).await
}

/// Counts so many bytes more, or fewer, for an account.
pub(super) async fn add(db: &DatabaseTransaction, account: AccountId, bytes: i64) -> Result<(), StoreError> {
    if bytes != 0 {
        storage::Entity::update_many()
            .col_expr(
                storage::Column::Bytes,
                Expr::col(storage::Column::Bytes).add(bytes),
            )
            .filter(storage::Column::AccountId.eq(account.0))
            .exec(db)
            .await?;
    }
    Ok(())
}

/// Forgets these blobs; they don't count any more.
pub(super) async fn forget_blobs(db: &DatabaseTransaction, ids: &[String]) -> Result<(), StoreError> {
    let these = || blobs::Column::Id.is_in(ids.iter().map(String::as_str));
    let sizes: Vec<(i64, i64)> = blobs::Entity::find()
        .select_only()
        .columns([blobs::Column::OwnerId, blobs::Column::Size])
        .filter(these())
        .into_tuple()
        .all(db)
        .await?;
    let mut freed: HashMap<i64, i64> = HashMap::new();
    for (owner, size) in sizes {
        *freed.entry(owner).or_default() += size;
    }
    for (owner, bytes) in freed {
        add(db, AccountId(owner), -bytes).await?;
    }
    blobs::Entity::delete_many().filter(these()).exec(db).await?;
    Ok(())
}
