use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kith_common::{LogEvent, Notice};
use tokio::sync::Notify;

use crate::{Error, limits};

/// What a server says without being asked, and what becomes of its connection.
#[derive(Clone, Debug)]
pub enum Push {
    /// A new event of a log.
    Event(LogEvent),
    /// What belongs to no log: how far somebody has read, who is typing, who is there, a changed profile.
    Notice(Notice),
    /// Events were missed: ask with `sync`.
    Behind,
    /// The session was revoked, or ended by a change of password.
    SessionEnded,
    /// The connection ended.
    Lost(Error),
}

/// The pushes of a session, over all the connections it has, for one taker.
///
/// Their number is bounded: what comes while nobody takes is dropped, and [`Push::Behind`] said instead.
#[derive(Debug)]
pub struct Pushes(pub(crate) PushQueue);

impl Pushes {
    /// The next push. Dropping the future loses none.
    pub async fn next(&mut self) -> Push {
        loop {
            match self.waiting() {
                Some(push) => return push,
                None => self.0.shared.arrived.notified().await,
            }
        }
    }

    /// The next push, if one is waiting already.
    pub fn waiting(&mut self) -> Option<Push> {
        let mut waiting = self.0.lock();
        if let Some(event) = waiting.events.pop_front() {
            return Some(Push::Event(event));
        }
        if let Some(notice) = waiting.notices.pop_front() {
            return Some(Push::Notice(notice));
        }
        if core::mem::take(&mut waiting.behind) {
            return Some(Push::Behind);
        }
        if core::mem::take(&mut waiting.session_ended) {
            return Some(Push::SessionEnded);
        }
        waiting.lost.take().map(Push::Lost)
    }
}

/// The end of [`Pushes`] that connections put into.
#[derive(Clone, Debug, Default)]
pub(crate) struct PushQueue {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<LogEvent>,
    notices: VecDeque<Notice>,
    behind: bool,
    session_ended: bool,
    lost: Option<Error>,
}

impl PushQueue {
    pub(super) fn event(&self, event: LogEvent) {
        self.change(|waiting| {
            if waiting.events.len() < limits::PUSH_QUEUE {
                waiting.events.push_back(event);
            } else {
                waiting.behind = true;
            }
        });
    }

    pub(super) fn notice(&self, notice: Notice) {
        self.change(|waiting| match notice {
            Notice::Behind => waiting.behind = true,
            Notice::SessionEnded => waiting.session_ended = true,
            // The connection's end follows and says the same.
            Notice::Bye { .. } => {}
            notice if waiting.notices.len() < limits::PUSH_QUEUE => waiting.notices.push_back(notice),
            // `sync` gives these again; the others are worth nothing a moment later.
            Notice::Mark(_) | Notice::Person(_) => waiting.behind = true,
            Notice::Typing { .. } | Notice::Presence(_) => {}
        });
    }

    pub(super) fn lost(&self, error: &Error) {
        self.change(|waiting| waiting.lost = Some(error.clone()));
    }

    /// A new connection took the place of one that was lost: what was pushed in between is missing.
    pub(crate) fn reconnected(&self) {
        self.change(|waiting| {
            waiting.lost = None;
            waiting.behind = true;
        });
    }

    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        change(&mut self.lock());
        self.shared.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use kith_common::{DeviceId, EventKind};

    use super::*;

    fn event(number: u64) -> LogEvent {
        LogEvent {
            event: EventKind::Message,
            conversation: "c".to_owned(),
            number,
            sender: "bob".to_owned(),
            device: DeviceId(1),
            time: 0,
            client_id: None,
            body: None,
        }
    }

    #[tokio::test]
    async fn what_nobody_takes_is_dropped_and_said() {
        let queue = PushQueue::default();
        let mut pushes = Pushes(queue.clone());
        for number in 1..=limits::PUSH_QUEUE as u64 + 9 {
            queue.event(event(number));
        }
        queue.lost(&Error::Silent);
        for number in 1..=limits::PUSH_QUEUE as u64 {
            assert!(matches!(pushes.next().await, Push::Event(e) if e.number == number));
        }
        assert!(matches!(pushes.next().await, Push::Behind));
        assert!(matches!(pushes.next().await, Push::Lost(Error::Silent)));
        assert!(pushes.waiting().is_none());
        queue.lost(&Error::Silent);
        queue.reconnected();
        assert!(matches!(pushes.next().await, Push::Behind));
        assert!(pushes.waiting().is_none());
    }
}
