//! The copy in IndexedDB.

use js_sys::Array;
use kith_common::{EventKind, LogEvent, Mark, ProfileInfo};
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{IdbCursor, IdbCursorDirection};

use super::database::{Database, Durability, Schema, Transaction, index};
use super::request::{between, key, last, made, number, numeric, result, row, rows, to_js};
use crate::local_store::{Batch, Head, Loaded, LogChange, Query, Range, StoreError};

const LOGS: &str = "logs";
const EVENTS: &str = "events";
const EFFECTS: &str = "effects";
const MARKS: &str = "marks";
const PROFILES: &str = "profiles";
const REST: &str = "rest";

/// All its stores.
pub(super) const STORES: [&str; 6] = [LOGS, EVENTS, EFFECTS, MARKS, PROFILES, REST];

/// Messages and files.
const BASE: &str = "base";
/// Messages and files that weren't erased, by their sender.
const SENT: &str = "sent";
/// Messages and files that were erased.
const ERASED: &str = "erased";
/// Effects by the event that acts.
const ACTING: &str = "acting";

/// Where `since` lies.
const SINCE: &str = "since";

#[derive(Serialize, Deserialize)]
struct LogRow {
    log: String,
    members: Vec<String>,
    first: u64,
    oldest: u64,
    newest: u64,
}

/// An event. Rows without the first field of an index aren't in it.
#[derive(Serialize, Deserialize)]
struct EventRow {
    log: String,
    number: u64,
    /// The log, if it is a message or file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<String>,
    /// The same, if it wasn't erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent: Option<String>,
    /// The same, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    erased: Option<String>,
    sender: String,
    /// The event as JSON: a browser would change numbers in its body.
    event: String,
}

/// An event that acts on another one; once more, so that those of a page come at once.
#[derive(Serialize, Deserialize)]
struct EffectRow {
    log: String,
    target: u64,
    number: u64,
    event: String,
}

/// Makes the stores anew: what they held can be fetched.
pub(super) fn make(schema: &Schema) -> Result<(), JsValue> {
    for name in STORES {
        schema.remove(name)?;
    }
    schema.store(LOGS, &["log"])?;
    let events = schema.store(EVENTS, &["log", "number"])?;
    index(&events, BASE, &["base", "number"], true)?;
    index(&events, SENT, &["sent", "sender", "number"], true)?;
    index(&events, ERASED, &["erased", "number"], true)?;
    let effects = schema.store(EFFECTS, &["log", "target", "number"])?;
    index(&effects, ACTING, &["log", "number"], false)?;
    schema.store(MARKS, &["conversation", "username"])?;
    schema.store(PROFILES, &["username"])?;
    schema.plain_store(REST)?;
    Ok(())
}

pub(super) async fn load(database: &Database) -> Result<Loaded, StoreError> {
    let transaction = database.read(&[LOGS, MARKS, PROFILES, REST])?;
    let logs = rows::<LogRow>(transaction.store(LOGS)?.get_all()).await?;
    let since = transaction.store(REST)?.get(&SINCE.into());
    Ok(Loaded {
        heads: logs.into_iter().map(LogRow::into_head).collect(),
        marks: rows::<Mark>(transaction.store(MARKS)?.get_all()).await?,
        profiles: rows::<ProfileInfo>(transaction.store(PROFILES)?.get_all()).await?,
        since: number(since).await?,
    })
}

pub(super) async fn commit(database: &Database, batch: &Batch) -> Result<(), StoreError> {
    // What isn't safely on the disk after a power cut is fetched again.
    let transaction = database.write(&STORES, Durability::Relaxed)?;
    for change in &batch.logs {
        let found = row::<LogRow>(transaction.store(LOGS)?.get(&change.log.as_str().into())).await?;
        if found.map(|row| row.into_head().1) != change.before {
            return Err(StoreError::Changed);
        }
        change_log(&transaction, change).await?;
    }
    change_rest(&transaction, batch).await?;
    transaction.done().await
}

