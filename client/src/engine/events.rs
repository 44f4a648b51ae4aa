//! The logs as they are, for whoever prints or keeps them event by event rather than showing messages.

use kith_common::LogEvent;

use super::{Engine, EngineError};
use crate::limits;
use crate::local_store::{Query, Range};

/// A log that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its id: a conversation, or the account's own log.
    pub id: String,
    /// Who is in it besides this account: user names; nobody where it is the account's own.
    pub others: Vec<String>,
    /// The oldest number that the server still has.
    pub first: u64,
    /// The newest number that is held.
    pub newest: u64,
}

impl Engine {
    /// All logs, the account's own first.
    pub fn logs(&self) -> Vec<Log> {
        let me = self.me();
        let log = |(id, head): (String, crate::local_store::Head)| Log {
            others: head
                .members
                .into_iter()
                .filter(|member| *member != me.username)
                .collect(),
            first: head.first,
            newest: head.newest,
            id,
        };
        let mut logs: Vec<Log> = self.shared().copy.heads().into_iter().map(log).collect();
        logs.sort_by_key(|log| log.id != me.account);
        logs
    }

    /// The events of a log above a number: the oldest of them in order, at most `limit`, and at most [`limits::PAGE`]. None
    /// where there is nothing newer. What the copy doesn't hold is fetched; the server may have forgotten the first ones.
    ///
    /// # Errors
    /// There is no such log; older events have to be fetched, and there is no connection or the server refuses; the copy
    /// can't be read.
    pub async fn events(&self, log: &str, after: u64, limit: u32) -> Result<Vec<LogEvent>, EngineError> {
        let copy = &self.shared().copy;
        loop {
            let head = copy.head(log).ok_or(EngineError::UnknownConversation)?;
            if after + 1 >= head.oldest || head.oldest <= head.first {
                break;
            }
            self.fetch_older(log, &head, limits::PAGE).await?;
        }
        let query = Query {
            log: log.to_owned(),
            range: Range::After(after),
            base_only: false,
            limit: limit.clamp(1, limits::PAGE),
        };
        let generation = copy.generation();
        let events = copy.store.events(query).await;
        self.mended(generation, events).await
    }
}
