//! What an engine tells whoever shows things.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use kith_common::{Pin, Presence};
use tokio::sync::Notify;

use super::Status;
use super::outbox::Progress;
use crate::limits;

/// Something looks different now. Each says what to ask the engine for again.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Everything may: too much has changed for a list of it.
    Reload,
    /// Another conversation is there, or has other members.
    Conversations,
    /// Messages were added, or look different.
    Messages {
        /// The conversation.
        conversation: String,
        /// Their numbers.
        numbers: BTreeSet<u64>,
    },
    /// How many messages of a conversation weren't read.
    Unread {
        /// The conversation.
        conversation: String,
        /// How many of those that are held.
        count: u64,
    },
    /// Somebody has received or read more.
    Marks {
        /// The conversation.
        conversation: String,
    },
    /// Something that was written came further.
    Outbox {
        /// Its id.
        id: u64,
        /// How far.
        progress: Progress,
    },
    /// A file came further on its way.
    Transfer {
        /// Its id in the outbox.
        id: u64,
        /// How many bytes are there.
        done: u64,
        /// How many there will be.
        total: u64,
    },
    /// Somebody types, or has stopped.
    Typing {
        /// The conversation.
        conversation: String,
        /// Who.
        username: String,
        /// Whether they type.
        typing: bool,
    },
    /// Somebody shows themselves differently.
    Presence {
        /// Who.
        username: String,
        /// How.
        presence: Presence,
    },
    /// Somebody's profile has changed; one's own too.
    Profile {
        /// Who.
        username: String,
    },
    /// The contacts or the blocked people have changed.
    Contacts,
    /// A device of the account was added or removed.
    Sessions,
    /// The server announced the keys to pin from now on: they are to be kept for the next time.
    Pins(Vec<Pin>),
    /// The connection.
    Status(Status),
}

impl Change {
    /// Takes a later change in, if both are about the same thing.
    fn absorb(&mut self, later: &Self) -> bool {
        match (&mut *self, later) {
            (
                Self::Messages {
                    conversation,
                    numbers,
                },
                Self::Messages {
                    conversation: c,
                    numbers: n,
                },
            ) if conversation == c && numbers.len() < limits::CHANGED_MESSAGES => {
                numbers.extend(n);
                true
            }
            (Self::Unread { conversation: a, .. }, Self::Unread { conversation: b, .. }) if a == b => {
                self.clone_from(later);
                true
            }
            (Self::Outbox { id: a, .. }, Self::Outbox { id: b, .. })
            | (Self::Transfer { id: a, .. }, Self::Transfer { id: b, .. })
                if a == b =>
            {
                self.clone_from(later);
                true
            }
            (
                Self::Typing {
                    conversation,
                    username,
                    ..
                },
                Self::Typing {
                    conversation: c,
                    username: u,
                    ..
                },
            ) if conversation == c && username == u => {
                self.clone_from(later);
                true
            }
            (Self::Presence { username: a, .. }, Self::Presence { username: b, .. }) if a == b => {
                self.clone_from(later);
                true
            }
            (Self::Status(_), Self::Status(_)) | (Self::Pins(_), Self::Pins(_)) => {
                self.clone_from(later);
                true
            }
            (same, later) => same == later,
        }
    }
}

/// The changes of an engine, for one taker; see [`super::Engine::changes`].
///
/// Their number is bounded: what comes while nobody takes is put together, and becomes [`Change::Reload`] in the end.
#[derive(Debug)]
pub struct Changes(Arc<Queue>);

impl Changes {
    /// All that has changed since the last call, at least one; `None` once the engine has ended. Dropping the future
    /// loses none.
    pub async fn next(&mut self) -> Option<Vec<Change>> {
        loop {
            {
                let mut waiting = self.0.lock();
                if !waiting.changes.is_empty() {
                    return Some(core::mem::take(&mut waiting.changes));
                }
                if waiting.ended {
                    return None;
                }
            }
            self.0.arrived.notified().await;
        }
    }
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    changes: Vec<Change>,
    ended: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, change: &Change) {
        let mut waiting = self.lock();
        let changes = &mut waiting.changes;
        if changes.first() != Some(&Change::Reload) || matches!(change, Change::Status(_) | Change::Pins(_)) {
            if !changes.iter_mut().rev().any(|earlier| earlier.absorb(change)) {
                changes.push(change.clone());
            }
            if changes.len() > limits::CHANGES {
                // What can't be asked for is kept.
                changes.retain(|change| matches!(change, Change::Pins(_) | Change::Status(_)));
                changes.insert(0, Change::Reload);
            }
        }
        drop(waiting);
        self.arrived.notify_one();
    }
}

/// The end of [`Changes`] that an engine puts into.
#[derive(Debug, Default)]
pub(crate) struct Announcer(Mutex<Vec<Weak<Queue>>>);

impl Announcer {
    pub(crate) fn subscribe(&self) -> Changes {
        let queue = Arc::new(Queue::default());
        let mut queues = self.lock();
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(&queue));
        Changes(queue)
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "it is made for this call, and goes to several"
    )]
    pub(crate) fn tell(&self, change: Change) {
        for queue in self.lock().iter().filter_map(Weak::upgrade) {
            queue.push(&change);
        }
    }

    pub(crate) fn end(&self) {
        for queue in self.lock().iter().filter_map(Weak::upgrade) {
            queue.lock().ended = true;
            queue.arrived.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Queue>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(conversation: &str, numbers: &[u64]) -> Change {
        Change::Messages {
            conversation: conversation.to_owned(),
            numbers: numbers.iter().copied().collect(),
        }
    }

    #[tokio::test]
    async fn what_is_about_the_same_comes_together() {
        let announcer = Announcer::default();
        let mut changes = announcer.subscribe();
        announcer.tell(messages("a", &[1]));
        announcer.tell(Change::Contacts);
        announcer.tell(messages("b", &[1]));
        announcer.tell(messages("a", &[2]));
        announcer.tell(Change::Contacts);
        let batch = changes.next().await.unwrap();
        assert_eq!(
            batch,
            [messages("a", &[1, 2]), Change::Contacts, messages("b", &[1])]
        );
        announcer.end();
        assert_eq!(changes.next().await, None);
    }

    #[tokio::test]
    async fn what_nobody_takes_becomes_one_word() {
        let announcer = Announcer::default();
        let mut changes = announcer.subscribe();
        for number in 0..limits::CHANGES * 3 {
            announcer.tell(messages(&number.to_string(), &[1]));
        }
        announcer.tell(Change::Status(Status::Online));
        let batch = changes.next().await.unwrap();
        assert_eq!(batch, [Change::Reload, Change::Status(Status::Online)]);
        announcer.tell(Change::Contacts);
        assert_eq!(changes.next().await.unwrap(), [Change::Contacts]);
    }
}
