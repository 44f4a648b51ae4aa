//! The SQL of the copy.

use kith_common::{DeviceId, EventKind, LogEvent, Mark, ProfileInfo};
use rusqlite::{
    Connection, ErrorCode, OptionalExtension as _, Row, Transaction, TransactionBehavior, params,
};
use serde_json::value::RawValue;

use super::{from_sql, to_sql};
use crate::local_store::{Batch, Head, Loaded, LogChange, Query, Range, StoreError};

/// A copy of any other version is thrown away: raise it with every change of the schema or of what rows mean.
pub(super) const VERSION: i64 = 1;

pub(super) const SCHEMA: &str = "
CREATE TABLE logs (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    members TEXT NOT NULL,
    first INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    newest INTEGER NOT NULL
) STRICT;
CREATE TABLE events (
    log INTEGER NOT NULL REFERENCES logs,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    base INTEGER NOT NULL,
    sender TEXT NOT NULL,
    device INTEGER NOT NULL,
    time INTEGER NOT NULL,
    client_id TEXT,
    body TEXT,
    PRIMARY KEY (log, number)
) STRICT;
-- A page of messages; the unread ones.
CREATE INDEX events_base ON events (log, number) WHERE base = 1;
-- What an event acts on.
CREATE TABLE effects (
    log INTEGER NOT NULL REFERENCES logs,
    target INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (log, target, number)
) STRICT, WITHOUT ROWID;
-- What acted from below the oldest number, when a log's beginning is forgotten.
CREATE INDEX effects_number ON effects (log, number);
CREATE TABLE marks (
    conversation TEXT NOT NULL,
    username TEXT NOT NULL,
    delivered INTEGER NOT NULL,
    read INTEGER NOT NULL,
    PRIMARY KEY (conversation, username)
) STRICT;
CREATE TABLE profiles (
    username TEXT PRIMARY KEY,
    display_name TEXT NOT NULL,
    about TEXT NOT NULL,
    avatar TEXT
) STRICT;
CREATE TABLE cursor (since INTEGER NOT NULL) STRICT;
";

pub(super) fn load(connection: &mut Connection) -> Result<Loaded, StoreError> {
    let read = |connection: &Connection| -> rusqlite::Result<Loaded> {
        let mut logs = connection.prepare_cached("SELECT name, members, first, oldest, newest FROM logs")?;
        let heads = logs.query_map([], |row| Ok((row.get(0)?, head(row, 1)?)))?;
        let mut marks =
            connection.prepare_cached("SELECT conversation, username, delivered, read FROM marks")?;
        let marks = marks.query_map([], |row| {
            Ok(Mark {
                conversation: row.get(0)?,
                username: row.get(1)?,
                delivered: from_sql(row.get(2)?),
                read: from_sql(row.get(3)?),
            })
        })?;
        let mut profiles =
            connection.prepare_cached("SELECT username, display_name, about, avatar FROM profiles")?;
        let profiles = profiles.query_map([], |row| {
            Ok(ProfileInfo {
                username: row.get(0)?,
                display_name: row.get(1)?,
                about: row.get(2)?,
                avatar: row.get(3)?,
            })
        })?;
        let since = connection
            .query_row("SELECT since FROM cursor", [], |row| row.get(0))
            .optional()?;
        Ok(Loaded {
            heads: heads.collect::<rusqlite::Result<_>>()?,
            marks: marks.collect::<rusqlite::Result<_>>()?,
            profiles: profiles.collect::<rusqlite::Result<_>>()?,
            since: since.map_or(0, from_sql),
        })
    };
    read(connection).map_err(error)
}

pub(super) fn commit(connection: &mut Connection, batch: &Batch) -> Result<(), StoreError> {
    // From the start a writing one, so that no other program can come between the look at a head and its change.
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(error)?;
    for change in &batch.logs {
        let (id, found) = find(&transaction, &change.log).map_err(error)?.unzip();
        if found != change.before {
            return Err(StoreError::Changed);
        }
        change_log(&transaction, id, change).map_err(error)?;
    }
    change_rest(&transaction, batch).map_err(error)?;
    transaction.commit().map_err(error)
}

