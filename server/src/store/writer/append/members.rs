//! Who is in the conversations of a batch, and so who may write there.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::{
    ColumnTrait, DatabaseTransaction, EntityTrait, JoinType, QueryFilter, QuerySelect, RelationDef,
};

use super::padded;
use crate::store::entity::{accounts, members};
use crate::store::error::StoreError;
use crate::store::types::{AccountId, AccountState, Append, LogId, LogKind, Reader};

/// Who is in the conversations of a batch, as the transaction sees it.
pub(super) struct Members {
    logs: HashMap<LogId, (Vec<Member>, Arc<[Reader]>)>,
}

struct Member {
    reader: Reader,
    state: AccountState,
    blocked: bool,
}

impl Members {
    pub(super) async fn load(
        transaction: &DatabaseTransaction,
        items: &[Append],
    ) -> Result<Self, StoreError> {
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
    pub(super) fn refuse(&self, item: &Append) -> Option<StoreError> {
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

    pub(super) fn audience(&self, log: LogId) -> Arc<[Reader]> {
        self.logs
            .get(&log)
            .map_or_else(|| Arc::new([]) as Arc<[Reader]>, |(_, audience)| audience.clone())
    }
}