async fn change_log(transaction: &Transaction, change: &LogChange) -> Result<(), StoreError> {
    let log: JsValue = change.log.as_str().into();
    let head = LogRow::of(&change.log, &change.after);
    made(transaction.store(LOGS)?.put(&to_js(&head)?))?;
    let (events, effects) = (transaction.store(EVENTS)?, transaction.store(EFFECTS)?);
    for (event, targets) in &change.events {
        let row = EventRow::of(&change.log, event)?;
        made(events.add(&to_js(&row)?))?;
        for target in targets {
            let effect = EffectRow {
                log: change.log.clone(),
                target: *target,
                number: event.number,
                event: row.event.clone(),
            };
            made(effects.put(&to_js(&effect)?))?;
        }
    }
    for (number, sender) in &change.erase {
        let place = key([log.clone(), numeric(*number)]);
        let Some(held) = row::<EventRow>(events.get(&place)).await? else {
            continue;
        };
        let mut event = parse(&held.event)?;
        if event.sender != *sender {
            continue;
        }
        event.body = None;
        let erased = EventRow::of(&change.log, &event)?;
        made(events.put(&to_js(&erased)?))?;
        let acting = effects.index(ACTING).map_err(|_| missing(ACTING))?;
        for mut effect in rows::<EffectRow>(acting.get_all_with_key(&place)).await? {
            effect.event.clone_from(&erased.event);
            made(effects.put(&to_js(&effect)?))?;
        }
    }
    let before = change.before.as_ref().map_or(0, |head| head.oldest);
    if (1..change.after.oldest).contains(&before) {
        let below = numeric(change.after.oldest - 1);
        let forgotten = between(&key([log.clone(), numeric(0)]), &key([log, below]))?;
        made(events.delete(&forgotten))?;
        let acting = effects.index(ACTING).map_err(|_| missing(ACTING))?;
        let places = result(acting.get_all_keys_with_key(&forgotten)).await?;
        for place in Array::from(&places) {
            made(effects.delete(&place))?;
        }
    }
    Ok(())
}

async fn change_rest(transaction: &Transaction, batch: &Batch) -> Result<(), StoreError> {
    let marks = transaction.store(MARKS)?;
    for mark in &batch.marks {
        let place = key([mark.conversation.as_str().into(), mark.username.as_str().into()]);
        let held = row::<Mark>(marks.get(&place)).await?;
        // Another page may have seen more of a mark; it never goes back.
        let merged = Mark {
            delivered: mark.delivered.max(held.as_ref().map_or(0, |held| held.delivered)),
            read: mark.read.max(held.as_ref().map_or(0, |held| held.read)),
            ..mark.clone()
        };
        made(marks.put(&to_js(&merged)?))?;
    }
    for person in &batch.profiles {
        made(transaction.store(PROFILES)?.put(&to_js(person)?))?;
    }
    if let Some(since) = batch.since {
        let rest = transaction.store(REST)?;
        made(rest.put_with_key(&numeric(since), &SINCE.into()))?;
    }
    Ok(())
}

pub(super) async fn events(database: &Database, query: &Query) -> Result<Vec<LogEvent>, StoreError> {
    let transaction = database.read(&[EVENTS])?;
    let store = transaction.store(EVENTS)?;
    // The index of a store's own keys would be the store again.
    let base = match query.base_only {
        true => Some(store.index(BASE).map_err(|_| missing(BASE))?),
        false => None,
    };
    let log: JsValue = query.log.as_str().into();
    let all = |range: &JsValue, limit: u32| match &base {
        Some(base) => base.get_all_with_key_and_limit(range, limit),
        None => store.get_all_with_key_and_limit(range, limit),
    };
    let found = match query.range {
        Range::After(number) => {
            let first = key([log.clone(), numeric(number.saturating_add(1))]);
            let range = between(&first, &key([log, last()]))?;
            rows::<EventRow>(all(&range, query.limit)).await?
        }
        Range::Before(number) => {
            let newest_first = |range: &JsValue| match &base {
                Some(base) => base.open_key_cursor_with_range_and_direction(range, IdbCursorDirection::Prev),
                None => store.open_key_cursor_with_range_and_direction(range, IdbCursorDirection::Prev),
            };
            let mut found = Vec::new();
            let mut before = number;
            let mut width = u64::from(query.limit);
            // Browsers read many rows at once only forwards. So it is looked where the newest one stands, and what is
            // around it is read, wider and wider where little is.
            while found.len() < query.limit as usize && before > 0 {
                let below = key([log.clone(), numeric(before - 1)]);
                let range = between(&key([log.clone(), numeric(0)]), &below)?;
                let Some(newest) = number_at(&result(newest_first(&range)).await?) else {
                    break;
                };
                let oldest = (newest + 1).saturating_sub(width);
                let range = between(
                    &key([log.clone(), numeric(oldest)]),
                    &key([log.clone(), numeric(newest)]),
                )?;
                let mut rows = rows::<EventRow>(all(&range, u32::MAX)).await?;
                rows.append(&mut found);
                found = rows;
                before = oldest;
                width = width.saturating_mul(2);
            }
            let many = found.len().saturating_sub(query.limit as usize);
            found.split_off(many)
        }
    };
    found.iter().map(|row| parse(&row.event)).collect()
}

