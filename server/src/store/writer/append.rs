//! Many appends in few statements.
//!
//! A batch costs one query for the members of its conversations, one update for their numbers and a handful of
//! inserts, however many events it has. The permission to write is checked here, inside the transaction, because what
//! the handler saw may have changed since. A bad item fails alone.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::sea_query::{CaseStatement, Expr};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, DatabaseTransaction, EntityTrait, ExprTrait, JoinType,
    QueryFilter, QuerySelect, RelationDef, TransactionTrait,
};

use crate::store::entity::{accounts, blobs, event_blobs, events, logs, members};
use crate::store::error::StoreError;
use crate::store::types::{
    AccountId, AccountState, Append, LogId, LogKind, NewBlob, Reader, Receipt, Stored, kind_to_column,
};

/// Most rows in one insert. SQLite takes 32,766 parameters; an event has nine.
const ROWS: usize = 512;

/// Most earlier writes looked up in one query: each is a term, and SQLite nests terms 1,000 deep at most.
const LOOKUP: usize = 100;

/// The fate of one append: what to answer, and the event unless it is an old one.
pub(super) type Appended = Result<(Receipt, Option<Stored>), StoreError>;

/// Writes all items, in order. An `Err` means that the database failed and the transaction can't go on.
pub(super) async fn append_all(
    transaction: &DatabaseTransaction,
    now: i64,
    items: &[Append],
) -> Result<Vec<Appended>, StoreError> {
    let members = Members::load(transaction, items).await?;
    let mut fates: Vec<Option<Appended>> = items.iter().map(|item| members.refuse(item).map(Err)).collect();
    answer_earlier(transaction, items, &doubtful(items, &fates), &mut fates).await?;
    let repeats = find_repeats(items, &mut fates);

    // Nearly always no `client_id` was used before: try, and look only when the index objects.
    if let Err(error) = place_in_savepoint(transaction, now, items, &members, &mut fates).await {
        if !error.is_unique() {
            return Err(error);
        }
        let open: Vec<usize> = open(items, &fates).into_iter().map(|(index, _)| index).collect();
        answer_earlier(transaction, items, &open, &mut fates).await?;
        if let Err(error) = place_in_savepoint(transaction, now, items, &members, &mut fates).await {
            if !error.is_constraint() {
                return Err(error);
            }
            place_one_by_one(transaction, now, items, &members, &mut fates).await?;
        }
    }
    for (index, first) in repeats {
        let answer = fates
            .get(first)
            .and_then(Option::as_ref)
            .map_or(Err(StoreError::Busy), repeat_of);
        set(&mut fates, index, answer);
    }
    Ok(fates
        .into_iter()
        .map(|fate| fate.unwrap_or(Err(StoreError::Busy)))
        .collect())
}

/// What a second write with the same key, in the same batch, is answered.
fn repeat_of(first: &Appended) -> Appended {
    match first {
        Ok((receipt, _)) => Ok((
            Receipt {
                replayed: true,
                ..receipt.clone()
            },
            None,
        )),
        Err(error) => Err(error.clone()),
    }
}

fn set(fates: &mut [Option<Appended>], index: usize, fate: Appended) {
    if let Some(slot) = fates.get_mut(index) {
        *slot = Some(fate);
    }
}

/// Items that are open, with their index.
fn open<'a>(items: &'a [Append], fates: &[Option<Appended>]) -> Vec<(usize, &'a Append)> {
    items
        .iter()
        .enumerate()
        .zip(fates)
        .filter(|(_, fate)| fate.is_none())
        .map(|(item, _)| item)
        .collect()
}

/// Items that would be refused, or may be, for what has happened since: a block, a log that has moved on. The repeat of a
/// write that was made before that gets its answer all the same, so these are looked up before anything is tried.
fn doubtful(items: &[Append], fates: &[Option<Appended>]) -> Vec<usize> {
    let is_doubtful = |(item, fate): (&Append, &Option<Appended>)| match fate {
        None => item.expect.is_some(),
        Some(Err(StoreError::BlockedByOther | StoreError::BlockedBySelf)) => true,
        Some(_) => false,
    };
    let items = items.iter().zip(fates).enumerate();
    items
        .filter(|(_, (item, fate))| item.client.is_some() && is_doubtful((item, fate)))
        .map(|(index, _)| index)
        .collect()
}

