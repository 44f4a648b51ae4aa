//! Telling the server how far conversations were received and read.

use kith_common::{ErrorCode, Mark, MarkReply, MarkRequest, Request};
use litemap::LiteMap;

use super::online::Online;
use super::runner::End;
use super::sending::{Done, Sending, longer};
use crate::local_store::{Query, Range};
use crate::{Error, limits};

/// How far back somebody else's newest event is looked for, in events.
const LOOK_BACK: u32 = 50;

impl Sending {
    /// Tells those who wait for it that there are no marks to be told, or none that the server takes now.
    pub(super) fn say_marks_told(&mut self) {
        let none_due = !self.marks_due || self.no_marks || self.marks_wait.is_some();
        if self.marks_under_way.is_empty() && none_due {
            for waiter in self.marks_waiters.drain(..) {
                // Whoever asked may have stopped waiting.
                let _ = waiter.send(());
            }
        }
    }
}

impl Online<'_> {
    /// Looks for what was stored over an earlier connection and perhaps never told as received.
    pub(super) async fn look_for_marks(&mut self) -> Result<(), End> {
        let copy = &self.runner.shared.copy;
        for (log, head) in copy.conversations() {
            if head.newest <= copy.mark(&log, &copy.me.username).delivered {
                continue;
            }
            let query = Query {
                log: log.clone(),
                range: Range::Before(head.newest + 1),
                base_only: false,
                limit: LOOK_BACK,
            };
            let events = copy.store.events(query).await?;
            self.sending.note_others(&copy.me, &events);
        }
        self.sending.marks_due = true;
        Ok(())
    }

    /// Tells how far conversations were received and read.
    pub(super) async fn send_marks(&mut self) -> Result<(), End> {
        let waits = self
            .sending
            .marks_wait
            .as_ref()
            .is_some_and(|wait| wait.until.is_some());
        if !self.sending.marks_due || self.sending.no_marks || waits {
            return Ok(());
        }
        let copy = &self.runner.shared.copy;
        let mut due = LiteMap::<String, MarkRequest>::new();
        for (conversation, newest) in &self.sending.others {
            let held = copy.head(conversation).map_or(0, |head| head.newest);
            let newest = held.min(*newest);
            if newest > copy.mark(conversation, &copy.me.username).delivered {
                due.entry(conversation.clone()).or_default().delivered = Some(newest);
            }
        }
        for (conversation, read) in copy.store.wanted_reads().await? {
            due.entry(conversation).or_default().read = Some(read);
        }
        self.sending.marks_due = false;
        for (conversation, mut request) in due {
            if self.sending.marks_under_way.len() >= limits::MARKS_IN_FLIGHT {
                self.sending.marks_due = true;
                break;
            }
            if !self.sending.marks_under_way.insert(conversation.clone()) {
                continue;
            }
            request.conversation = conversation;
            let connection = self.connection.clone();
            self.sending.under_way.spawn(async move {
                let result = connection.call(&Request::Mark(request.clone())).await;
                Done::Mark {
                    told: request,
                    result,
                }
            });
        }
        Ok(())
    }

    pub(super) async fn marked(
        &mut self,
        told: &MarkRequest,
        result: Result<MarkReply, Error>,
    ) -> Result<(), End> {
        self.sending.marks_under_way.remove(&told.conversation);
        self.sending.marks_due = true;
        match result {
            Ok(MarkReply { delivered, read }) => {
                self.sending.marks_wait = None;
                let copy = &self.runner.shared.copy;
                let mark = Mark {
                    conversation: told.conversation.clone(),
                    username: copy.me.username.clone(),
                    delivered,
                    read,
                };
                self.take_marks(&[mark]).await?;
                self.told_read(told).await
            }
            Err(Error::Refused(error)) if error.code == ErrorCode::UnknownAction => {
                self.sending.no_marks = true;
                Ok(())
            }
            Err(error @ Error::Refused(_)) if error.is_passing() => {
                let wait = self.sending.marks_wait.take();
                self.sending.marks_wait = Some(longer(wait, &error));
                Ok(())
            }
            // There is no such conversation any more: it isn't worth telling.
            Err(Error::Refused(_)) => {
                self.sending.others.remove(&told.conversation);
                self.told_read(told).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn told_read(&self, told: &MarkRequest) -> Result<(), End> {
        if let Some(read) = told.read {
            self.runner
                .shared
                .copy
                .store
                .read_done(told.conversation.clone(), read)
                .await?;
        }
        Ok(())
    }
}
