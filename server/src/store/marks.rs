//! How far somebody has received and read a conversation. Marks only grow.

use std::sync::Arc;

use kith_common::{Mark, Notice};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QuerySelect, RelationDef};

use super::Store;
use super::contacts::blocked_with;
use super::entity::{accounts, logs, members};
use super::error::StoreError;
use super::reading::members_to_logs;
use super::types::{AccountId, AccountState, Announcement, Log, LogKind};
use super::writer::{Author, Scope};

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
    fn raised_by(self, wanted: Self, newest: i64) -> Self {
        let read = Ord::max(self.read, Ord::min(wanted.read, newest));
        let delivered = Ord::max(self.delivered, Ord::min(wanted.delivered, newest));
        Self {
            delivered: Ord::max(delivered, read),
            read,
        }
    }
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
        self.writer
            .change(move |scope| Box::pin(async move { raise(scope, &author, &log, wanted).await }))
            .await
    }
}

/// Account, state, delivered, read, blocked.
type Row = (i64, i16, i64, i64, bool);

async fn raise(
    scope: &mut Scope,
    author: &Author,
    log: &Arc<Log>,
    wanted: Marks,
) -> Result<Marks, StoreError> {
    let account: RelationDef = members::Entity::belongs_to(accounts::Entity)
        .from(members::Column::AccountId)
        .to(accounts::Column::Id)
        .into();
    let rows: Vec<Row> = members::Entity::find()
        .select_only()
        .column(members::Column::AccountId)
        .column(accounts::Column::State)
        .columns([
            members::Column::DeliveredNumber,
            members::Column::ReadNumber,
            members::Column::Blocked,
        ])
        .join(JoinType::InnerJoin, account)
        .filter(members::Column::LogId.eq(log.id.0))
        .into_tuple()
        .all(scope.db())
        .await?;
    let me = author.account.id;
    let own = rows.iter().find(|(account, ..)| *account == me.0);
    let (_, state, delivered, read, _) = *own.ok_or(StoreError::NotFound)?;
    if AccountState::from_column(state) != AccountState::Active {
        return Err(StoreError::Inactive);
    }
    let newest: Option<i64> = logs::Entity::find_by_id(log.id.0)
        .select_only()
        .column(logs::Column::Newest)
        .into_tuple()
        .one(scope.db())
        .await?;
    let current = Marks { delivered, read };
    let marks = current.raised_by(wanted, newest.ok_or(StoreError::NotFound)?);
    if marks == current {
        return Ok(marks);
    }
    let revision = scope.next_revision().await?;
    members::Entity::update_many()
        .col_expr(members::Column::DeliveredNumber, Expr::value(marks.delivered))
        .col_expr(members::Column::ReadNumber, Expr::value(marks.read))
        .col_expr(members::Column::MarksRevision, Expr::value(revision))
        .filter(members::Column::LogId.eq(log.id.0))
        .filter(members::Column::AccountId.eq(me.0))
        .exec(scope.db())
        .await?;
    let audience = audience(scope, me, log, &rows).await?;
    let mark = Mark {
        conversation: log.public_id.to_string(),
        username: author.account.username.to_string(),
        delivered: number(marks.delivered),
        read: number(marks.read),
    };
    scope.announce(Announcement {
        audience,
        except: author.origin,
        notice: Notice::Mark(mark),
    });
    Ok(marks)
}

/// All members, the author's own connections among them; but nobody who has blocked the author or is blocked by them.
async fn audience(
    scope: &Scope,
    me: AccountId,
    log: &Log,
    rows: &[Row],
) -> Result<Vec<AccountId>, StoreError> {
    let members = rows.iter().map(|(account, ..)| AccountId(*account));
    if log.kind == LogKind::Direct {
        // The memberships say it.
        let is_blocked = rows.iter().any(|(.., blocked)| *blocked);
        return Ok(members.filter(|account| *account == me || !is_blocked).collect());
    }
    let blocked = blocked_with(scope.db(), me).await?;
    Ok(members.filter(|account| !blocked.contains(account)).collect())
}

pub(super) fn number(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