/// Finds the same key twice in one batch. Returns which item repeats which; the others with a used key fail.
fn find_repeats(items: &[Append], fates: &mut [Option<Appended>]) -> Vec<(usize, usize)> {
    let mut seen: HashMap<(AccountId, &str), (usize, &Append, i64)> = HashMap::new();
    let mut repeats = Vec::new();
    for (index, item) in open(items, fates) {
        let Some(client) = &item.client else { continue };
        match seen.get(&(item.sender.id, client.id.as_str())) {
            None => {
                seen.insert((item.sender.id, client.id.as_str()), (index, item, client.digest));
            }
            Some((first, earlier, digest)) if *digest == client.digest && earlier.log.id == item.log.id => {
                repeats.push((index, *first));
                // Closed for now; the answer is filled in once the first one's is known.
                set(fates, index, Err(StoreError::Busy));
            }
            Some(_) => set(fates, index, Err(StoreError::ClientIdReused)),
        }
    }
    repeats
}

async fn place_in_savepoint(
    transaction: &DatabaseTransaction,
    now: i64,
    items: &[Append],
    members: &Members,
    fates: &mut [Option<Appended>],
) -> Result<(), StoreError> {
    let todo = open(items, fates);
    if todo.is_empty() {
        return Ok(());
    }
    let savepoint = transaction.begin().await?;
    match place(&savepoint, now, &todo, members).await {
        Ok(placed) => {
            savepoint.commit().await?;
            for (index, fate) in placed {
                set(fates, index, fate);
            }
            Ok(())
        }
        Err(error) => {
            savepoint.rollback().await?;
            Err(error)
        }
    }
}

