//! What was written before with the same key.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
};

use super::Fate;
use crate::store::entity::{blobs, event_blobs, events};
use crate::store::error::StoreError;
use crate::store::types::{Append, ClientKey, Receipt};

/// Most earlier writes looked up in one query: each is a term, and SQLite nests terms at most 1,000 deep.
const LOOKUP: usize = 100;

/// An event whose sender used a key for it.
struct Earlier {
    log: i64,
    number: i64,
    time: i64,
    digest: Option<i64>,
}

/// The answers for the items among these whose key was used before: for the same content the same as then.
pub(super) async fn answers(
    transaction: &DatabaseTransaction,
    which: &[(usize, &Append)],
) -> Result<Vec<(usize, Fate)>, StoreError> {
    let keyed: Vec<(usize, &Append, &ClientKey)> = which
        .iter()
        .filter_map(|(index, item)| Some((*index, *item, item.client.as_ref()?)))
        .collect();
    let mut answers = Vec::new();
    for chunk in keyed.chunks(LOOKUP) {
        let found = find(transaction, chunk).await?;
        for (index, item, client) in chunk {
            let Some(earlier) = found.get(&(item.sender.id.0, client.id.as_str().to_owned())) else {
                continue;
            };
            let fate = if earlier.digest == Some(client.digest) && earlier.log == item.log.id.0 {
                Ok(receipt(transaction, item, earlier).await?)
            } else {
                Err(StoreError::ClientIdReused)
            };
            answers.push((*index, fate));
        }
    }
    Ok(answers)
}

/// Log, number, time, sender, key and digest.
type Row = (i64, i64, i64, i64, Option<String>, Option<i64>);

async fn find(
    transaction: &DatabaseTransaction,
    keyed: &[(usize, &Append, &ClientKey)],
) -> Result<HashMap<(i64, String), Earlier>, StoreError> {
    let mut any = Condition::any();
    for (_, item, client) in keyed {
        any = any.add(
            events::Column::SenderId
                .eq(item.sender.id.0)
                .and(events::Column::ClientId.eq(client.id.as_str())),
        );
    }
    let rows: Vec<Row> = events::Entity::find()
        .select_only()
        .columns([
            events::Column::LogId,
            events::Column::Number,
            events::Column::Time,
            events::Column::SenderId,
            events::Column::ClientId,
            events::Column::ClientDigest,
        ])
        .filter(any)
        .into_tuple()
        .all(transaction)
        .await?;
    let by_key = |(log, number, time, sender, client, digest): Row| {
        let earlier = Earlier {
            log,
            number,
            time,
            digest,
        };
        ((sender, client.unwrap_or_default()), earlier)
    };
    Ok(rows.into_iter().map(by_key).collect())
}

async fn receipt(
    transaction: &DatabaseTransaction,
    item: &Append,
    earlier: &Earlier,
) -> Result<Receipt, StoreError> {
    let blob = match item.blob {
        None => None,
        Some(_) => event_blobs::Entity::find()
            .filter(event_blobs::Column::LogId.eq(earlier.log))
            .filter(event_blobs::Column::Number.eq(earlier.number))
            .one(transaction)
            .await?
            .map(|link| link.blob_id),
    };
    let hash = match &blob {
        None => None,
        Some(id) => blobs::Entity::find_by_id(id).one(transaction).await?,
    };
    Ok(Receipt {
        conversation: item.log.public_id.clone(),
        number: earlier.number,
        time: earlier.time,
        blob,
        hash: hash.and_then(|blob| blob.hash.try_into().ok()),
        replayed: true,
    })
}
