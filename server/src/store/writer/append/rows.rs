//! The statements of a batch.

use std::collections::HashMap;

use sea_orm::sea_query::{CaseStatement, Expr};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
};

use super::blobs::Blobs;
use super::targets::Targets;
use crate::store::entity::{events, logs};
use crate::store::error::StoreError;
use crate::store::types::{Append, LogId, kind_to_column};

/// Most rows in one insert. SQLite takes 32,766 parameters; an event has nine.
const ROWS: usize = 512;

/// Finds the items whose `expect` isn't the number that they would get, that are about what isn't there or doesn't fit, or
/// whose file isn't there or has no room. For a batch without any of that it costs nothing.
pub(super) async fn refused(
    savepoint: &DatabaseTransaction,
    todo: &[(usize, &Append)],
) -> Result<HashMap<usize, StoreError>, StoreError> {
    let mut refused = HashMap::new();
    let is_plain =
        |(_, item): &(usize, &Append)| item.expect.is_none() && item.target.is_none() && item.blob.is_none();
    if todo.iter().all(is_plain) {
        return Ok(refused);
    }
    let mut targets = Targets::load(savepoint, todo).await?;
    let mut blobs = Blobs::load(savepoint, todo).await?;
    // What isn't there yet may be an earlier item of this batch, under the number that it gets.
    let mut newest = HashMap::new();
    if !targets.has_all(todo) || todo.iter().any(|(_, item)| item.expect.is_some()) {
        newest = newest_numbers(savepoint, todo).await?;
    }
    for (index, item) in todo {
        let newest = newest.get_mut(&item.log.id.0);
        let next = newest.as_ref().map(|newest| **newest + 1);
        let is_unexpected = item.expect.is_some_and(|expected| Some(expected) != next);
        let error = is_unexpected.then_some(StoreError::ExpectFailed);
        let error = error
            .or_else(|| targets.refuse(item))
            .or_else(|| blobs.refuse(item));
        if let Some(error) = error {
            refused.insert(*index, error);
            continue;
        }
        blobs.add(item);
        if let Some(newest) = newest {
            *newest += 1;
            targets.add(item, *newest);
        }
    }
    Ok(refused)
}

async fn newest_numbers(
    savepoint: &DatabaseTransaction,
    todo: &[(usize, &Append)],
) -> Result<HashMap<i64, i64>, StoreError> {
    let ids = padded(todo.iter().map(|(_, item)| item.log.id.0));
    let rows: Vec<(i64, i64)> = logs::Entity::find()
        .select_only()
        .columns([logs::Column::Id, logs::Column::Newest])
        .filter(logs::Column::Id.is_in(ids))
        .into_tuple()
        .all(savepoint)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Raises each log's `newest` by its count, in one statement. Returns the first number given out in each.
pub(super) async fn take_numbers(
    savepoint: &DatabaseTransaction,
    counts: &HashMap<LogId, i64>,
) -> Result<HashMap<LogId, i64>, StoreError> {
    let ids = padded(counts.keys().map(|log| log.0));
    let mut case = CaseStatement::new();
    for id in &ids {
        case = case.case(
            logs::Column::Id.eq(*id),
            counts.get(&LogId(*id)).copied().unwrap_or_default(),
        );
    }
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = logs::Entity::update_many()
        .col_expr(
            logs::Column::Newest,
            Expr::col(logs::Column::Newest).add(case.finally(0)),
        )
        .filter(logs::Column::Id.is_in(ids))
        .exec_with_returning(savepoint)
        .await?;
    let first = |row: &logs::Model| row.newest - counts.get(&LogId(row.id)).copied().unwrap_or_default() + 1;
    Ok(rows.iter().map(|row| (LogId(row.id), first(row))).collect())
}

/// Inserts in chunks whose sizes are powers of two, so that few different statements are ever prepared.
pub(super) async fn insert_events(
    savepoint: &DatabaseTransaction,
    now: i64,
    mut numbered: &[(&Append, i64)],
) -> Result<(), StoreError> {
    while !numbered.is_empty() {
        let mut size = ROWS;
        while size > numbered.len() {
            size /= 2;
        }
        let (chunk, rest) = numbered.split_at(size);
        events::Entity::insert_many(chunk.iter().map(|(item, number)| event(item, *number, now)))
            .exec_without_returning(savepoint)
            .await?;
        numbered = rest;
    }
    Ok(())
}

fn event(item: &Append, number: i64, now: i64) -> events::ActiveModel {
    events::ActiveModel {
        log_id: Set(item.log.id.0),
        number: Set(number),
        sender_id: Set(item.sender.id.0),
        device_id: Set(item.device.0),
        kind: Set(kind_to_column(item.kind)),
        time: Set(now),
        body: Set(Some(item.body.to_vec())),
        client_id: Set(item.client.as_ref().map(|client| client.id.as_str().to_owned())),
        client_digest: Set(item.client.as_ref().map(|client| client.digest)),
    }
}

/// The distinct ids, sorted, with the last one repeated up to a power of two: so the statements that list them come in few
/// lengths, and the database's cache of prepared statements holds them.
pub(in crate::store) fn padded(ids: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut ids: Vec<i64> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    if let Some(&last) = ids.last() {
        ids.resize(ids.len().next_power_of_two(), last);
    }
    ids
}
