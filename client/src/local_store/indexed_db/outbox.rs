//! The outbox in IndexedDB. What can't be read of it stays and is passed over.

use js_sys::Uint8Array;
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast as _, JsValue};

use super::database::{Database, Durability, Schema, Transaction, index};
use super::request::{between, key, last, made, number, numeric, readable_rows, result, row, to_js};
use crate::limits;
use crate::local_store::{Item, ItemChange, ItemState, NewItem, Source, StoreError};

const ITEMS: &str = "items";
const FILES: &str = "files";
const READS: &str = "reads";
const COUNTER: &str = "counter";

/// All its stores.
pub(super) const STORES: [&str; 4] = [ITEMS, FILES, READS, COUNTER];

/// Where the place that was given last lies. Browsers could count by themselves, but don't agree on how an index sees such
/// a number.
const LAST: &str = "last";

/// Items that are to be sent, in order.
const WAITING: &str = "waiting";

/// Rows that are looked at together for the next one to be sent.
const AT_ONCE: u32 = 50;

#[derive(Serialize, Deserialize)]
struct ItemRow {
    id: u64,
    lane: String,
    client_id: String,
    request: String,
    /// The size of the file in bytes, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    time: i64,
    /// 1 if it is to be sent, 2 if to be transferred; rows without it aren't in the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    waiting: Option<u8>,
    /// Whether its file is uploaded.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    transfer: bool,
    state: ItemState,
}

#[derive(Serialize, Deserialize)]
struct ReadRow {
    log: String,
    number: u64,
}

/// Makes the stores of a new database. Those of an older version have to be brought up to this one, not thrown away.
pub(super) fn make(schema: &Schema) -> Result<(), JsValue> {
    let items = schema.store(ITEMS, &["id"])?;
    index(&items, "client_id", &["client_id"], true)?;
    index(&items, WAITING, &["waiting", "id"], true)?;
    schema.plain_store(FILES)?;
    schema.store(READS, &["log"])?;
    schema.plain_store(COUNTER)?;
    Ok(())
}

pub(super) async fn add(database: &Database, item: NewItem) -> Result<u64, StoreError> {
    // A person was told that it is safe.
    let transaction = database.write(&[ITEMS, FILES, COUNTER], Durability::Strict)?;
    let items = transaction.store(ITEMS)?;
    if number(items.count()).await? >= limits::OUTBOX {
        return Err(StoreError::Full);
    }
    let counter = transaction.store(COUNTER)?;
    let id = number(counter.get(&LAST.into())).await? + 1;
    made(counter.put_with_key(&numeric(id), &LAST.into()))?;
    let state = item.first_state();
    let NewItem {
        lane,
        client_id,
        request,
        data,
        source,
        time,
    } = item;
    let transfer = source.is_some();
    let blob = source.and_then(|Source::Blob(blob)| blob);
    let size = match &blob {
        Some(blob) => Some(blob.size() as u64),
        None => data.as_ref().map(|data| data.len() as u64),
    };
    let new = ItemRow {
        id,
        lane,
        client_id,
        request,
        size,
        time,
        waiting: Some(state.due()),
        transfer,
        state,
    };
    made(items.add(&to_js(&new)?))?;
    let data = match (blob, data) {
        (Some(blob), _) => Some(blob.into()),
        (None, Some(data)) => Some(JsValue::from(Uint8Array::from(data.as_slice()))),
        (None, None) => None,
    };
    if let Some(data) = data {
        made(transaction.store(FILES)?.put_with_key(&data, &numeric(id)))?;
    }
    transaction.done().await?;
    Ok(id)
}

pub(super) async fn list(database: &Database) -> Result<Vec<Item>, StoreError> {
    let transaction = database.read(&[ITEMS])?;
    let items = readable_rows::<ItemRow>(transaction.store(ITEMS)?.get_all()).await?;
    Ok(items.into_iter().map(ItemRow::into_item).collect())
}

pub(super) async fn one(database: &Database, id: u64) -> Result<Option<Item>, StoreError> {
    let transaction = database.read(&[ITEMS])?;
    let item = row::<ItemRow>(transaction.store(ITEMS)?.get(&numeric(id))).await?;
    Ok(item.map(ItemRow::into_item))
}

pub(super) async fn next(database: &Database, busy: &[String]) -> Result<Option<Item>, StoreError> {
    let transaction = database.read(&[ITEMS, FILES])?;
    let waiting = transaction.store(ITEMS)?.index(WAITING);
    let waiting = waiting.map_err(|_| StoreError::Damaged(format!("no index {WAITING}")))?;
    let mut from = 0;
    loop {
        let range = between(&key([1.into(), numeric(from)]), &key([1.into(), last()]))?;
        let found = readable_rows::<ItemRow>(waiting.get_all_with_key_and_limit(&range, AT_ONCE)).await?;
        let Some(behind) = found.last().map(|row| row.id) else {
            return Ok(None);
        };
        from = behind + 1;
        let Some(row) = found.into_iter().find(|row| !busy.contains(&row.lane)) else {
            continue;
        };
        return with_bytes(&transaction, row.into_item()).await.map(Some);
    }
}

