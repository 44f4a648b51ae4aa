//! Who may try how often: logins, registrations and connections that haven't logged in.
//!
//! A failed login counts against its address, against the account from that address, and, when the account was never
//! seen at that address, against the account. So a stranger who guesses is stopped wherever they come from, while the owner, at an
//! address where they have been before, gets in all the same (OWASP's "device cookies", with the address as the
//! cookie). A login that succeeds gives back what it took: people behind one address don't hinder each other.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use dashmap::DashMap;

use crate::clock::Clock;
use crate::config::{FileLimits, Limits};
use crate::rate::{Buckets, RetryAfter};
use crate::store::AccountId;

/// An address as limits see it: an IPv6 network of 64 bits counts as one, since its owner has all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) >> 64 << 64)),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// All the buckets.
pub struct Limiter {
    by_address: Buckets<Source>,
    by_account_and_address: Buckets<(String, Source)>,
    by_account: Buckets<String>,
    registrations: Buckets<Source>,
    uploads: Buckets<AccountId>,
    guests: Arc<DashMap<Source, usize>>,
    guests_per_address: usize,
}

/// A login attempt that was let through: it counts as failed unless it is [`Attempt::succeeded`].
#[must_use]
pub struct Attempt<'a> {
    limiter: &'a Limiter,
    source: Source,
    key: String,
    is_stranger: bool,
}

/// A connection that hasn't logged in; counted until it is dropped.
pub struct Guest {
    guests: Arc<DashMap<Source, usize>>,
    source: Source,
}

impl Limiter {
    /// Nobody has tried anything yet.
    pub fn new(limits: &Limits, files: &FileLimits, clock: &Arc<dyn Clock>) -> Self {
        Self {
            by_address: Buckets::new(limits.login_failures_per_address, clock.clone()),
            by_account_and_address: Buckets::new(
                limits.login_failures_per_account_and_address,
                clock.clone(),
            ),
            by_account: Buckets::new(limits.login_failures_per_account, clock.clone()),
            registrations: Buckets::new(limits.registrations_per_address, clock.clone()),
            uploads: Buckets::new(files.opened_per_account, clock.clone()),
            guests: Arc::default(),
            guests_per_address: limits.connections_before_login_per_address,
        }
    }

    /// Lets a login attempt through. `key` is the name's key, whether anybody has the name or not; `is_stranger`
    /// says that the account was never seen at this address.
    ///
    /// # Errors
    /// Too many have failed; how long to wait.
    pub fn attempt(&self, address: IpAddr, key: &str, is_stranger: bool) -> Result<Attempt<'_>, RetryAfter> {
        let source = Source::from(address);
        let pair = (key.to_owned(), source);
        self.by_address.take(&source)?;
        if let Err(wait) = self.by_account_and_address.take(&pair) {
            self.by_address.give_back(&source);
            return Err(wait);
        }
        if is_stranger && let Err(wait) = self.by_account.take(&pair.0) {
            self.by_account_and_address.give_back(&pair);
            self.by_address.give_back(&source);
            return Err(wait);
        }
        Ok(Attempt {
            limiter: self,
            source,
            key: pair.0,
            is_stranger,
        })
    }

    /// Lets a registration through.
    ///
    /// # Errors
    /// Too many came from this address; how long to wait.
    pub fn registration(&self, address: IpAddr) -> Result<(), RetryAfter> {
        self.registrations.take(&Source::from(address))
    }

    /// A registration came to nothing.
    pub fn registration_failed(&self, address: IpAddr) {
        self.registrations.give_back(&Source::from(address));
    }

    /// Lets an upload be opened.
    ///
    /// # Errors
    /// The account has opened too many; how long to wait.
    pub fn upload(&self, account: AccountId) -> Result<(), RetryAfter> {
        self.uploads.take(&account)
    }

    /// Counts a connection that hasn't logged in; `None` when its address has too many.
    pub fn guest(&self, address: IpAddr) -> Option<Guest> {
        let source = Source::from(address);
        let mut count = self.guests.entry(source).or_default();
        if *count >= self.guests_per_address {
            return None;
        }
        *count += 1;
        Some(Guest {
            guests: self.guests.clone(),
            source,
        })
    }
}

impl Attempt<'_> {
    /// Nobody had time to look at the password.
    pub fn untried(self) {
        self.succeeded();
    }

    /// It was the right password.
    pub fn succeeded(self) {
        self.limiter.by_address.give_back(&self.source);
        if self.is_stranger {
            self.limiter.by_account.give_back(&self.key);
        }
        self.limiter
            .by_account_and_address
            .give_back(&(self.key, self.source));
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if let Some(mut count) = self.guests.get_mut(&self.source) {
            *count = count.saturating_sub(1);
        }
        self.guests.remove_if(&self.source, |_, count| *count == 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn guessing_is_stopped_and_the_owner_gets_in() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let limiter = Limiter::new(&Limits::default(), &FileLimits::default(), &clock);
        let mut refused = 0;
        for guess in 0..100u8 {
            for _ in 0..10 {
                refused += u32::from(limiter.attempt(address(guess), "alice", true).is_err());
            }
        }
        assert_eq!(refused, 1000 - 60, "strangers share the account's limit");
        limiter.attempt(address(200), "alice", false).unwrap().succeeded();
        assert!(
            limiter.attempt(address(0), "bob", true).is_ok(),
            "others at the same address go on"
        );
    }

    #[test]
    fn people_behind_one_address_log_in_at_once() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let limiter = Limiter::new(&Limits::default(), &FileLimits::default(), &clock);
        for person in 0..5000 {
            limiter
                .attempt(address(1), &format!("person{person}"), true)
                .unwrap()
                .succeeded();
        }
    }

    #[test]
    fn guests_are_counted_until_they_go() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let limits = Limits {
            connections_before_login_per_address: 2,
            ..Limits::default()
        };
        let limiter = Limiter::new(&limits, &FileLimits::default(), &clock);
        let (one, two) = (limiter.guest(address(1)), limiter.guest(address(1)));
        assert!(one.is_some() && two.is_some() && limiter.guest(address(1)).is_none());
        assert!(limiter.guest(address(2)).is_some());
        drop(one);
        assert!(limiter.guest(address(1)).is_some());
        let v6 = |text: &str| Source::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(v6("2001:db8::1"), v6("2001:db8::ffff"));
        assert_ne!(v6("2001:db8::1"), v6("2001:db8:0:1::1"));
    }
}
