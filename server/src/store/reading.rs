//! Reading logs: what is newer than a client holds, and what clients of the seed's protocol have missed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use kith_common::{DeviceId, EventKind, limits};
use sea_orm::sea_query::{CaseStatement, Expr};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationDef,
};

use super::Store;
use super::directory::log_from;
use super::entity::{events, logs, members};
use super::error::StoreError;
use super::types::{Account, AccountId, Log, LogId, LogKind, kind_from_column};
use super::writer::padded;

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
    /// The oldest number it still has.
    pub first: i64,
    /// Its newest number.
    pub newest: i64,
    /// Events after the number held.
    pub events: Vec<StoredEvent>,
}

/// A conversation in which clients of the seed's protocol have missed something.
#[derive(Clone, Debug)]
pub struct SeedBacklog {
    /// The conversation.
    pub log: Arc<Log>,
    /// How far they were given it.
    pub given: i64,
}

/// Events read at a time while filling a page.
const CHUNK: u64 = 100;

impl Store {
    /// What an account's logs have after the numbers held (0 where a log isn't named), `limit` events at most, and
    /// none after [`limits::SYNC_BYTES`] of content. The second value says whether there is more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn newer(
        &self,
        account: &Account,
        held: &BTreeMap<String, u64>,
        limit: u64,
    ) -> Result<(Vec<Page>, bool), StoreError> {
        let (mut left, mut bytes) = (limit, limits::SYNC_BYTES);
        let mut pages = Vec::new();
        for (row, log, joined) in self.logs_of(account).await? {
            let held = held.get(&*log.public_id).copied().unwrap_or_default();
            let held = i64::try_from(held).unwrap_or(i64::MAX);
            let after = Ord::max(held, Ord::max(joined, row.first - 1));
            if row.newest <= after {
                continue;
            }
            if left == 0 || bytes == 0 {
                return Ok((pages, true));
            }
            let events = self.page(log.id, after, &mut left, &mut bytes).await?;
            let complete = events.last().is_none_or(|event| event.number >= row.newest);
            let members = if log.kind == LogKind::Account {
                Vec::new()
            } else {
                self.members(log.id).await?
            };
            // Events may have come since `row` was read.
            let newest = events
                .last()
                .map_or(row.newest, |event| Ord::max(event.number, row.newest));
            pages.push(Page {
                log,
                members,
                first: row.first,
                newest,
                events,
            });
            if !complete {
                return Ok((pages, true));
            }
        }
        Ok((pages, false))
    }

    /// Events after a number, until the log ends or what is `left` of events or `bytes` is used up.
    async fn page(
        &self,
        log: LogId,
        after: i64,
        left: &mut u64,
        bytes: &mut usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut events: Vec<StoredEvent> = Vec::new();
        while *left > 0 && *bytes > 0 {
            let after = events.last().map_or(after, |event| event.number);
            let wanted = Ord::min(*left, CHUNK);
            let chunk = self.events_after(log, after, wanted).await?;
            let is_last = (chunk.len() as u64) < wanted;
            for event in chunk {
                if *bytes == 0 {
                    return Ok(events);
                }
                *left -= 1;
                *bytes = bytes.saturating_sub(event.body.as_ref().map_or(0, Bytes::len));
                events.push(event);
            }
            if is_last {
                break;
            }
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

    /// The conversations in which the account's clients of the seed's protocol have missed something.
    ///
    /// # Errors
    /// The database failed.
    pub async fn seed_backlog(&self, account: &Account) -> Result<Vec<SeedBacklog>, StoreError> {
        let rows = members::Entity::find()
            .filter(members::Column::AccountId.eq(account.id.0))
            .join(JoinType::InnerJoin, members_to_logs())
            .select_also(logs::Entity)
            .filter(
                Expr::col((logs::Entity, logs::Column::Newest))
                    .gt(Expr::col((members::Entity, members::Column::SeedNumber))),
            )
            .order_by_asc(members::Column::LogId)
            .all(&self.readers)
            .await?;
        let mut backlog = Vec::with_capacity(rows.len());
        for (member, log) in rows {
            let Some(log) = log else { continue };
            backlog.push(SeedBacklog {
                log: log_from(&log),
                given: member.seed_number,
            });
        }
        Ok(backlog)
    }

    /// Notes how far the account's clients of the seed's protocol were given each conversation. Never goes back.
    ///
    /// # Errors
    /// The database failed.
    pub async fn advance_seed(
        &self,
        account: AccountId,
        given: &HashMap<LogId, i64>,
    ) -> Result<(), StoreError> {
        if given.is_empty() {
            return Ok(());
        }
        let given: Vec<(i64, i64)> = given.iter().map(|(log, number)| (log.0, *number)).collect();
        self.writer
            .change(move |scope| {
                Box::pin(async move {
                    let mut case = CaseStatement::new();
                    for (log, number) in &given {
                        let further = members::Column::LogId
                            .eq(*log)
                            .and(members::Column::SeedNumber.lt(*number));
                        case = case.case(further, *number);
                    }
                    members::Entity::update_many()
                        .col_expr(
                            members::Column::SeedNumber,
                            case.finally(Expr::col(members::Column::SeedNumber)).into(),
                        )
                        .filter(members::Column::AccountId.eq(account.0))
                        .filter(members::Column::LogId.is_in(padded(given.iter().map(|(log, _)| *log))))
                        .exec(scope.db())
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// The account's own log and its conversations, each with the number that it joined at.
    async fn logs_of(&self, account: &Account) -> Result<Vec<(logs::Model, Arc<Log>, i64)>, StoreError> {
        let own = logs::Entity::find_by_id(account.log.id.0)
            .one(&self.readers)
            .await?
            .ok_or(StoreError::NotFound)?;
        let mut found = vec![(own, account.log.clone(), 0)];
        let rows = members::Entity::find()
            .filter(members::Column::AccountId.eq(account.id.0))
            .join(JoinType::InnerJoin, members_to_logs())
            .select_also(logs::Entity)
            .order_by_asc(members::Column::LogId)
            .all(&self.readers)
            .await?;
        for (member, log) in rows {
            let Some(row) = log else { continue };
            let log = log_from(&row);
            found.push((row, log, member.joined_number));
        }
        Ok(found)
    }
}

fn members_to_logs() -> RelationDef {
    members::Entity::belongs_to(logs::Entity)
        .from(members::Column::LogId)
        .to(logs::Column::Id)
        .into()
}