fn find(transaction: &Transaction<'_>, log: &str) -> rusqlite::Result<Option<(i64, Head)>> {
    transaction
        .prepare_cached("SELECT id, members, first, oldest, newest FROM logs WHERE name = ?1")?
        .query_row([log], |row| Ok((row.get(0)?, head(row, 1)?)))
        .optional()
}

fn change_log(transaction: &Transaction<'_>, id: Option<i64>, change: &LogChange) -> rusqlite::Result<()> {
    let after = &change.after;
    let id: i64 = transaction
        .prepare_cached(
            "INSERT INTO logs (id, name, members, first, oldest, newest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (id) DO UPDATE SET members = ?3, first = ?4, oldest = ?5, newest = ?6 RETURNING id",
        )?
        .query_row(
            params![
                id,
                change.log,
                serde_json::to_string(&after.members).unwrap_or_default(),
                to_sql(after.first),
                to_sql(after.oldest),
                to_sql(after.newest)
            ],
            |row| row.get(0),
        )?;
    let mut event = transaction.prepare_cached(
        "INSERT INTO events (log, number, kind, base, sender, device, time, client_id, body)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    let mut effect = transaction.prepare_cached(
        "INSERT INTO effects (log, target, number) VALUES (?1, ?2, ?3)
            ON CONFLICT DO NOTHING",
    )?;
    for (new, targets) in &change.events {
        let number = to_sql(new.number);
        event.execute(params![
            id,
            number,
            kind_to_sql(new.event),
            matches!(new.event, EventKind::Message | EventKind::File),
            new.sender,
            new.device.0,
            new.time,
            new.client_id,
            new.body.as_deref().map(RawValue::get)
        ])?;
        for target in targets {
            effect.execute([id, to_sql(*target), number])?;
        }
    }
    let mut erase = transaction
        .prepare_cached("UPDATE events SET body = NULL WHERE log = ?1 AND number = ?2 AND sender = ?3")?;
    for (number, sender) in &change.erase {
        erase.execute(params![id, to_sql(*number), sender])?;
    }
    if change
        .before
        .as_ref()
        .is_some_and(|before| before.oldest < after.oldest)
    {
        let below = to_sql(after.oldest);
        transaction.execute("DELETE FROM events WHERE log = ?1 AND number < ?2", [id, below])?;
        transaction.execute("DELETE FROM effects WHERE log = ?1 AND number < ?2", [id, below])?;
    }
    Ok(())
}

fn change_rest(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
    // Another program may have seen more of a mark; it never goes back.
    let mut mark = transaction.prepare_cached(
        "INSERT INTO marks (conversation, username, delivered, read) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (conversation, username) DO UPDATE SET delivered = max(delivered, ?3), read = max(read, ?4)",
    )?;
    for Mark {
        conversation,
        username,
        delivered,
        read,
    } in &batch.marks
    {
        mark.execute(params![conversation, username, to_sql(*delivered), to_sql(*read)])?;
    }
    let mut profile = transaction.prepare_cached(
        "INSERT INTO profiles (username, display_name, about, avatar) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (username) DO UPDATE SET display_name = ?2, about = ?3, avatar = ?4",
    )?;
    for person in &batch.profiles {
        profile.execute(params![
            person.username,
            person.display_name,
            person.about,
            person.avatar
        ])?;
    }
    if let Some(since) = batch.since {
        transaction.execute("DELETE FROM cursor", [])?;
        transaction.execute("INSERT INTO cursor (since) VALUES (?1)", [to_sql(since)])?;
    }
    Ok(())
}

const EVENT: &str = "e.number, e.kind, e.sender, e.device, e.time, e.client_id, e.body";

pub(super) fn events(connection: &mut Connection, query: &Query) -> Result<Vec<LogEvent>, StoreError> {
    let (from, comparison, order) = match query.range {
        Range::Before(number) => (number, "<", "DESC"),
        Range::After(number) => (number, ">", "ASC"),
    };
    let base = if query.base_only { "AND e.base = 1" } else { "" };
    let sql = format!(
        "SELECT {EVENT} FROM logs l JOIN events e ON e.log = l.id
        WHERE l.name = ?1 AND e.number {comparison} ?2 {base} ORDER BY e.number {order} LIMIT ?3"
    );
    let read = |connection: &Connection| -> rusqlite::Result<Vec<LogEvent>> {
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params![query.log, to_sql(from), query.limit], |row| {
            event(row, &query.log, 0)
        })?;
        rows.collect()
    };
    let mut events = read(connection).map_err(error)?;
    if matches!(query.range, Range::Before(_)) {
        events.reverse();
    }
    Ok(events)
}

