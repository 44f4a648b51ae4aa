//! Who is there. It is kept with the connections and nowhere else, and ends with them.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use kith_common::Presence;
use tokio::sync::Notify;

use super::Hub;
use crate::store::{AccountId, Origin};

/// Something that may have changed who is seen as there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stir {
    /// The account's presence.
    Account(AccountId),
    /// Who sees the account's presence.
    Sight(AccountId),
}

/// What has changed and isn't told yet. Each thing is in it once, so it is no longer than twice the accounts that are connected.
#[derive(Default)]
pub(super) struct Stirred {
    waiting: Mutex<HashSet<Stir>>,
    added: Notify,
}

impl Stirred {
    pub(super) fn account(&self, account: AccountId) {
        self.add(Stir::Account(account));
    }

    fn add(&self, stir: Stir) {
        self.waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(stir);
        self.added.notify_one();
    }

    fn take(&self) -> HashSet<Stir> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Hub {
    /// How the account shows itself: as the most visible of its connections does.
    pub fn presence(&self, account: AccountId) -> Presence {
        let present = self.accounts.get(&account);
        let highest = present.and_then(|present| present.iter().map(|one| one.presence).max());
        highest.unwrap_or_default()
    }

    /// From now on one of the account's connections shows itself so.
    pub fn set_presence(&self, account: AccountId, origin: Origin, presence: Presence) {
        if let Some(mut present) = self.accounts.get_mut(&account)
            && let Some(one) = present.iter_mut().find(|one| one.link.origin() == origin)
            && one.presence != presence
        {
            one.presence = presence;
            self.stirred.account(account);
        }
    }

    /// Who sees the account's presence has changed.
    pub fn sight_changed(&self, of: AccountId) {
        self.stirred.add(Stir::Sight(of));
    }

    /// Waits until something may have changed who is seen as there, and takes all of that.
    pub async fn stirred(&self) -> HashSet<Stir> {
        loop {
            let stirred = self.stirred.take();
            if !stirred.is_empty() {
                return stirred;
            }
            self.stirred.added.notified().await;
        }
    }
}
