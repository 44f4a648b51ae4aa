//! Reading logs: what is newer than a client holds, and a page of one log.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use kith_common::{DeviceId, EventKind, limits};
use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationDef};

use super::Store;
use super::directory::log_from;
use super::entity::{events, logs, members};
use super::error::StoreError;
use super::types::{Account, AccountId, Log, LogId, LogKind, kind_from_column};

/// An event as it was stored.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// Its number.
    pub number: i64,
    /// Who wrote it.
    pub sender: Arc<Account>,
    /// From which device.
    pub device: DeviceId,
    /// What it is about.
    pub kind: EventKind,
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// The content; `None` once erased.
    pub body: Option<Bytes>,
    /// The sender's idempotency key.
    pub client_id: Option<String>,
}

/// A stretch of a log.
#[derive(Clone, Debug)]
pub struct Page {
    /// The log.
    pub log: Arc<Log>,
    /// Who is in it; nobody for an account's log.
    pub members: Vec<Arc<Account>>,
    /// The oldest number it still has for the account.
    pub first: i64,
    /// Its newest number.
    pub newest: i64,
    /// The events, in order.
    pub events: Vec<StoredEvent>,
}

/// Which events of a log are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch {
    /// The newest of those with smaller numbers.
    Before(i64),
    /// The oldest of those with greater numbers.
    After(i64),
}

/// Events read at a time while filling a page.
const CHUNK: u64 = 100;

/// One of an account's logs, as it is when it is looked at.
struct Readable {
    row: logs::Model,
    log: Arc<Log>,
    /// The number that the account joined at.
    joined: i64,
}

impl Readable {
    /// The number below the oldest that the account may see.
    fn floor(&self) -> i64 {
        Ord::max(self.joined, self.row.first - 1)
    }
}

/// What may still go into a reply.
struct Room {
    events: u64,
    bytes: usize,
}

impl Room {
    fn new(events: u64) -> Self {
        Self {
            events,
            bytes: limits::SYNC_BYTES,
        }
    }

    fn is_used_up(&self) -> bool {
        self.events == 0 || self.bytes == 0
    }

    fn take(&mut self, event: &StoredEvent) {
        self.events = self.events.saturating_sub(1);
        self.bytes = self
            .bytes
            .saturating_sub(event.body.as_ref().map_or(0, Bytes::len));
    }
}

