//! The SQL of the outbox.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::de::DeserializeOwned;

use super::copy::error;
use super::{from_sql, to_sql};
use crate::limits;
use crate::local_store::{Item, ItemChange, LocalFile, NewItem, Source, StoreError};

/// An outbox of a lower version has to be brought up to this one, not thrown away.
pub(super) const VERSION: i64 = 3;

/// How the tables of each version become those of the next: the first of them those of version 1.
pub(super) const UPGRADES: [&str; 2] = [
    "
ALTER TABLE items ADD COLUMN source INTEGER NOT NULL DEFAULT 0;
ALTER TABLE items ADD COLUMN path BLOB;
ALTER TABLE items ADD COLUMN size INTEGER;
ALTER TABLE items ADD COLUMN modified INTEGER;
CREATE INDEX items_transfers ON items (id) WHERE waiting = 2;
",
    "ALTER TABLE items ADD COLUMN blanks TEXT NOT NULL DEFAULT '[]';",
];

pub(super) const SCHEMA: &str = "
CREATE TABLE items (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lane TEXT NOT NULL,
    client_id TEXT NOT NULL UNIQUE,
    request TEXT NOT NULL,
    data BLOB,
    time INTEGER NOT NULL,
    -- 1: it is to be sent; 2: to be transferred or called off.
    waiting INTEGER NOT NULL,
    state TEXT NOT NULL,
    -- 1: `data` is uploaded; 2: the file at `path` is; 3: one is downloaded to `path`.
    source INTEGER NOT NULL DEFAULT 0,
    path BLOB,
    size INTEGER,
    modified INTEGER,
    -- The parts of the file at `path` that aren't uploaded.
    blanks TEXT NOT NULL DEFAULT '[]'
) STRICT;
-- What is to be sent next.
CREATE INDEX items_waiting ON items (id) WHERE waiting = 1;
-- What is to be transferred.
CREATE INDEX items_transfers ON items (id) WHERE waiting = 2;
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
            "INSERT INTO items (lane, client_id, request, data, time, waiting, state, source, path, size, modified, blanks)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) RETURNING id",
        )
        .and_then(|mut statement| {
            let state = item.first_state();
            let (due, state) = (state.due(), state_to_sql(&state));
            let NewItem {
                lane,
                client_id,
                request,
                data,
                source,
                time,
            } = item;
            let blanks = blanks_to_sql(source.as_ref());
            let (source, path, size, modified) = source_to_sql(source.as_ref());
            statement.query_row(
                params![lane, client_id, request, data, time, due, state, source, path, size, modified, blanks],
                |row| row.get(0),
            )
        })
        .map_err(error)?;
    Ok(from_sql(id))
}

/// The columns of an item, with these bytes.
macro_rules! columns {
    ($data:literal) => {
        concat!(
            "SELECT id, lane, client_id, request, ",
            $data,
            ", time, state, coalesce(size, length(data)), source, path, modified, blanks FROM items "
        )
    };
}

pub(super) fn list(connection: &mut Connection) -> Result<Vec<Item>, StoreError> {
    several(connection, concat!(columns!("NULL"), "ORDER BY id"))
}

pub(super) fn transfers(connection: &mut Connection) -> Result<Vec<Item>, StoreError> {
    several(
        connection,
        concat!(columns!("NULL"), "WHERE waiting = 2 ORDER BY id"),
    )
}

fn several(connection: &Connection, sql: &str) -> Result<Vec<Item>, StoreError> {
    let read =
        || -> rusqlite::Result<Vec<Item>> { connection.prepare_cached(sql)?.query_map([], item)?.collect() };
    read().map_err(error)
}

pub(super) fn one(connection: &mut Connection, id: u64) -> Result<Option<Item>, StoreError> {
    by_id(connection, concat!(columns!("NULL"), "WHERE id = ?1"), id)
}

pub(super) fn whole(connection: &mut Connection, id: u64) -> Result<Option<Item>, StoreError> {
    by_id(connection, concat!(columns!("data"), "WHERE id = ?1"), id)
}

fn by_id(connection: &Connection, sql: &str, id: u64) -> Result<Option<Item>, StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.query_row([to_sql(id)], item).optional())
        .map_err(error)
}

pub(super) fn next(connection: &mut Connection, busy: &[String]) -> Result<Option<Item>, StoreError> {
    connection
        .prepare_cached(concat!(
            columns!("data"),
            "WHERE waiting = 1 AND lane NOT IN (SELECT value FROM json_each(?1)) ORDER BY id LIMIT 1"
        ))
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
            params![to_sql(id), state_to_sql(state), state.due()],
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
    let source = source(row)?;
    // The size of a file that makes place says nothing of the one that takes it.
    let size = match source {
        Some(Source::Over(_)) => None,
        _ => row.get::<_, Option<i64>>(7)?.map(from_sql),
    };
    Ok(Item {
        id: from_sql(row.get(0)?),
        new: NewItem {
            lane: row.get(1)?,
            client_id: row.get(2)?,
            request: row.get(3)?,
            data: row.get(4)?,
            source,
            time: row.get(5)?,
        },
        size,
        state: from_json(6, &row.get::<_, String>(6)?)?,
    })
}

fn from_json<T: DeserializeOwned>(column: usize, json: &str) -> rusqlite::Result<T> {
    serde_json::from_str(json).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// The columns `source`, `path`, `size` and `modified`.
type SourceColumns<'a> = (i64, Option<&'a [u8]>, Option<i64>, Option<i64>);

fn source_to_sql(source: Option<&Source>) -> SourceColumns<'_> {
    match source {
        None => (0, None, None, None),
        Some(Source::Kept) => (1, None, None, None),
        Some(Source::Path(file)) => file_to_sql(2, file),
        Some(Source::Target(path)) => (3, Some(path.as_os_str().as_encoded_bytes()), None, None),
        Some(Source::Over(file)) => file_to_sql(4, file),
    }
}

fn file_to_sql(source: i64, file: &LocalFile) -> SourceColumns<'_> {
    let path = file.path.as_os_str().as_encoded_bytes();
    (source, Some(path), Some(to_sql(file.size)), Some(file.modified))
}

fn source(row: &Row<'_>) -> rusqlite::Result<Option<Source>> {
    let path = |row: &Row<'_>| row.get(9).map(to_path);
    let file = |row: &Row<'_>| {
        Ok::<_, rusqlite::Error>(LocalFile {
            path: path(row)?,
            size: from_sql(row.get(7)?),
            modified: row.get(10)?,
            blanks: from_json(11, &row.get::<_, String>(11)?)?,
        })
    };
    Ok(match row.get(8)? {
        1 => Some(Source::Kept),
        2 => Some(Source::Path(file(row)?)),
        3 => Some(Source::Target(path(row)?)),
        4 => Some(Source::Over(file(row)?)),
        0_i64.. | ..0 => None,
    })
}

/// A path may be no text where the system allows that.
#[cfg(unix)]
fn to_path(bytes: Vec<u8>) -> PathBuf {
    let path: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(bytes);
    path.into()
}

/// A path may be no text where the system allows that; such a one won't be found.
#[cfg(not(unix))]
fn to_path(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn blanks_to_sql(source: Option<&Source>) -> String {
    let blanks = match source {
        Some(Source::Path(file)) => file.blanks.as_slice(),
        _ => &[],
    };
    serde_json::to_string(blanks).unwrap_or_default()
}

fn state_to_sql(state: &crate::local_store::ItemState) -> String {
    serde_json::to_string(state).unwrap_or_default()
}
