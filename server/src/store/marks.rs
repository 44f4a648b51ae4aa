//! How far somebody has received and read a conversation. Marks only grow.

use std::sync::Arc;

use sea_orm::{EntityTrait, JoinType, QuerySelect};

use super::Store;
use super::entity::{logs, members};
use super::error::StoreError;
use super::reading::members_to_logs;
use super::types::Log;
use super::writer::Author;

/// How far somebody is in a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// One of their devices holds all up to this number.
    pub delivered: i64,
    /// They have read all up to this number.
    pub read: i64,
}

impl Marks {
    /// These, raised by what is wanted, as far as the log goes. What was read was received.
    pub(super) fn raised_by(self, wanted: Self, newest: i64) -> Self {
        let read = Ord::max(self.read, Ord::min(wanted.read, newest));
        let delivered = Ord::max(self.delivered, Ord::min(wanted.delivered, newest));
        Self {
            delivered: Ord::max(delivered, read),
            read,
        }
    }
}

/// Marks that are to be raised.
pub(super) struct Raise {
    pub(super) author: Author,
    pub(super) log: Arc<Log>,
    pub(super) wanted: Marks,
}

impl Store {
    /// Raises the author's marks in a conversation and tells the others. Returns those in force.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the author isn't in the conversation, [`StoreError::Inactive`].
    pub async fn mark(&self, author: Author, log: Arc<Log>, wanted: Marks) -> Result<Marks, StoreError> {
        // Clients say it often, and mostly again: what changes nothing isn't written. As marks only grow, what is
        // read here beside the writer can't be wrong about that.
        let row: Option<(i64, i64, i64)> = members::Entity::find_by_id((log.id.0, author.account.id.0))
            .select_only()
            .columns([members::Column::DeliveredNumber, members::Column::ReadNumber])
            .column(logs::Column::Newest)
            .join(JoinType::InnerJoin, members_to_logs())
            .into_tuple()
            .one(&self.readers)
            .await?;
        let (delivered, read, newest) = row.ok_or(StoreError::NotFound)?;
        let current = Marks { delivered, read };
        if current.raised_by(wanted, newest) == current {
            return Ok(current);
        }
        self.writer.raise(Raise { author, log, wanted }).await
    }
}

/// A number as clients have it.
pub(super) fn number(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
