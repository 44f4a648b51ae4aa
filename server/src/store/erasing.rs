//! Erasing one's own messages, files and edits: their bodies go, their numbers stay.

use std::sync::Arc;

use kith_common::EventKind;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationDef,
};

use super::Store;
use super::entity::{accounts, event_blobs, events, members};
use super::error::StoreError;
use super::storage::forget_blobs;
use super::types::{AccountId, Log, LogId, Reader, Receipt, kind_from_column};
use super::writer::{Author, Scope, padded};

/// What was erased.
#[derive(Clone, Debug)]
pub struct Erased {
    /// The event that says so.
    pub receipt: Receipt,
    /// Blobs that nothing refers to any more, for their files to be deleted.
    pub blobs: Vec<String>,
}

impl Store {
    /// Erases events of the author's in a conversation, and appends the event that says which. What is erased already is
    /// passed over.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the author isn't in the conversation, [`StoreError::Inactive`],
    /// [`StoreError::ClientIdReused`]; [`StoreError::TargetMissing`], [`StoreError::TargetForeign`],
    /// [`StoreError::TargetUnfit`] for any of them, [`StoreError::TargetErased`] for all of them. Then nothing is erased.
    pub async fn erase(
        &self,
        author: Author,
        log: Arc<Log>,
        targets: Vec<i64>,
    ) -> Result<Erased, StoreError> {
        self.writer
            .change(move |scope| Box::pin(async move { apply(scope, &author, &log, &targets).await }))
            .await
    }
}

async fn apply(
    scope: &mut Scope,
    author: &Author,
    log: &Arc<Log>,
    targets: &[i64],
) -> Result<Erased, StoreError> {
    scope.require_active(author.account.id).await?;
    if let Some(earlier) = scope.earlier(author).await? {
        if earlier.log_id != log.id.0 {
            return Err(StoreError::ClientIdReused);
        }
        let receipt = receipt(log, earlier.number, earlier.time, true);
        return Ok(Erased {
            receipt,
            blobs: Vec::new(),
        });
    }
    let audience = audience(scope, log.id).await?;
    if !audience.iter().any(|reader| reader.account == author.account.id) {
        return Err(StoreError::NotFound);
    }
    let erased = erasable(scope, author.account.id, log.id, targets).await?;
    events::Entity::update_many()
        .col_expr(events::Column::Body, Expr::value(Option::<Vec<u8>>::None))
        .filter(events::Column::LogId.eq(log.id.0))
        .filter(events::Column::Number.is_in(padded(erased.iter().copied())))
        .exec(scope.db())
        .await?;
    let blobs = drop_blobs(scope, log.id, &erased).await?;
    let body = serde_json::json!({ "targets": erased });
    let number = scope
        .append(
            log,
            author,
            author.client.as_ref(),
            EventKind::Delete,
            &body,
            audience,
        )
        .await?;
    let receipt = receipt(log, number, scope.now(), false);
    Ok(Erased { receipt, blobs })
}

fn receipt(log: &Log, number: i64, time: i64, replayed: bool) -> Receipt {
    Receipt {
        conversation: log.public_id.clone(),
        number,
        time,
        blob: None,
        hash: None,
        replayed,
    }
}

async fn audience(scope: &Scope, log: LogId) -> Result<Arc<[Reader]>, StoreError> {
    let account: RelationDef = members::Entity::belongs_to(accounts::Entity)
        .from(members::Column::AccountId)
        .to(accounts::Column::Id)
        .into();
    let rows: Vec<(i64, String)> = members::Entity::find()
        .select_only()
        .column(members::Column::AccountId)
        .column(accounts::Column::Username)
        .join(JoinType::InnerJoin, account)
        .filter(members::Column::LogId.eq(log.0))
        .into_tuple()
        .all(scope.db())
        .await?;
    let reader = |(account, username): (i64, String)| Reader {
        account: AccountId(account),
        username: username.into(),
    };
    Ok(rows.into_iter().map(reader).collect())
}

/// Those of the targets that aren't erased yet, in order.
async fn erasable(
    scope: &Scope,
    author: AccountId,
    log: LogId,
    targets: &[i64],
) -> Result<Vec<i64>, StoreError> {
    let rows: Vec<(i64, i64, i16, bool)> = events::Entity::find()
        .select_only()
        .columns([
            events::Column::Number,
            events::Column::SenderId,
            events::Column::Kind,
        ])
        .expr_as(events::Column::Body.is_null(), "is_erased")
        .filter(events::Column::LogId.eq(log.0))
        .filter(events::Column::Number.is_in(padded(targets.iter().copied())))
        .order_by_asc(events::Column::Number)
        .into_tuple()
        .all(scope.db())
        .await?;
    if targets
        .iter()
        .any(|target| !rows.iter().any(|(number, ..)| number == target))
    {
        return Err(StoreError::TargetMissing);
    }
    let mut erasable = Vec::with_capacity(rows.len());
    for (number, sender, kind, is_erased) in rows {
        if sender != author.0 {
            return Err(StoreError::TargetForeign);
        }
        if !matches!(
            kind_from_column(kind),
            Some(EventKind::Message | EventKind::File | EventKind::Edit)
        ) {
            return Err(StoreError::TargetUnfit);
        }
        if !is_erased {
            erasable.push(number);
        }
    }
    if erasable.is_empty() {
        return Err(StoreError::TargetErased);
    }
    Ok(erasable)
}

/// These events refer to no blobs any more. Returns those that nothing else refers to; they are forgotten.
async fn drop_blobs(scope: &Scope, log: LogId, numbers: &[i64]) -> Result<Vec<String>, StoreError> {
    let of_these = || {
        event_blobs::Column::LogId
            .eq(log.0)
            .and(event_blobs::Column::Number.is_in(padded(numbers.iter().copied())))
    };
    let mut ids: Vec<String> = event_blobs::Entity::find()
        .select_only()
        .column(event_blobs::Column::BlobId)
        .filter(of_these())
        .into_tuple()
        .all(scope.db())
        .await?;
    if ids.is_empty() {
        return Ok(ids);
    }
    event_blobs::Entity::delete_many()
        .filter(of_these())
        .exec(scope.db())
        .await?;
    let needed: Vec<String> = event_blobs::Entity::find()
        .select_only()
        .column(event_blobs::Column::BlobId)
        .filter(event_blobs::Column::BlobId.is_in(ids.iter().map(String::as_str)))
        .into_tuple()
        .all(scope.db())
        .await?;
    ids.retain(|id| !needed.contains(id));
    forget_blobs(scope.db(), &ids).await?;
    Ok(ids)
}