pub(super) async fn transfers(database: &Database) -> Result<Vec<Item>, StoreError> {
    let transaction = database.read(&[ITEMS])?;
    let waiting = transaction.store(ITEMS)?.index(WAITING);
    let waiting = waiting.map_err(|_| StoreError::Damaged(format!("no index {WAITING}")))?;
    let range = between(&key([2.into(), 0.into()]), &key([2.into(), last()]))?;
    let items = readable_rows::<ItemRow>(waiting.get_all_with_key(&range)).await?;
    Ok(items.into_iter().map(ItemRow::into_item).collect())
}

pub(super) async fn whole(database: &Database, id: u64) -> Result<Option<Item>, StoreError> {
    let transaction = database.read(&[ITEMS, FILES])?;
    match row::<ItemRow>(transaction.store(ITEMS)?.get(&numeric(id))).await? {
        Some(row) => with_bytes(&transaction, row.into_item()).await.map(Some),
        None => Ok(None),
    }
}

async fn with_bytes(transaction: &Transaction, mut item: Item) -> Result<Item, StoreError> {
    if item.size.is_some() {
        let data = result(transaction.store(FILES)?.get(&numeric(item.id))).await?;
        match &mut item.new.source {
            Some(Source::Blob(blob)) => *blob = data.dyn_into().ok(),
            None => item.new.data = data.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec),
        }
    }
    Ok(item)
}

pub(super) async fn update(database: &Database, id: u64, change: ItemChange) -> Result<bool, StoreError> {
    // What was sent already is sent once more after a power cut, and takes effect once.
    let transaction = database.write(&[ITEMS], Durability::Relaxed)?;
    let items = transaction.store(ITEMS)?;
    let Some(mut held) = row::<ItemRow>(items.get(&numeric(id))).await? else {
        return Ok(false);
    };
    match change {
        ItemChange::State(state) => {
            held.waiting = Some(state.due()).filter(|due| *due > 0);
            held.state = state;
        }
        ItemChange::Request(request) => held.request = request,
    }
    made(items.put(&to_js(&held)?))?;
    transaction.done().await?;
    Ok(true)
}

pub(super) async fn remove(database: &Database, id: u64) -> Result<bool, StoreError> {
    let transaction = database.write(&[ITEMS, FILES], Durability::Relaxed)?;
    let items = transaction.store(ITEMS)?;
    let there = number(items.count_with_key(&numeric(id))).await? > 0;
    made(items.delete(&numeric(id)))?;
    made(transaction.store(FILES)?.delete(&numeric(id)))?;
    transaction.done().await?;
    Ok(there)
}

pub(super) async fn want_read(database: &Database, log: String, number: u64) -> Result<(), StoreError> {
    let transaction = database.write(&[READS], Durability::Strict)?;
    let reads = transaction.store(READS)?;
    let held = row::<ReadRow>(reads.get(&log.as_str().into())).await?;
    let number = number.max(held.map_or(0, |held| held.number));
    made(reads.put(&to_js(&ReadRow { log, number })?))?;
    transaction.done().await
}

pub(super) async fn wanted_reads(database: &Database) -> Result<Vec<(String, u64)>, StoreError> {
    let transaction = database.read(&[READS])?;
    let reads = readable_rows::<ReadRow>(transaction.store(READS)?.get_all()).await?;
    Ok(reads.into_iter().map(|row| (row.log, row.number)).collect())
}

pub(super) async fn read_done(database: &Database, log: &str, number: u64) -> Result<(), StoreError> {
    let transaction = database.write(&[READS], Durability::Relaxed)?;
    let reads = transaction.store(READS)?;
    let held = row::<ReadRow>(reads.get(&log.into())).await?;
    if held.is_some_and(|held| held.number <= number) {
        made(reads.delete(&log.into()))?;
    }
    transaction.done().await
}

/// Removes every row.
pub(super) fn clear(transaction: &Transaction) -> Result<(), StoreError> {
    for name in STORES {
        made(transaction.store(name)?.clear())?;
    }
    Ok(())
}

impl ItemRow {
    fn into_item(self) -> Item {
        Item {
            id: self.id,
            new: NewItem {
                lane: self.lane,
                client_id: self.client_id,
                request: self.request,
                data: None,
                source: self.transfer.then_some(Source::Blob(None)),
                time: self.time,
            },
            size: self.size,
            state: self.state,
        }
    }
}
