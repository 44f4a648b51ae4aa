//! The SQL of the outbox.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::copy::error;
use super::{from_sql, to_sql};
use crate::limits;
use crate::local_store::{Item, ItemChange, ItemState, NewItem, StoreError};

/// An outbox of a lower version has to be brought up to this one, not thrown away.
pub(super) const VERSION: i64 = 1;

pub(super) const SCHEMA: &str = "
CREATE TABLE items (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lane TEXT NOT NULL,
    client_id TEXT NOT NULL UNIQUE,
    request TEXT NOT NULL,
    data BLOB,
    time INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;
-- What is to be sent next.
CREATE INDEX items_waiting ON items (id) WHERE waiting = 1;
CREATE TABLE reads (
    log TEXT PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT;
";

pub(super) fn add(connection: &mut Connection, item: &NewItem) -> Result<u64, StoreError> {
    insist(connection)?;
    let count: i64 = connection
        .query_row("SELECT count(*) FROM items", [], |row| row.get(0))
        .map_err(error)?;
    if from_sql(count) >= limits::OUTBOX {
        return Err(StoreError::Full);
    }
    let id: i64 = connection
        .prepare_cached(
            "INSERT INTO items (lane, client_id, request, data, time, waiting, state)
            VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6) RETURNING id",
        )
        .and_then(|mut statement| {
            let state = state_to_sql(&ItemState::Waiting);
            let NewItem {
                lane,
                client_id,
                request,
                data,
                time,
            } = item;
            statement.query_row(params![lane, client_id, request, data, time, state], |row| {
                row.get(0)
            })
        })
        .map_err(error)?;
    Ok(from_sql(id))
}

pub(super) fn list(connection: &mut Connection) -> Result<Vec<Item>, StoreError> {
    let read = |connection: &Connection| -> rusqlite::Result<Vec<Item>> {
        let mut statement = connection.prepare_cached(
            "SELECT id, lane, client_id, request, NULL, time, state, length(data) FROM items ORDER BY id",
        )?;
        statement.query_map([], item)?.collect()
    };
    read(connection).map_err(error)
}

pub(super) fn one(connection: &mut Connection, id: u64) -> Result<Option<Item>, StoreError> {
    connection
        .prepare_cached(
            "SELECT id, lane, client_id, request, NULL, time, state, length(data) FROM items WHERE id = ?1",
        )
        .and_then(|mut statement| statement.query_row([to_sql(id)], item).optional())
        .map_err(error)
}

pub(super) fn next(connection: &mut Connection, busy: &[String]) -> Result<Option<Item>, StoreError> {
    connection
        .prepare_cached(
            "SELECT id, lane, client_id, request, data, time, state, length(data) FROM items
            WHERE waiting = 1 AND lane NOT IN (SELECT value FROM json_each(?1)) ORDER BY id LIMIT 1",
        )
        .and_then(|mut statement| {
            let busy = serde_json::to_string(busy).unwrap_or_default();
            statement.query_row([busy], item).optional()
        })
        .map_err(error)
}

pub(super) fn update(connection: &mut Connection, id: u64, change: &ItemChange) -> Result<bool, StoreError> {
    relax(connection)?;
    let changed = match change {
        ItemChange::State(state) => connection.execute(
            "UPDATE items SET state = ?2, waiting = ?3 WHERE id = ?1",
            params![to_sql(id), state_to_sql(state), *state == ItemState::Waiting],
        ),
        ItemChange::Request(request) => connection.execute(
            "UPDATE items SET request = ?2 WHERE id = ?1",
            params![to_sql(id), request],
        ),
    };
    Ok(changed.map_err(error)? > 0)
}

pub(super) fn remove(connection: &mut Connection, id: u64) -> Result<bool, StoreError> {
    relax(connection)?;
    let removed = connection.execute("DELETE FROM items WHERE id = ?1", [to_sql(id)]);
    Ok(removed.map_err(error)? > 0)
}

pub(super) fn want_read(connection: &mut Connection, log: &str, number: u64) -> Result<(), StoreError> {
    insist(connection)?;
    connection
        .execute(
            "INSERT INTO reads (log, number) VALUES (?1, ?2)
            ON CONFLICT (log) DO UPDATE SET number = max(number, ?2)",
            params![log, to_sql(number)],
        )
        .map_err(error)?;
    Ok(())
}

pub(super) fn wanted_reads(connection: &mut Connection) -> Result<Vec<(String, u64)>, StoreError> {
    let read = |connection: &Connection| -> rusqlite::Result<Vec<(String, u64)>> {
        let mut statement = connection.prepare_cached("SELECT log, number FROM reads ORDER BY log")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, from_sql(row.get(1)?))))?;
        rows.collect()
    };
    read(connection).map_err(error)
}

pub(super) fn read_done(connection: &mut Connection, log: &str, number: u64) -> Result<(), StoreError> {
    relax(connection)?;
    connection
        .execute(
            "DELETE FROM reads WHERE log = ?1 AND number <= ?2",
            params![log, to_sql(number)],
        )
        .map_err(error)?;
    Ok(())
}

/// Removes every row.
pub(super) fn clear(connection: &mut Connection) -> Result<(), StoreError> {
    connection
        .execute_batch(
            "BEGIN IMMEDIATE; DELETE FROM items; DELETE FROM reads; COMMIT; PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .map_err(error)
}

/// The next change must survive a power cut: a person was told that it is safe.
fn insist(connection: &Connection) -> Result<(), StoreError> {
    connection
        .pragma_update(None, "synchronous", "FULL")
        .map_err(error)
}

/// The next change need not survive a power cut: what was sent already is sent once more then, and takes effect once.
fn relax(connection: &Connection) -> Result<(), StoreError> {
    connection
        .pragma_update(None, "synchronous", "NORMAL")
        .map_err(error)
}

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    let state: String = row.get(6)?;
    let state = serde_json::from_str(&state).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(6, rusqlite::types::Type::Text, Box::new(error))
    })?;
    let size: Option<i64> = row.get(7)?;
    Ok(Item {
        id: from_sql(row.get(0)?),
        new: NewItem {
            lane: row.get(1)?,
            client_id: row.get(2)?,
            request: row.get(3)?,
            data: row.get(4)?,
            time: row.get(5)?,
        },
        size: size.map(from_sql),
        state,
    })
}

fn state_to_sql(state: &ItemState) -> String {
    serde_json::to_string(state).unwrap_or_default()
}
