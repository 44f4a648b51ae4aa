use std::time::Duration;

use crate::limits;

/// Waits between attempts to reconnect: each up to twice as long as the last, and a random part of that, so that the
/// clients of a server that was restarted don't all come back at once.
#[derive(Clone, Debug)]
pub struct Backoff {
    longest: Duration,
}

impl Backoff {
    /// A wait that begins anew.
    pub fn new() -> Self {
        Self {
            longest: *limits::RECONNECT.start(),
        }
    }

    /// The next wait: between half and all of what has come up, by a random number of any value.
    pub fn wait(&mut self, random: u32) -> Duration {
        let half = self.longest / 2;
        let part = half.mul_f64(f64::from(random) / f64::from(u32::MAX));
        self.longest = (self.longest * 2).min(*limits::RECONNECT.end());
        half + part
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_vary() {
        let millis = |random: u32| {
            let mut backoff = Backoff::new();
            (0..9)
                .map(|_| backoff.wait(random).as_millis())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            millis(u32::MAX),
            [500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]
        );
        assert_eq!(millis(0), [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
    }
}
