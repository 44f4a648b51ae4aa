//! Rates that can be given back.
//!
//! A limit on *failed* logins has to be taken when the attempt begins (else a thousand of them at once pass before the
//! first has failed) and given back when it succeeds. The crates for rate limiting at hand can't give back,
//! so this is a token bucket of our own (the algorithm of RFC 2698 with one rate).

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::config::Rate;

/// Keys remembered at a time. A key whose bucket is full again is forgotten first; it needs no memory.
const REMEMBERED: usize = 100_000;

/// A token bucket for each key.
pub struct Buckets<K> {
    rate: Rate,
    clock: Arc<dyn Clock>,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    updated: i64,
}

/// There is no token; one comes in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(pub u32);

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Full buckets.
    pub fn new(rate: Rate, clock: Arc<dyn Clock>) -> Self {
        Self {
            rate,
            clock,
            buckets: Mutex::default(),
        }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// There is none; how long until the next one.
    pub fn take(&self, key: &K) -> Result<(), RetryAfter> {
        let now = self.clock.now();
        let mut buckets = self.buckets();
        if buckets.len() >= REMEMBERED && !buckets.contains_key(key) {
            let full = f64::from(self.rate.burst.get());
            buckets.retain(|_, bucket| self.refilled(*bucket, now).tokens < full);
            if buckets.len() >= REMEMBERED {
                // Many keys are at their limit at once: an attack. Forgetting some beats running out of memory.
                buckets.clear();
            }
        }
        let full = Bucket {
            tokens: f64::from(self.rate.burst.get()),
            updated: now,
        };
        let bucket = buckets.entry(key.clone()).or_insert(full);
        *bucket = self.refilled(*bucket, now);
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let seconds = (1.0 - bucket.tokens) * 60.0 / f64::from(self.rate.per_minute.get());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most a minute, never negative"
        )]
        Err(RetryAfter((seconds.ceil() as u32).max(1)))
    }

    /// Gives a token back that was taken for nothing.
    pub fn give_back(&self, key: &K) {
        if let Some(bucket) = self.buckets().get_mut(key) {
            bucket.tokens = (bucket.tokens + 1.0).min(f64::from(self.rate.burst.get()));
        }
    }

    fn refilled(&self, bucket: Bucket, now: i64) -> Bucket {
        // A clock that was set back gives nothing and takes nothing.
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of centuries fit")]
        let minutes = (now - bucket.updated).max(0) as f64 / 60_000.0;
        let tokens = minutes.mul_add(f64::from(self.rate.per_minute.get()), bucket.tokens);
        Bucket {
            tokens: tokens.min(f64::from(self.rate.burst.get())),
            updated: now,
        }
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<K, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[derive(Default)]
    struct Hands(AtomicI64);

    impl Clock for Hands {
        fn now(&self) -> i64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_bucket_empties_refills_and_takes_back() {
        let clock = Arc::new(Hands::default());
        let rate = Rate {
            burst: NonZeroU32::new(2).unwrap(),
            per_minute: NonZeroU32::new(6).unwrap(),
        };
        let buckets = Buckets::new(rate, clock.clone());
        assert_eq!((buckets.take(&1), buckets.take(&1)), (Ok(()), Ok(())));
        assert_eq!(buckets.take(&1), Err(RetryAfter(10)));
        assert_eq!(buckets.take(&2), Ok(()));
        buckets.give_back(&1);
        assert_eq!(buckets.take(&1), Ok(()));
        clock.0.store(10_000, Ordering::Relaxed);
        assert_eq!(
            (buckets.take(&1), buckets.take(&1)),
            (Ok(()), Err(RetryAfter(10)))
        );
        clock.0.store(5_000, Ordering::Relaxed);
        assert_eq!(buckets.take(&1), Err(RetryAfter(10)));
        clock.0.store(10_000_000, Ordering::Relaxed);
        assert_eq!((buckets.take(&1), buckets.take(&1)), (Ok(()), Ok(())));
        assert!(buckets.take(&1).is_err());
    }
}