pub(super) async fn effects(
    database: &Database,
    log: &str,
    (first, last_target): (u64, u64),
) -> Result<Vec<(u64, LogEvent)>, StoreError> {
    if first > last_target {
        return Ok(Vec::new());
    }
    let transaction = database.read(&[EFFECTS])?;
    let range = between(
        &key([log.into(), numeric(first)]),
        &key([log.into(), numeric(last_target), last()]),
    )?;
    let mut found = rows::<EffectRow>(transaction.store(EFFECTS)?.get_all_with_key(&range)).await?;
    found.sort_unstable_by_key(|row| (row.number, row.target));
    found
        .iter()
        .map(|row| Ok((row.target, parse(&row.event)?)))
        .collect()
}

pub(super) async fn unread(database: &Database, log: &str, above: u64, me: &str) -> Result<u64, StoreError> {
    let transaction = database.read(&[EVENTS])?;
    let store = transaction.store(EVENTS)?;
    let find = |name: &str| store.index(name).map_err(|_| missing(name));
    let first = numeric(above.saturating_add(1));
    let range = |start: &[JsValue]| {
        let end = |number: JsValue| JsValue::from(start.iter().cloned().chain([number]).collect::<Array>());
        between(&end(first.clone()), &end(last()))
    };
    // All three are under way at once.
    let all = find(BASE)?.count_with_key(&range(&[log.into()])?);
    let own = find(SENT)?.count_with_key(&range(&[log.into(), me.into()])?);
    let erased = find(ERASED)?.count_with_key(&range(&[log.into()])?);
    let (all, own, erased) = (number(all).await?, number(own).await?, number(erased).await?);
    Ok(all.saturating_sub(own + erased))
}

/// Removes every row.
pub(super) fn clear(transaction: &Transaction) -> Result<(), StoreError> {
    for name in STORES {
        made(transaction.store(name)?.clear())?;
    }
    Ok(())
}

impl LogRow {
    fn of(log: &str, head: &Head) -> Self {
        Self {
            log: log.to_owned(),
            members: head.members.clone(),
            first: head.first,
            oldest: head.oldest,
            newest: head.newest,
        }
    }

    fn into_head(self) -> (String, Head) {
        let Self {
            log,
            members,
            first,
            oldest,
            newest,
        } = self;
        let head = Head {
            members,
            first,
            oldest,
            newest,
        };
        (log, head)
    }
}

impl EventRow {
    fn of(log: &str, event: &LogEvent) -> Result<Self, StoreError> {
        let base = matches!(event.event, EventKind::Message | EventKind::File).then(|| log.to_owned());
        let (erased, sent) = match event.body {
            Some(_) => (None, base.clone()),
            None => (base.clone(), None),
        };
        Ok(Self {
            log: log.to_owned(),
            number: event.number,
            base,
            sent,
            erased,
            sender: event.sender.clone(),
            event: serde_json::to_string(event).map_err(|error| StoreError::Device(error.to_string()))?,
        })
    }
}

fn parse(event: &str) -> Result<LogEvent, StoreError> {
    serde_json::from_str(event).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// The last part of the key that a cursor stands at, if it stands anywhere.
fn number_at(cursor: &JsValue) -> Option<u64> {
    let place = cursor.dyn_ref::<IdbCursor>()?.key().ok()?;
    let number = Array::from(&place).pop().as_f64()?;
    Some(number as u64)
}

fn missing(name: &str) -> StoreError {
    StoreError::Damaged(format!("no index {name}"))
}
