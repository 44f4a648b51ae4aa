//! The events that the items of a batch are about.

use std::collections::HashMap;

use kith_common::EventKind;
use sea_orm::{
    ColumnTrait, Condition, DatabaseTransaction, EntityTrait, ExprTrait, QueryFilter, QuerySelect,
};

use crate::store::entity::events;
use crate::store::error::StoreError;
use crate::store::types::{Append, LogId, Target, kind_from_column};

/// Most events looked up in one query: each is a term, and SQLite nests terms at most 1,000 deep.
const LOOKUP: usize = 128;

/// What the items of a batch are about, as far as it is there.
pub(super) struct Targets {
    found: HashMap<(LogId, i64), Found>,
}

/// An event that something is about.
struct Found {
    kind: Option<EventKind>,
    sender: i64,
    is_erased: bool,
}

impl Targets {
    /// Looks for what these items are about; no query where they are about nothing.
    pub(super) async fn load(
        savepoint: &DatabaseTransaction,
        todo: &[(usize, &Append)],
    ) -> Result<Self, StoreError> {
        let wanted = todo.iter().filter_map(|(_, item)| key(item));
        let mut wanted: Vec<(LogId, i64)> = wanted.collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut found = HashMap::new();
        for chunk in wanted.chunks(LOOKUP) {
            let rows: Vec<(i64, i64, i64, i16, bool)> = events::Entity::find()
                .select_only()
                .columns([
                    events::Column::LogId,
                    events::Column::Number,
                    events::Column::SenderId,
                    events::Column::Kind,
                ])
                .expr_as(events::Column::Body.is_null(), "is_erased")
                .filter(any_of(chunk))
                .into_tuple()
                .all(savepoint)
                .await?;
            found.extend(rows.into_iter().map(|(log, number, sender, kind, is_erased)| {
                let event = Found {
                    kind: kind_from_column(kind),
                    sender,
                    is_erased,
                };
                ((LogId(log), number), event)
            }));
        }
        Ok(Self { found })
    }

    /// Whether everything that these items are about is there.
    pub(super) fn has_all(&self, todo: &[(usize, &Append)]) -> bool {
        let mut wanted = todo.iter().filter_map(|(_, item)| key(item));
        wanted.all(|wanted| self.found.contains_key(&wanted))
    }

    /// Why the item can't be about what it is about, if so.
    pub(super) fn refuse(&self, item: &Append) -> Option<StoreError> {
        let target = item.target?;
        let Some(found) = self.found.get(&(item.log.id, target.number())) else {
            return Some(StoreError::TargetMissing);
        };
        let is_content = matches!(found.kind, Some(EventKind::Message | EventKind::File));
        match target {
            Target::Answered(_) if is_content => None,
            Target::Answered(_) => Some(StoreError::TargetMissing),
            Target::Edited(_) if found.kind != Some(EventKind::Message) => Some(StoreError::TargetUnfit),
            Target::Edited(_) if found.sender != item.sender.id.0 => Some(StoreError::TargetForeign),
            Target::ReactedTo(_) if !is_content => Some(StoreError::TargetUnfit),
            Target::Edited(_) | Target::ReactedTo(_) if found.is_erased => Some(StoreError::TargetErased),
            Target::Edited(_) | Target::ReactedTo(_) => None,
        }
    }

    /// The item gets this number, so those after it may be about it.
    pub(super) fn add(&mut self, item: &Append, number: i64) {
        let event = Found {
            kind: Some(item.kind),
            sender: item.sender.id.0,
            is_erased: false,
        };
        self.found.insert((item.log.id, number), event);
    }
}

fn key(item: &Append) -> Option<(LogId, i64)> {
    Some((item.log.id, item.target?.number()))
}

/// Terms for these events. The last one is repeated up to a power of two, as in [`super::padded`].
fn any_of(wanted: &[(LogId, i64)]) -> Condition {
    let padding = wanted.len().next_power_of_two() - wanted.len();
    let padding = wanted.last().into_iter().cycle().take(padding);
    let terms = wanted.iter().chain(padding);
    terms.fold(Condition::any(), |any, (log, number)| {
        let is_it = events::Column::LogId
            .eq(log.0)
            .and(events::Column::Number.eq(*number));
        any.add(is_it)
    })
}
