//! Many marks in few statements: people who read along in many conversations must not hold up those who write.

use std::collections::{HashMap, HashSet};

use kith_common::{Mark, Notice};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};

use super::append::padded;
use super::scope::take_revisions;
use crate::store::contacts::blocked_pairs;
use crate::store::entity::{accounts, logs, members};
use crate::store::error::StoreError;
use crate::store::marks::{Marks, Raise, number};
use crate::store::types::{AccountId, AccountState, Announcement, LogKind};

/// Most rows in one statement. SQLite takes 32,766 parameters; a membership has nine.
const ROWS: usize = 512;

/// Raises all of these, one after the other. Returns what is in force after each, and who is told of what has changed.
/// An `Err` means that the database failed and the transaction can't go on.
pub(super) async fn raise_all(
    transaction: &DatabaseTransaction,
    items: &[Raise],
) -> Result<(Vec<Result<Marks, StoreError>>, Vec<Announcement>), StoreError> {
    let mut state = State::load(transaction, items).await?;
    let (mut outcomes, mut announcements) = (Vec::with_capacity(items.len()), Vec::new());
    for item in items {
        outcomes.push(match state.raise(item) {
            Ok((marks, has_changed)) => {
                if has_changed {
                    announcements.push(state.announcement(item, marks));
                }
                Ok(marks)
            }
            Err(error) => Err(error),
        });
    }
    state.save(transaction).await?;
    Ok((outcomes, announcements))
}

/// A log and a member of it.
type Key = (i64, i64);

/// What the transaction sees of the conversations that are marked.
struct State {
    members: HashMap<i64, Vec<i64>>,
    rows: HashMap<Key, members::Model>,
    newest: HashMap<i64, i64>,
    active: HashSet<i64>,
    /// Pairs of whom one has blocked the other, in both directions; for rooms only.
    blocked: HashSet<(i64, i64)>,
    changed: Vec<Key>,
}

impl State {
    async fn load(transaction: &DatabaseTransaction, items: &[Raise]) -> Result<Self, StoreError> {
        let ids = padded(items.iter().map(|item| item.log.id.0));
        let authors = padded(items.iter().map(|item| item.author.account.id.0));
        let rows = members::Entity::find()
            .filter(members::Column::LogId.is_in(ids.iter().copied()))
            .all(transaction)
            .await?;
        let newest: Vec<(i64, i64)> = logs::Entity::find()
            .select_only()
            .columns([logs::Column::Id, logs::Column::Newest])
            .filter(logs::Column::Id.is_in(ids))
            .into_tuple()
            .all(transaction)
            .await?;
        let active: Vec<i64> = accounts::Entity::find()
            .select_only()
            .column(accounts::Column::Id)
            .filter(accounts::Column::Id.is_in(authors.iter().copied()))
            .filter(accounts::Column::State.eq(AccountState::Active.to_column()))
            .into_tuple()
            .all(transaction)
            .await?;
        let has_room = items.iter().any(|item| item.log.kind == LogKind::Room);
        let blocked = if has_room {
            blocked_pairs(transaction, &authors).await?
        } else {
            HashSet::new()
        };
        let mut members: HashMap<i64, Vec<i64>> = HashMap::new();
        for row in &rows {
            members.entry(row.log_id).or_default().push(row.account_id);
        }
        Ok(Self {
            members,
            rows: rows
                .into_iter()
                .map(|row| ((row.log_id, row.account_id), row))
                .collect(),
            newest: newest.into_iter().collect(),
            active: active.into_iter().collect(),
            blocked,
            changed: Vec::new(),
        })
    }