pub(super) fn effects(
    connection: &mut Connection,
    log: &str,
    (first, last): (u64, u64),
) -> Result<Vec<(u64, LogEvent)>, StoreError> {
    let sql = format!(
        "SELECT f.target, {EVENT} FROM logs l JOIN effects f ON f.log = l.id
        JOIN events e ON e.log = f.log AND e.number = f.number
        WHERE l.name = ?1 AND f.target BETWEEN ?2 AND ?3 ORDER BY f.number"
    );
    let read = |connection: &Connection| -> rusqlite::Result<Vec<(u64, LogEvent)>> {
        let mut statement = connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params![log, to_sql(first), to_sql(last)], |row| {
            Ok((from_sql(row.get(0)?), event(row, log, 1)?))
        })?;
        rows.collect()
    };
    read(connection).map_err(error)
}

pub(super) fn unread(
    connection: &mut Connection,
    log: &str,
    above: u64,
    me: &str,
) -> Result<u64, StoreError> {
    let count: i64 = connection
        .prepare_cached(
            "SELECT count(*) FROM logs l JOIN events e ON e.log = l.id
            WHERE l.name = ?1 AND e.base = 1 AND e.number > ?2 AND e.sender <> ?3 AND e.body IS NOT NULL",
        )
        .and_then(|mut statement| statement.query_row(params![log, to_sql(above), me], |row| row.get(0)))
        .map_err(error)?;
    Ok(from_sql(count))
}

/// Removes every row.
pub(super) fn clear(connection: &mut Connection) -> Result<(), StoreError> {
    connection
        .execute_batch(
            "BEGIN IMMEDIATE; DELETE FROM effects; DELETE FROM events; DELETE FROM logs; DELETE FROM marks;
            DELETE FROM profiles; DELETE FROM cursor; COMMIT; PRAGMA wal_checkpoint(TRUNCATE);",
        )
        .map_err(error)
}

/// What an error of the copy means.
#[expect(clippy::needless_pass_by_value, reason = "it is mapped over errors")]
pub(super) fn error(error: rusqlite::Error) -> StoreError {
    match &error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            // `Unknown` is SQLite's general error: a table or column isn't what it should be.
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown => {
                StoreError::Damaged(error.to_string())
            }
            // A row that is there although the heads say that it isn't, or the other way round.
            ErrorCode::ConstraintViolation => StoreError::Damaged(error.to_string()),
            ErrorCode::DiskFull => StoreError::NoSpace,
            _ => StoreError::Device(error.to_string()),
        },
        _ => StoreError::Damaged(error.to_string()),
    }
}

fn head(row: &Row<'_>, at: usize) -> rusqlite::Result<Head> {
    let members: String = row.get(at)?;
    let members = serde_json::from_str(&members).map_err(|error| unreadable(at, error))?;
    Ok(Head {
        members,
        first: from_sql(row.get(at + 1)?),
        oldest: from_sql(row.get(at + 2)?),
        newest: from_sql(row.get(at + 3)?),
    })
}

fn event(row: &Row<'_>, log: &str, at: usize) -> rusqlite::Result<LogEvent> {
    let kind: String = row.get(at + 1)?;
    let body: Option<String> = row.get(at + 6)?;
    Ok(LogEvent {
        event: serde_json::from_value(kind.into()).map_err(|error| unreadable(at + 1, error))?,
        conversation: log.to_owned(),
        number: from_sql(row.get(at)?),
        sender: row.get(at + 2)?,
        device: DeviceId(row.get(at + 3)?),
        time: row.get(at + 4)?,
        client_id: row.get(at + 5)?,
        body: body
            .map(RawValue::from_string)
            .transpose()
            .map_err(|error| unreadable(at + 6, error))?,
    })
}

fn kind_to_sql(kind: EventKind) -> String {
    let text = serde_json::to_value(kind).unwrap_or_default();
    text.as_str().unwrap_or_default().to_owned()
}

fn unreadable(column: usize, error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}
