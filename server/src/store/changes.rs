//! What has changed outside of the logs since a revision: marks and profiles.
//!
//! Both hold what is, not what was: of two marks the greater one counts, of two profiles the later one. So it is enough to hand out
//! what has a newer revision, and to do so twice does no harm. A row also counts as new when the account has come to see it
//! only lately: by a conversation or by a contact, which have revisions too.

use kith_common::{Mark, ProfileInfo};
use sea_orm::sea_query::{Alias, CaseStatement, Expr, Order, Query, SelectStatement, UnionType};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryResult, QuerySelect};

use super::Store;
use super::contacts::blocked_with;
use super::entity::{accounts, contacts, logs, members, profiles, revisions};
use super::error::StoreError;
use super::marks::number;
use super::profiles::profile;
use super::types::{AccountId, AccountState, LogKind};

/// Marks and profiles that are new to an account.
#[derive(Clone, Debug)]
pub struct Changes {
    /// What to ask with the next time: everything up to this revision is here, or was before.
    pub since: i64,
    /// Marks of everybody in the account's conversations, its own among them.
    pub marks: Vec<Mark>,
    /// Profiles of people in its conversations or contacts, and its own.
    pub profiles: Vec<ProfileInfo>,
    /// Whether there is more.
    pub more: bool,
}

/// Rows by their revision, and up to which revision they are all there.
struct Part<T> {
    rows: Vec<(i64, T)>,
    complete: i64,
    is_cut: bool,
}

impl<T> Part<T> {
    fn up_to(self, since: i64) -> Vec<T> {
        let rows = self.rows.into_iter();
        rows.take_while(|(revision, _)| *revision <= since)
            .map(|(_, row)| row)
            .collect()
    }
}

impl Store {
    /// What has changed for the account after a revision, about `limit` marks and as many profiles at most.
    ///
    /// # Errors
    /// The database failed.
    pub async fn changes(&self, account: AccountId, since: i64, limit: u64) -> Result<Changes, StoreError> {
        // Before the rows: what is committed meanwhile has a greater revision and comes the next time.
        let newest: Option<i64> = revisions::Entity::find()
            .select_only()
            .column(revisions::Column::Value)
            .into_tuple()
            .one(&self.readers)
            .await?;
        let newest = newest.ok_or(StoreError::NotFound)?;
        let marks = self
            .part(marks_query(account), since, newest, limit, read_mark)
            .await?;
        let profiles = self
            .part(profiles_query(account), since, newest, limit, read_profile)
            .await?;
        let complete = Ord::min(marks.complete, profiles.complete);
        let blocked = blocked_with(&self.readers, account).await?;
        let more = marks.is_cut || profiles.is_cut;
        let mut marks = marks.up_to(complete);
        // Between two people, what is shown stands still.
        marks.retain(|(account, kind, _)| *kind == LogKind::Direct || !blocked.contains(account));
        Ok(Changes {
            since: complete,
            marks: marks.into_iter().map(|(.., mark)| mark).collect(),
            profiles: profiles.up_to(complete),
            more,
        })
    }

    /// Rows after a revision, `limit` at most. A revision isn't cut in the middle: if there are more rows of the very first one,
    /// they all come.
    async fn part<T>(
        &self,
        query: Revised,
        since: i64,
        newest: i64,
        limit: u64,
        read: fn(&QueryResult) -> Result<(i64, T), StoreError>,
    ) -> Result<Part<T>, StoreError> {
        let find = async |up_to: i64, limit: Option<u64>| -> Result<Vec<(i64, T)>, StoreError> {
            let rows = self
                .readers
                .query_all(&query.between(since, up_to, limit))
                .await?;
            rows.iter().map(read).collect()
        };
        let mut rows = find(newest, Some(limit.saturating_add(1))).await?;
        let beyond = usize::try_from(limit).ok().and_then(|limit| rows.get(limit));
        let Some(&(beyond, _)) = beyond else {
            return Ok(Part {
                rows,
                complete: newest,
                is_cut: false,
            });
        };
        rows.retain(|(revision, _)| *revision < beyond);
        let mut complete = beyond - 1;
        if rows.is_empty() {
            rows = find(beyond, None).await?;
            complete = beyond;
        }
        Ok(Part {
            rows,
            complete,
            is_cut: true,
        })
    }
}

/// A query, and the revision of its rows.
struct Revised {
    query: SelectStatement,
    revision: Expr,
}

impl Revised {
    /// The rows of some revisions, the oldest first; the revision is the first column.
    fn between(&self, after: i64, up_to: i64, limit: Option<u64>) -> SelectStatement {
        let mut query = self.query.clone();
        query
            .and_where(self.revision.clone().gt(after))
            .and_where(self.revision.clone().lte(up_to))
            .order_by_expr(self.revision.clone(), Order::Asc);
        if let Some(limit) = limit {
            query.limit(limit);
        }
        query
    }
}

/// The account's memberships, beside those of everybody in the same conversations.
const OWN: &str = "own";

