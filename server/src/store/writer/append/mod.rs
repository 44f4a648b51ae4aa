//! Many appends in few statements.
//!
//! A batch costs one query for the members of its conversations, one update for their numbers and a handful of
//! inserts, however many events it has; where events are about earlier ones, one query for those. The permission to write is checked here, inside the transaction, because what
//! the handler saw may have changed since. A bad item fails alone, and the outcome is the one that the items would
//! have had one after the other.

mod blobs;
mod earlier;
mod members;
mod rows;
mod targets;

use std::collections::HashMap;

use sea_orm::{DatabaseTransaction, TransactionTrait};

use crate::store::error::StoreError;
use crate::store::types::{AccountId, Append, LogId, Receipt, Stored};
use members::Members;
pub(in crate::store) use rows::padded;

/// What became of one append.
pub(super) type Fate = Result<Receipt, StoreError>;

/// Writes all items, in order. Returns what became of each, and the new events, each log's in the order of their numbers.
/// An `Err` means that the database failed and the transaction can't go on.
pub(super) async fn append_all(
    transaction: &DatabaseTransaction,
    now: i64,
    items: &[Append],
) -> Result<(Vec<Fate>, Vec<Stored>), StoreError> {
    let members = Members::load(transaction, items).await?;
    let mut batch = Batch {
        transaction,
        now,
        items,
        fates: items.iter().map(|item| members.refuse(item).map(Err)).collect(),
        members,
        events: Vec::new(),
    };
    batch.answer_refused().await?;
    let Cut { segments, repeats } = cut(batch.open());
    for segment in &segments {
        batch.write(segment).await?;
    }
    for (index, first) in repeats {
        let fate = batch.fates.get(first).and_then(Option::as_ref);
        batch.set(index, fate.map_or(Err(StoreError::Busy), repeat_of));
    }
    let fates = batch.fates.into_iter();
    Ok((
        fates.map(|fate| fate.unwrap_or(Err(StoreError::Busy))).collect(),
        batch.events,
    ))
}

/// What a second write with the same key and content, in the same batch, is answered.
fn repeat_of(first: &Fate) -> Fate {
    first.clone().map(|receipt| Receipt {
        replayed: true,
        ..receipt
    })
}

/// A batch in parts that can each be written at once.
#[derive(Default)]
struct Cut {
    /// Indexes of items; no key is twice in a segment.
    segments: Vec<Vec<usize>>,
    /// Items that share the fate of an earlier one.
    repeats: Vec<(usize, usize)>,
}

/// Where a key comes twice, what the second gets depends on what became of the first. That is plain for the same content,
/// unless the first may fail for its `expect`, target or file; else the second waits until the first is written.
fn cut<'a>(open: impl Iterator<Item = (usize, &'a Append)>) -> Cut {
    let mut cut = Cut::default();
    let mut segment = Vec::new();
    let mut seen: HashMap<(AccountId, &str), (usize, &Append)> = HashMap::new();
    for (index, item) in open {
        if let Some(client) = &item.client {
            let key = (item.sender.id, client.id.as_str());
            match seen.get(&key) {
                Some((first, other)) if is_repeat(item, other) => {
                    cut.repeats.push((index, *first));
                    continue;
                }
                Some(_) => {
                    cut.segments.push(std::mem::take(&mut segment));
                    seen.clear();
                }
                None => {}
            }
            seen.insert(key, (index, item));
        }
        segment.push(index);
    }
    cut.segments.push(segment);
    cut
}

fn is_repeat(item: &Append, first: &Append) -> bool {
    let may_fail = first.expect.is_some() || first.target.is_some() || first.blob.is_some();
    item.client == first.client && item.log.id == first.log.id && !may_fail
}

struct Batch<'a> {
    transaction: &'a DatabaseTransaction,
    now: i64,
    items: &'a [Append],
    members: Members,
    /// `None` while an item is open.
    fates: Vec<Option<Fate>>,
    events: Vec<Stored>,
}

impl<'a> Batch<'a> {
    /// Items that are open, with their index.
    fn open(&self) -> impl Iterator<Item = (usize, &'a Append)> {
        let items = self.items.iter().enumerate();
        items
            .zip(&self.fates)
            .filter(|(_, fate)| fate.is_none())
            .map(|(item, _)| item)
    }

    /// Those among these.
    fn open_in(&self, segment: &[usize]) -> Vec<(usize, &'a Append)> {
        let open = |index: &usize| self.fates.get(*index).is_some_and(Option::is_none);
        let items = segment.iter().filter(|index| open(index));
        items
            .filter_map(|index| Some((*index, self.items.get(*index)?)))
            .collect()
    }

    fn set(&mut self, index: usize, fate: Fate) {
        if let Some(slot) = self.fates.get_mut(index) {
            *slot = Some(fate);
        }
    }