    /// What is in force now, and whether that is more than before.
    fn raise(&mut self, item: &Raise) -> Result<(Marks, bool), StoreError> {
        let key = (item.log.id.0, item.author.account.id.0);
        let newest = self.newest.get(&key.0).copied().unwrap_or_default();
        let is_hidden = item.log.kind == LogKind::Direct && self.is_blocked(key.0);
        let row = self.rows.get_mut(&key).ok_or(StoreError::NotFound)?;
        if !self.active.contains(&key.1) {
            return Err(StoreError::Inactive);
        }
        let before = Marks {
            delivered: row.delivered_number,
            read: row.read_number,
        };
        let marks = before.raised_by(item.wanted, newest);
        (row.delivered_number, row.read_number) = (marks.delivered, marks.read);
        // What the others see stands still while one of the two has blocked the other.
        if !is_hidden {
            (row.shown_delivered, row.shown_read) = (marks.delivered, marks.read);
        }
        if marks != before && !self.changed.contains(&key) {
            self.changed.push(key);
        }
        Ok((marks, marks != before))
    }

    /// Whether somebody in a conversation of two has blocked the other one: the memberships say it.
    fn is_blocked(&self, log: i64) -> bool {
        let members = self.members.get(&log).map_or(&[][..], Vec::as_slice);
        members
            .iter()
            .any(|account| self.rows.get(&(log, *account)).is_some_and(|row| row.blocked))
    }

    /// To all members, the author's own connections among them; but to nobody who has blocked the author or is blocked by them.
    fn announcement(&self, item: &Raise, marks: Marks) -> Announcement {
        let (log, author) = (item.log.id.0, item.author.account.id.0);
        let members = self.members.get(&log).map_or(&[][..], Vec::as_slice);
        let is_blocked = |member: i64| match item.log.kind {
            LogKind::Direct => self.is_blocked(log),
            _ => self.blocked.contains(&(author, member)),
        };
        let sees = |member: &&i64| **member == author || !is_blocked(**member);
        let mark = Mark {
            conversation: item.log.public_id.to_string(),
            username: item.author.account.username.to_string(),
            delivered: number(marks.delivered),
            read: number(marks.read),
        };
        Announcement {
            audience: members.iter().filter(sees).copied().map(AccountId).collect(),
            except: Some(item.author.origin),
            notice: Notice::Mark(mark),
        }
    }

    async fn save(self, transaction: &DatabaseTransaction) -> Result<(), StoreError> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let count = i64::try_from(self.changed.len()).unwrap_or(i64::MAX);
        let last = take_revisions(transaction, count).await?;
        let rows = self.changed.iter().filter_map(|key| self.rows.get(key));
        let rows = rows
            .zip(last - count + 1..)
            .map(|(row, revision)| members::ActiveModel {
                log_id: Set(row.log_id),
                account_id: Set(row.account_id),
                joined_number: Set(row.joined_number),
                delivered_number: Set(row.delivered_number),
                read_number: Set(row.read_number),
                seed_number: Set(row.seed_number),
                blocked: Set(row.blocked),
                marks_revision: Set(revision),
                shown_delivered: Set(row.shown_delivered),
                shown_read: Set(row.shown_read),
                shown_revision: Set(if is_shown(row) {
                    revision
                } else {
                    row.shown_revision
                }),
                joined_revision: Set(row.joined_revision),
            });
        let rows: Vec<members::ActiveModel> = rows.collect();
        let mut rest = rows.as_slice();
        // Chunks whose sizes are powers of two, so that few different statements are ever prepared.
        while !rest.is_empty() {
            let mut size = ROWS;
            while size > rest.len() {
                size /= 2;
            }
            let (chunk, others) = rest.split_at(size);
            // The rows are there; to insert them again is how many are changed in one statement.
            let raise = OnConflict::columns([members::Column::LogId, members::Column::AccountId])
                .update_columns([
                    members::Column::DeliveredNumber,
                    members::Column::ReadNumber,
                    members::Column::MarksRevision,
                    members::Column::ShownDelivered,
                    members::Column::ShownRead,
                    members::Column::ShownRevision,
                ])
                .to_owned();
            members::Entity::insert_many(chunk.iter().cloned())
                .on_conflict(raise)
                .exec_without_returning(transaction)
                .await?;
            rest = others;
        }
        Ok(())
    }
}

/// Whether the others see what is marked.
fn is_shown(row: &members::Model) -> bool {
    (row.shown_delivered, row.shown_read) == (row.delivered_number, row.read_number)
}
