//! How many transfers run, so that the memory and the lines that they take have an end.

use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::FileLimits;
use crate::store::AccountId;

/// The transfers that run.
pub struct Transfers {
    by_account: Arc<DashMap<AccountId, usize>>,
    per_account: usize,
    places: Arc<Semaphore>,
}

/// One of them; counted until it is dropped.
pub struct Transfer {
    by_account: Arc<DashMap<AccountId, usize>>,
    account: AccountId,
    _place: OwnedSemaphorePermit,
}

/// As many run as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooManyTransfers {
    /// Of the account.
    #[error("too many transfers at once")]
    OfAccount,
    /// Of all.
    #[error("the server has too many transfers at once")]
    OfAll,
}

impl Transfers {
    /// None runs yet.
    pub fn new(limits: &FileLimits) -> Self {
        Self {
            by_account: Arc::default(),
            per_account: limits.transfers_per_account,
            places: Arc::new(Semaphore::new(limits.transfers)),
        }
    }

    /// Begins one.
    ///
    /// # Errors
    /// Too many run.
    pub fn start(&self, account: AccountId) -> Result<Transfer, TooManyTransfers> {
        let mut count = self.by_account.entry(account).or_default();
        if *count >= self.per_account {
            return Err(TooManyTransfers::OfAccount);
        }
        let place = self.places.clone().try_acquire_owned();
        let place = place.map_err(|_| TooManyTransfers::OfAll)?;
        *count += 1;
        Ok(Transfer {
            by_account: self.by_account.clone(),
            account,
            _place: place,
        })
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if let Some(mut count) = self.by_account.get_mut(&self.account) {
            *count = count.saturating_sub(1);
        }
        self.by_account.remove_if(&self.account, |_, count| *count == 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_leaves_places_to_others() {
        let transfers = Transfers::new(&FileLimits {
            transfers_per_account: 2,
            transfers: 3,
            ..FileLimits::default()
        });
        let (alice, bob) = (AccountId(1), AccountId(2));
        let first = transfers.start(alice).unwrap();
        let _second = transfers.start(alice).unwrap();
        assert_eq!(transfers.start(alice).err(), Some(TooManyTransfers::OfAccount));
        let _third = transfers.start(bob).unwrap();
        assert_eq!(transfers.start(bob).err(), Some(TooManyTransfers::OfAll));
        drop(first);
        assert!(transfers.start(bob).is_ok());
    }
}