/// The last resort when some row offends a constraint: each item for itself.
async fn place_one_by_one(
    transaction: &DatabaseTransaction,
    now: i64,
    items: &[Append],
    members: &Members,
    fates: &mut [Option<Appended>],
) -> Result<(), StoreError> {
    for (index, item) in open(items, fates) {
        let savepoint = transaction.begin().await?;
        match place(&savepoint, now, &[(index, item)], members).await {
            Ok(placed) => {
                savepoint.commit().await?;
                for (index, fate) in placed {
                    set(fates, index, fate);
                }
            }
            Err(error) if error.is_constraint() => {
                savepoint.rollback().await?;
                set(fates, index, Err(error));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Gives the items numbers and inserts them.
async fn place(
    savepoint: &DatabaseTransaction,
    now: i64,
    todo: &[(usize, &Append)],
    members: &Members,
) -> Result<Vec<(usize, Appended)>, StoreError> {
    let mut placed = Vec::with_capacity(todo.len());
    let refused = refuse_unexpected(savepoint, todo).await?;
    let mut counts: HashMap<LogId, i64> = HashMap::new();
    for (index, item) in todo {
        if !refused.contains(index) {
            *counts.entry(item.log.id).or_default() += 1;
        }
    }
    let mut next = take_numbers(savepoint, &counts).await?;
    let mut rows = Vec::with_capacity(todo.len());
    let mut files = Vec::new();
    for (index, item) in todo {
        if refused.contains(index) {
            placed.push((*index, Err(StoreError::ExpectFailed)));
            continue;
        }
        let number = next.get_mut(&item.log.id).ok_or(StoreError::NotFound)?;
        rows.push(event_row(item, *number, now));
        if let Some(blob) = &item.blob {
            files.push((item, *number, blob));
        }
        placed.push((*index, Ok(answer(item, *number, now, members))));
        *number += 1;
    }
    insert_in_chunks(savepoint, rows).await?;
    insert_blobs(savepoint, now, &files).await?;
    Ok(placed)
}

fn answer(item: &Append, number: i64, now: i64, members: &Members) -> (Receipt, Option<Stored>) {
    let receipt = Receipt {
        conversation: item.log.public_id.clone(),
        number,
        time: now,
        blob: item.blob.as_ref().map(|blob| blob.id.clone()),
        replayed: false,
    };
    let stored = Stored {
        log: item.log.clone(),
        number,
        sender: item.sender.clone(),
        device: item.device,
        origin: item.origin,
        kind: item.kind,
        time: now,
        body: item.body.clone(),
        audience: members.audience(item.log.id),
    };
    (receipt, Some(stored))
}

fn event_row(item: &Append, number: i64, now: i64) -> events::ActiveModel {
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

/// Finds the items whose `expect` isn't the number that they would get.
async fn refuse_unexpected(
    savepoint: &DatabaseTransaction,
    todo: &[(usize, &Append)],
) -> Result<Vec<usize>, StoreError> {
    let mut refused = Vec::new();
    if todo.iter().all(|(_, item)| item.expect.is_none()) {
        return Ok(refused);
    }
    let ids = padded(todo.iter().map(|(_, item)| item.log.id.0));
    let rows: Vec<(i64, i64)> = logs::Entity::find()
        .select_only()
        .columns([logs::Column::Id, logs::Column::Newest])
        .filter(logs::Column::Id.is_in(ids))
        .lock_exclusive()
        .into_tuple()
        .all(savepoint)
        .await?;
    let mut newest: HashMap<i64, i64> = rows.into_iter().collect();
    for (index, item) in todo {
        let Some(newest) = newest.get_mut(&item.log.id.0) else {
            continue;
        };
        if item.expect.is_some_and(|expected| expected != *newest + 1) {
            refused.push(*index);
        } else {
            *newest += 1;
        }
    }
    Ok(refused)
}

/// Raises each log's `newest` by its count, in one statement. Returns the first number given out in each.
async fn take_numbers(
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
async fn insert_in_chunks(
    savepoint: &DatabaseTransaction,
    mut rows: Vec<events::ActiveModel>,
) -> Result<(), StoreError> {
    while !rows.is_empty() {
        let mut size = ROWS;
        while size > rows.len() {
            size /= 2;
        }
        let rest = rows.split_off(size);
        events::Entity::insert_many(rows)
            .exec_without_returning(savepoint)
            .await?;
        rows = rest;
    }
    Ok(())
}

async fn insert_blobs(
    savepoint: &DatabaseTransaction,
    now: i64,
    files: &[(&&Append, i64, &NewBlob)],
) -> Result<(), StoreError> {
    let rows = files.iter().map(|(item, _, blob)| blobs::ActiveModel {
        id: Set(blob.id.clone()),
        owner_id: Set(item.sender.id.0),
        size: Set(i64::try_from(blob.size).unwrap_or(i64::MAX)),
        hash: Set(blob.hash.to_vec()),
        created_at: Set(now),
    });
    let links = files.iter().map(|(item, number, blob)| event_blobs::ActiveModel {
        log_id: Set(item.log.id.0),
        number: Set(*number),
        blob_id: Set(blob.id.clone()),
    });
    if !files.is_empty() {
        blobs::Entity::insert_many(rows)
            .exec_without_returning(savepoint)
            .await?;
        event_blobs::Entity::insert_many(links)
            .exec_without_returning(savepoint)
            .await?;
    }
    Ok(())
}

/// Answers those of the items at `indices` whose key was used before: the same content gets the same answer.
async fn answer_earlier(
    transaction: &DatabaseTransaction,
    items: &[Append],
    indices: &[usize],
    fates: &mut [Option<Appended>],
) -> Result<(), StoreError> {
    let keyed: Vec<(usize, &Append)> = indices
        .iter()
        .filter_map(|index| Some((*index, items.get(*index)?)))
        .filter(|(_, item)| item.client.is_some())
        .collect();
    for chunk in keyed.chunks(LOOKUP) {
        let mut any = Condition::any();
        for (_, item) in chunk {
            let Some(client) = &item.client else { continue };
            any = any.add(
                events::Column::SenderId
                    .eq(item.sender.id.0)
                    .and(events::Column::ClientId.eq(client.id.as_str())),
            );
        }
        let earlier = events::Entity::find().filter(any).all(transaction).await?;
        for (index, item) in chunk {
            let Some(client) = &item.client else { continue };
            let same_key = |row: &&events::Model| {
                row.sender_id == item.sender.id.0 && row.client_id.as_deref() == Some(client.id.as_str())
            };
            let Some(row) = earlier.iter().find(same_key) else {
                continue;
            };
            let fate = if row.client_digest == Some(client.digest) && row.log_id == item.log.id.0 {
                Ok((earlier_receipt(transaction, item, row).await?, None))
            } else {
                Err(StoreError::ClientIdReused)
            };
            set(fates, *index, fate);
        }
    }
    Ok(())
}

async fn earlier_receipt(
    transaction: &DatabaseTransaction,
    item: &Append,
    row: &events::Model,
) -> Result<Receipt, StoreError> {
    let blob = match item.blob {
        None => None,
        Some(_) => event_blobs::Entity::find()
            .filter(event_blobs::Column::LogId.eq(row.log_id))
            .filter(event_blobs::Column::Number.eq(row.number))
            .one(transaction)
            .await?
            .map(|link| link.blob_id),
    };
    Ok(Receipt {
        conversation: item.log.public_id.clone(),
        number: row.number,
        time: row.time,
        blob,
        replayed: true,
    })
}

/// Who is in the conversations of a batch, as the transaction sees it.
struct Members {
    logs: HashMap<LogId, (Vec<Member>, Arc<[Reader]>)>,
}

struct Member {
    reader: Reader,
    state: AccountState,
    blocked: bool,
}

impl Members {
    async fn load(transaction: &DatabaseTransaction, items: &[Append]) -> Result<Self, StoreError> {
        let account: RelationDef = members::Entity::belongs_to(accounts::Entity)
            .from(members::Column::AccountId)
            .to(accounts::Column::Id)
            .into();
        let rows: Vec<(i64, i64, bool, i16, String)> = members::Entity::find()
            .select_only()
            .columns([
                members::Column::LogId,
                members::Column::AccountId,
                members::Column::Blocked,
            ])
            .columns([accounts::Column::State, accounts::Column::Username])
            .join(JoinType::InnerJoin, account)
            .filter(members::Column::LogId.is_in(padded(items.iter().map(|item| item.log.id.0))))
            .into_tuple()
            .all(transaction)
            .await?;
        let mut grouped: HashMap<LogId, Vec<Member>> = HashMap::new();
        for (log, account, blocked, state, username) in rows {
            let reader = Reader {
                account: AccountId(account),
                username: username.into(),
            };
            let state = AccountState::from_column(state);
            grouped.entry(LogId(log)).or_default().push(Member {
                reader,
                state,
                blocked,
            });
        }
        let with_audience = |(log, members): (LogId, Vec<Member>)| {
            let audience = members.iter().map(|member| member.reader.clone()).collect();
            (log, (members, audience))
        };
        Ok(Self {
            logs: grouped.into_iter().map(with_audience).collect(),
        })
    }

    /// Why the item's sender may not write there, if so.
    fn refuse(&self, item: &Append) -> Option<StoreError> {
        let Some((members, _)) = self.logs.get(&item.log.id) else {
            return Some(StoreError::NotFound);
        };
        let Some(sender) = members
            .iter()
            .find(|member| member.reader.account == item.sender.id)
        else {
            return Some(StoreError::NotFound);
        };
        if sender.state != AccountState::Active {
            return Some(StoreError::Inactive);
        }
        if item.log.kind != LogKind::Direct {
            return None;
        }
        let other = members
            .iter()
            .find(|member| member.reader.account != item.sender.id);
        match other {
            Some(other) if other.state == AccountState::Deleted => Some(StoreError::NotFound),
            Some(other) if other.blocked => Some(StoreError::BlockedByOther),
            _ if sender.blocked => Some(StoreError::BlockedBySelf),
            _ => None,
        }
    }

    fn audience(&self, log: LogId) -> Arc<[Reader]> {
        self.logs
            .get(&log)
            .map_or_else(|| Arc::new([]) as Arc<[Reader]>, |(_, audience)| audience.clone())
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
