//! How many bytes a second transfers may take.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::limits;
use crate::runtime::time::{Duration, Instant, sleep_until};

/// A limit that all transfers share. Whoever is behind another waits for its bytes too.
pub(in crate::engine) struct Pace(Mutex<State>);

struct State {
    rate: Option<u64>,
    /// When the bytes that were let through so far have passed.
    free: Instant,
}

impl Pace {
    pub(in crate::engine) fn new() -> Self {
        Self(Mutex::new(State {
            rate: None,
            free: Instant::now(),
        }))
    }

    /// Lets through so many bytes a second from now on.
    pub(in crate::engine) fn set(&self, rate: Option<u64>) {
        let mut state = self.lock();
        state.rate = rate.map(|rate| rate.max(1));
        state.free = Instant::now();
    }

    /// How many bytes to take at once, at most so many.
    pub(super) fn piece(&self, most: usize) -> usize {
        let rate = self.lock().rate.unwrap_or(u64::MAX);
        let piece = usize::try_from(rate / limits::PIECES_A_SECOND).unwrap_or(usize::MAX);
        piece.clamp(1, most)
    }

    /// Waits until so many bytes may go.
    pub(super) async fn take(&self, bytes: usize) {
        let until = {
            let mut state = self.lock();
            let Some(rate) = state.rate else { return };
            let from = state.free.max(Instant::now());
            state.free = from + Duration::from_secs_f64(bytes as f64 / rate as f64);
            state.free
        };
        sleep_until(until).await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn bytes_pass_at_their_rate_whoever_takes_them() {
        let pace = Pace::new();
        let start = Instant::now();
        assert_eq!(pace.piece(1 << 20), 1 << 20);
        pace.take(1 << 30).await;
        assert_eq!(start.elapsed(), Duration::ZERO, "there is no limit");
        pace.set(Some(80_000));
        assert_eq!(pace.piece(1 << 20), 10_000);
        let take = async || {
            for _ in 0..8 {
                pace.take(10_000).await;
            }
        };
        tokio::join!(take(), take());
        assert_eq!(start.elapsed().as_millis(), 2000);
        pace.set(None);
        pace.take(1 << 30).await;
        assert_eq!(start.elapsed().as_millis(), 2000);
    }
}
