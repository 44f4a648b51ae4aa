use std::collections::{BTreeMap, VecDeque};

use kith_common::LogPage;

use super::Session;
use crate::Error;

/// What was missed, page by page, until nothing newer is left.
#[derive(Debug)]
pub struct Missed {
    session: Session,
    held: BTreeMap<String, u64>,
    pages: VecDeque<LogPage>,
    more: bool,
}

impl Missed {
    pub(super) fn new(session: Session, held: BTreeMap<String, u64>) -> Self {
        Self {
            session,
            held,
            pages: VecDeque::new(),
            more: true,
        }
    }

    /// The next page, or `None` when the end is reached. A log may come in several pages.
    ///
    /// # Errors
    /// As every request: [`Error`]; what was given before stays good.
    pub async fn next(&mut self) -> Result<Option<LogPage>, Error> {
        while self.pages.is_empty() && self.more {
            let reply = self.session.sync(self.held.clone()).await?;
            let mut moved = false;
            for page in &reply.logs {
                let held = self.held.entry(page.conversation.clone()).or_default();
                // What retention took from the log's beginning can't come any more.
                let newest = page.events.last().map_or(0, |event| event.number);
                let newest = newest.max(page.first.saturating_sub(1));
                moved |= newest > *held;
                *held = newest.max(*held);
            }
            if reply.more && !moved {
                return Err(Error::Protocol("it promises more and sends nothing".to_owned()));
            }
            self.more = reply.more;
            self.pages = reply.logs.into();
        }
        Ok(self.pages.pop_front())
    }
}
