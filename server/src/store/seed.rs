//! How far clients of the seed's protocol were given each conversation: the cursor that the server holds for them.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::sea_query::{CaseStatement, Expr};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, JoinType, QueryFilter, QueryOrder, QuerySelect};

use super::Store;
use super::directory::log_from;
use super::entity::{logs, members};
use super::error::StoreError;
use super::reading::members_to_logs;
use super::types::{Account, AccountId, Log, LogId};
use super::writer::padded;

/// A conversation in which clients of the seed's protocol have missed something.
#[derive(Clone, Debug)]
pub struct SeedBacklog {
    /// The conversation.
    pub log: Arc<Log>,
    /// How far they were given it.
    pub given: i64,
}

impl Store {
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
}
