//! Invites: single-use codes of which only the hash is kept.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::Store;
use super::entity::invites;
use super::error::StoreError;
use super::types::AccountId;
use super::writer::Scope;

impl Store {
    /// Keeps a new invite: the SHA-256 of its code, what it makes of its redeemer, and until when (in milliseconds).
    ///
    /// # Errors
    /// The database failed.
    pub async fn add_invite(
        &self,
        code_hash: [u8; 32],
        admin: bool,
        created_by: Option<AccountId>,
        expires_at: i64,
    ) -> Result<(), StoreError> {
        self.writer
            .change(move |scope| {
                Box::pin(async move {
                    let row = invites::ActiveModel {
                        code_hash: Set(code_hash.to_vec()),
                        admin: Set(admin),
                        created_by: Set(created_by.map(|account| account.0)),
                        created_at: Set(scope.now()),
                        expires_at: Set(expires_at),
                        redeemed_by: Set(None),
                        redeemed_at: Set(0),
                    };
                    invites::Entity::insert(row)
                        .exec_without_returning(scope.db())
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Whether an invite could be redeemed right now. Redeeming decides.
    ///
    /// # Errors
    /// The database failed.
    pub async fn is_invite(&self, code_hash: &[u8; 32], now: i64) -> Result<bool, StoreError> {
        let found = invites::Entity::find()
            .filter(invites::Column::CodeHash.eq(code_hash.to_vec()))
            .filter(invites::Column::RedeemedAt.eq(0))
            .filter(invites::Column::ExpiresAt.gt(now))
            .one(&self.readers)
            .await?;
        Ok(found.is_some())
    }
}

/// Uses an invite up. Returns whether it makes an administrator.
pub(super) async fn redeem(scope: &mut Scope, code_hash: &[u8; 32]) -> Result<bool, StoreError> {
    let used = invites::Entity::update_many()
        .col_expr(invites::Column::RedeemedAt, Expr::value(scope.now()))
        .filter(invites::Column::CodeHash.eq(code_hash.to_vec()))
        .filter(invites::Column::RedeemedAt.eq(0))
        .filter(invites::Column::ExpiresAt.gt(scope.now()))
        .exec_with_returning(scope.db())
        .await?;
    used.first()
        .map(|invite| invite.admin)
        .ok_or(StoreError::BadInvite)
}

pub(super) async fn note_redeemer(
    scope: &mut Scope,
    code_hash: &[u8; 32],
    account: i64,
) -> Result<(), StoreError> {
    invites::Entity::update_many()
        .col_expr(invites::Column::RedeemedBy, Expr::value(account))
        .filter(invites::Column::CodeHash.eq(code_hash.to_vec()))
        .exec(scope.db())
        .await?;
    Ok(())
}