/// Marks in the account's conversations. The account began to see them when it joined.
/// Of others it sees what is shown.
fn marks_query(account: AccountId) -> Revised {
    let own_or_shown = |own: members::Column, shown: members::Column| -> Expr {
        CaseStatement::new()
            .case(
                Expr::col((members::Entity, members::Column::AccountId)).eq(account.0),
                Expr::col((members::Entity, own)),
            )
            .finally(Expr::col((members::Entity, shown)))
            .into()
    };
    let delivered = own_or_shown(members::Column::DeliveredNumber, members::Column::ShownDelivered);
    let revision = greater(
        own_or_shown(members::Column::MarksRevision, members::Column::ShownRevision),
        Expr::col((Alias::new(OWN), members::Column::JoinedRevision)),
    );
    let mut query = with_others(account);
    query
        .expr(revision.clone())
        .column((members::Entity, members::Column::AccountId))
        .column((logs::Entity, logs::Column::PublicId))
        .column((accounts::Entity, accounts::Column::Username))
        .expr(delivered.clone())
        .expr(own_or_shown(
            members::Column::ReadNumber,
            members::Column::ShownRead,
        ))
        .column((logs::Entity, logs::Column::Kind))
        .inner_join(
            logs::Entity,
            Expr::col((logs::Entity, logs::Column::Id)).equals((members::Entity, members::Column::LogId)),
        )
        .inner_join(
            accounts::Entity,
            Expr::col((accounts::Entity, accounts::Column::Id))
                .equals((members::Entity, members::Column::AccountId)),
        )
        .and_where(delivered.gt(0));
    Revised { query, revision }
}

fn read_mark(row: &QueryResult) -> Result<(i64, (AccountId, LogKind, Mark)), StoreError> {
    let mark = Mark {
        conversation: row.try_get_by_index(2)?,
        username: row.try_get_by_index(3)?,
        delivered: number(row.try_get_by_index(4)?),
        read: number(row.try_get_by_index(5)?),
    };
    let account = AccountId(row.try_get_by_index(1)?);
    let kind = LogKind::from_column(row.try_get_by_index(6)?);
    Ok((row.try_get_by_index(0)?, (account, kind, mark)))
}

/// Profiles of people whom the account sees, by any way, and its own.
fn profiles_query(account: AccountId) -> Revised {
    const VISIBLE: &str = "visible";
    const PERSON: &str = "person";
    const SEEN: &str = "seen";
    let mut ways = with_others(account);
    ways.expr_as(Expr::col((members::Entity, members::Column::AccountId)), PERSON)
        .expr_as(
            greater(
                Expr::col((members::Entity, members::Column::JoinedRevision)),
                Expr::col((Alias::new(OWN), members::Column::JoinedRevision)),
            ),
            SEEN,
        )
        .and_where(members::Column::AccountId.ne(account.0));
    let known = Query::select()
        .columns([contacts::Column::OtherId, contacts::Column::Revision])
        .from(contacts::Entity)
        .and_where(contacts::Column::AccountId.eq(account.0))
        .and_where(contacts::Column::Contact.eq(true))
        .take();
    let own = Query::select()
        .columns([profiles::Column::AccountId, profiles::Column::Revision])
        .from(profiles::Entity)
        .and_where(profiles::Column::AccountId.eq(account.0))
        .take();
    ways.union(UnionType::All, known).union(UnionType::All, own);
    let visible = Query::select()
        .column(PERSON)
        .expr_as(Expr::col(SEEN).max(), SEEN)
        .from_subquery(ways, "ways")
        .group_by_col(PERSON)
        .take();
    let revision = greater(
        Expr::col((profiles::Entity, profiles::Column::Revision)),
        Expr::col((VISIBLE, SEEN)),
    );
    let query = Query::select()
        .expr(revision.clone())
        .column((accounts::Entity, accounts::Column::Username))
        .column((accounts::Entity, accounts::Column::DisplayName))
        .column((profiles::Entity, profiles::Column::About))
        .column((profiles::Entity, profiles::Column::AvatarHash))
        .from_subquery(visible, VISIBLE)
        .inner_join(
            profiles::Entity,
            Expr::col((profiles::Entity, profiles::Column::AccountId)).equals((VISIBLE, PERSON)),
        )
        .inner_join(
            accounts::Entity,
            Expr::col((accounts::Entity, accounts::Column::Id)).equals((VISIBLE, PERSON)),
        )
        .and_where(accounts::Column::State.ne(AccountState::Deleted.to_column()))
        .take();
    Revised { query, revision }
}

fn read_profile(row: &QueryResult) -> Result<(i64, ProfileInfo), StoreError> {
    let hash: Option<Vec<u8>> = row.try_get_by_index(4)?;
    let profile = profile(
        row.try_get_by_index(1)?,
        row.try_get_by_index(2)?,
        row.try_get_by_index(3)?,
        hash.as_deref(),
    );
    Ok((row.try_get_by_index(0)?, profile))
}

/// From the account's memberships, those of everybody in the same conversations.
fn with_others(account: AccountId) -> SelectStatement {
    Query::select()
        .from_as(members::Entity, Alias::new(OWN))
        .inner_join(
            members::Entity,
            Expr::col((members::Entity, members::Column::LogId))
                .equals((Alias::new(OWN), members::Column::LogId)),
        )
        .and_where(Expr::col((Alias::new(OWN), members::Column::AccountId)).eq(account.0))
        .take()
}

/// The greater of two; SQLite and PostgreSQL have different functions for it.
fn greater(one: Expr, other: Expr) -> Expr {
    CaseStatement::new()
        .case(one.clone().gt(other.clone()), one)
        .finally(other)
        .into()
}