    /// What was written before stands, even if its sender may not write there any more: a repeat gets the first answer.
    async fn answer_refused(&mut self) -> Result<(), StoreError> {
        let refused =
            |fate: &Option<Fate>| matches!(fate, Some(Err(error)) if !matches!(error, StoreError::Inactive));
        let items = self.items.iter().enumerate().zip(&self.fates);
        let which = items.filter(|(_, fate)| refused(fate)).map(|(item, _)| item);
        let which: Vec<(usize, &Append)> = which.collect();
        for (index, fate) in earlier::answers(self.transaction, &which).await? {
            if fate.is_ok() {
                self.set(index, fate);
            }
        }
        Ok(())
    }

    /// Answers the items whose key was used before.
    async fn answer_earlier(&mut self, which: &[(usize, &Append)]) -> Result<(), StoreError> {
        for (index, fate) in earlier::answers(self.transaction, which).await? {
            self.set(index, fate);
        }
        Ok(())
    }

    async fn write(&mut self, segment: &[usize]) -> Result<(), StoreError> {
        // A repeat's `expect` holds no longer, its target may be erased, its upload is gone: so these can't be left to the index.
        let mut conditional = self.open_in(segment);
        conditional.retain(|(_, item)| item.expect.is_some() || item.target.is_some() || item.blob.is_some());
        self.answer_earlier(&conditional).await?;
        // Nearly always no `client_id` was used before: try, and look only when the index objects.
        for _ in 0..2 {
            match self.place(segment).await {
                Err(error) if error.is_constraint() => self.answer_earlier(&self.open_in(segment)).await?,
                result => return result,
            }
        }
        // The last resort when some row offends a constraint: each item for itself.
        for index in segment {
            match self.place(&[*index]).await {
                Err(error) if error.is_constraint() => self.set(*index, Err(error)),
                result => result?,
            }
        }
        Ok(())
    }

    /// Gives the open ones of these items numbers and inserts them, all or none.
    async fn place(&mut self, segment: &[usize]) -> Result<(), StoreError> {
        let todo = self.open_in(segment);
        if todo.is_empty() {
            return Ok(());
        }
        let savepoint = self.transaction.begin().await?;
        match self.insert(&savepoint, &todo).await {
            Ok((fates, mut events)) => {
                savepoint.commit().await?;
                self.events.append(&mut events);
                for (index, fate) in fates {
                    self.set(index, fate);
                }
                Ok(())
            }
            Err(error) => {
                // After any other error the transaction is worth nothing, and may not even be open any more.
                if error.is_constraint() {
                    savepoint.rollback().await?;
                }
                Err(error)
            }
        }
    }

    async fn insert(
        &self,
        savepoint: &DatabaseTransaction,
        todo: &[(usize, &Append)],
    ) -> Result<(Vec<(usize, Fate)>, Vec<Stored>), StoreError> {
        let (mut fates, mut events) = (Vec::with_capacity(todo.len()), Vec::with_capacity(todo.len()));
        let refused = rows::refused(savepoint, todo).await?;
        let mut counts: HashMap<LogId, i64> = HashMap::new();
        for (_, item) in todo.iter().filter(|(index, _)| !refused.contains_key(index)) {
            *counts.entry(item.log.id).or_default() += 1;
        }
        let mut next = rows::take_numbers(savepoint, &counts).await?;
        let mut numbered = Vec::with_capacity(todo.len());
        for (index, item) in todo {
            if let Some(error) = refused.get(index) {
                fates.push((*index, Err(error.clone())));
                continue;
            }
            let number = next.get_mut(&item.log.id).ok_or(StoreError::NotFound)?;
            numbered.push((*item, *number));
            let (receipt, stored) = self.answer(item, *number);
            fates.push((*index, Ok(receipt)));
            events.push(stored);
            *number += 1;
        }
        rows::insert_events(savepoint, self.now, &numbered).await?;
        blobs::insert(savepoint, self.now, &numbered).await?;
        Ok((fates, events))
    }

    fn answer(&self, item: &Append, number: i64) -> (Receipt, Stored) {
        let receipt = Receipt {
            conversation: item.log.public_id.clone(),
            number,
            time: self.now,
            blob: item.blob.as_ref().map(|attachment| attachment.blob().id.clone()),
            hash: item.blob.as_ref().map(|attachment| attachment.blob().hash),
            replayed: false,
        };
        let stored = Stored {
            log: item.log.clone(),
            number,
            sender: item.sender.clone(),
            device: item.device,
            origin: item.origin,
            kind: item.kind,
            time: self.now,
            body: item.body.clone(),
            audience: self.members.audience(item.log.id),
        };
        (receipt, stored)
    }
}