impl Store {
    /// What an account's logs have after the numbers held (0 where a log isn't named), `limit` events at most, and
    /// none after [`limits::SYNC_BYTES`] of content; of conversations that aren't named, at most the newest `tail`. The second
    /// value says whether there is more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn newer(
        &self,
        account: &Account,
        held: &BTreeMap<String, u64>,
        limit: u64,
        tail: Option<u64>,
    ) -> Result<(Vec<Page>, bool), StoreError> {
        let mut room = Room::new(limit);
        let mut pages = Vec::new();
        for readable in self.logs_of(account).await? {
            let after = match (held.get(&*readable.log.public_id), tail) {
                (Some(held), _) => i64::try_from(*held).unwrap_or(i64::MAX),
                (None, Some(tail)) if readable.log.kind != LogKind::Account => {
                    let tail = i64::try_from(tail).unwrap_or(i64::MAX);
                    readable.row.newest.saturating_sub(tail)
                }
                (None, _) => 0,
            };
            let after = Ord::max(after, readable.floor());
            if readable.row.newest <= after {
                continue;
            }
            if room.is_used_up() {
                return Ok((pages, true));
            }
            let events = self.stretch(&readable, Stretch::After(after), &mut room).await?;
            let newest = readable.row.newest;
            let complete = events.last().is_none_or(|event| event.number >= newest);
            pages.push(self.page(readable, events).await?);
            if !complete {
                return Ok((pages, true));
            }
        }
        Ok((pages, false))
    }

    /// A page of one of the account's logs, by the id that clients know: `limit` events at most, and none after
    /// [`limits::SYNC_BYTES`] of content. Beyond the log's ends there are none.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the account has no such log.
    pub async fn history(
        &self,
        account: &Account,
        log: &str,
        stretch: Stretch,
        limit: u64,
    ) -> Result<Page, StoreError> {
        let readable = self.log_of(account, log).await?;
        let events = self.stretch(&readable, stretch, &mut Room::new(limit)).await?;
        self.page(readable, events).await
    }

    async fn page(&self, readable: Readable, events: Vec<StoredEvent>) -> Result<Page, StoreError> {
        let Readable { row, log, joined } = readable;
        let members = if log.kind == LogKind::Account {
            Vec::new()
        } else {
            self.members(log.id).await?
        };
        // Events may have come since `row` was read.
        let newest = events
            .last()
            .map_or(row.newest, |event| Ord::max(event.number, row.newest));
        Ok(Page {
            log,
            members,
            first: Ord::max(row.first, joined + 1),
            newest,
            events,
        })
    }

    /// Events of a log in order, until it ends or the room for them is used up.
    async fn stretch(
        &self,
        readable: &Readable,
        stretch: Stretch,
        room: &mut Room,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut events: Vec<StoredEvent> = Vec::new();
        while !room.is_used_up() {
            let wanted = Ord::min(room.events, CHUNK);
            let edge = events.last().map(|event| event.number);
            let (log, floor) = (readable.log.id, readable.floor());
            let chunk = match stretch {
                Stretch::After(number) => {
                    let after = Ord::max(edge.unwrap_or(number), floor);
                    self.events_after(log, after, wanted).await?
                }
                Stretch::Before(number) => {
                    let before = edge.unwrap_or(number);
                    // With the floor in the query PostgreSQL would expect few rows and sort them all.
                    let mut chunk = self.events_before(log, before, wanted).await?;
                    chunk.retain(|event| event.number > floor);
                    chunk
                }
            };
            let is_last = (chunk.len() as u64) < wanted;
            for event in chunk {
                if room.is_used_up() {
                    break;
                }
                room.take(&event);
                events.push(event);
            }
            if is_last {
                break;
            }
        }
        if matches!(stretch, Stretch::Before(_)) {
            events.reverse();
        }
        Ok(events)
    }

    /// Events of a log after a number, in order. The caller has checked that they may be seen.
    ///
    /// # Errors
    /// The database failed.
    pub async fn events_after(
        &self,
        log: LogId,
        after: i64,
        limit: u64,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let rows = events::Entity::find()
            .filter(events::Column::LogId.eq(log.0))
            .filter(events::Column::Number.gt(after))
            .order_by_asc(events::Column::Number)
            .limit(limit)
            .all(&self.readers)
            .await?;
        self.stored(rows).await
    }

    /// Events of a log before a number, the newest first: a scan of the primary key, however long the log is.
    async fn events_before(
        &self,
        log: LogId,
        before: i64,
        limit: u64,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let rows = events::Entity::find()
            .filter(events::Column::LogId.eq(log.0))
            .filter(events::Column::Number.lt(before))
            .order_by_desc(events::Column::Number)
            .limit(limit)
            .all(&self.readers)
            .await?;
        self.stored(rows).await
    }

    async fn stored(&self, rows: Vec<events::Model>) -> Result<Vec<StoredEvent>, StoreError> {
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            // A kind that this version doesn't know was written by a newer one; its number must not be missed.
            let Some(kind) = kind_from_column(row.kind) else {
                return Err(StoreError::NotFound);
            };
            found.push(StoredEvent {
                number: row.number,
                sender: self.account(AccountId(row.sender_id)).await?,
                device: DeviceId(row.device_id),
                kind,
                time: row.time,
                body: row.body.map(Bytes::from),
                client_id: row.client_id,
            });
        }
        Ok(found)
    }

    /// Who is in a conversation.
    ///
    /// # Errors
    /// The database failed.
    pub async fn members(&self, log: LogId) -> Result<Vec<Arc<Account>>, StoreError> {
        let rows = members::Entity::find()
            .filter(members::Column::LogId.eq(log.0))
            .all(&self.readers)
            .await?;
        let mut found = Vec::with_capacity(rows.len());
        for row in rows {
            found.push(self.account(AccountId(row.account_id)).await?);
        }
        Ok(found)
    }

    /// The account's own log and its conversations.
    async fn logs_of(&self, account: &Account) -> Result<Vec<Readable>, StoreError> {
        let mut found = vec![self.own_log(account).await?];
        let rows = members::Entity::find()
            .filter(members::Column::AccountId.eq(account.id.0))
            .join(JoinType::InnerJoin, members_to_logs())
            .select_also(logs::Entity)
            .order_by_asc(members::Column::LogId)
            .all(&self.readers)
            .await?;
        for (member, row) in rows {
            let Some(row) = row else { continue };
            found.push(Readable {
                log: log_from(&row),
                row,
                joined: member.joined_number,
            });
        }
        Ok(found)
    }

    async fn own_log(&self, account: &Account) -> Result<Readable, StoreError> {
        let row = logs::Entity::find_by_id(account.log.id.0)
            .one(&self.readers)
            .await?
            .ok_or(StoreError::NotFound)?;
        Ok(Readable {
            row,
            log: account.log.clone(),
            joined: 0,
        })
    }

    /// One of the account's logs, by the id that clients know.
    async fn log_of(&self, account: &Account, public_id: &str) -> Result<Readable, StoreError> {
        if *account.log.public_id == *public_id {
            return self.own_log(account).await;
        }
        let log = self.conversation(public_id).await?;
        let found = members::Entity::find_by_id((log.id.0, account.id.0))
            .join(JoinType::InnerJoin, members_to_logs())
            .select_also(logs::Entity)
            .one(&self.readers)
            .await?;
        match found {
            Some((member, Some(row))) => Ok(Readable {
                row,
                log,
                joined: member.joined_number,
            }),
            _ => Err(StoreError::NotFound),
        }
    }
}

pub(super) fn members_to_logs() -> RelationDef {
    members::Entity::belongs_to(logs::Entity)
        .from(members::Column::LogId)
        .to(logs::Column::Id)
        .into()
}
