use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::value;

/// What one client, account or address may use of the server. Sizes are in bytes.
///
/// The limits of the protocol itself stand in [`kith_common::limits`]; these are the operator's to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at a time, in all.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1_000_000>")]
    pub connections: usize,
    /// Connections from one address that have not logged in yet.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1_000_000>")]
    pub connections_before_login_per_address: usize,
    /// Connections of one account that are logged in at a time.
    #[serde(deserialize_with = "value::within::<_, _, 1, 100_000>")]
    pub sessions_per_account: usize,
    /// Time for a TLS handshake.
    #[serde(rename = "handshake_seconds", with = "value::seconds")]
    pub handshake: Duration,
    /// Time that a connection may stay without a login.
    #[serde(rename = "login_seconds", with = "value::seconds")]
    pub login: Duration,
    /// Time for a frame that has begun to be complete. After a login a frame may take longer, if it moves fast enough.
    #[serde(rename = "frame_seconds", with = "value::seconds")]
    pub frame: Duration,
    /// What may wait to be sent to one session; one that falls further behind syncs from the log instead.
    #[serde(deserialize_with = "value::within::<_, _, 262_144, 1_073_741_824>")]
    pub queue_bytes: usize,
    /// Requests of one session that may be under way at a time.
    #[serde(deserialize_with = "value::within::<_, _, 1, 65_536>")]
    pub in_flight: usize,
    /// Memory for large frames of all sessions together; at least one of the largest must fit.
    #[serde(deserialize_with = "value::within::<_, _, 16_777_216, 4_294_967_295>")]
    pub large_frame_bytes: usize,
    /// Failed logins from one address (many people may share one).
    pub login_failures_per_address: Rate,
    /// Failed logins to one account from one address.
    pub login_failures_per_account_and_address: Rate,
    /// Failed logins to one account from addresses that it never logged in from.
    pub login_failures_per_account: Rate,
    /// New accounts from one address.
    pub registrations_per_address: Rate,
    /// Messages, files, edits, deletions, reactions and new profiles of one session.
    pub messages_per_session: Rate,
    /// Words of one session about who is typing and who is there.
    pub signals_per_session: Rate,
}

/// How often something may happen: `burst` times at once, then `per_minute`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many may come at once after a pause.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1_000_000_000>")]
    pub burst: NonZeroU32,
    /// How many a minute are allowed in the long run.
    #[serde(deserialize_with = "value::within::<_, _, 1, 1_000_000_000>")]
    pub per_minute: NonZeroU32,
}

impl Rate {
    /// A rate; a zero counts as one.
    pub(super) const fn new(burst: u32, per_minute: u32) -> Self {
        const fn at_least_one(number: u32) -> NonZeroU32 {
            match NonZeroU32::new(number) {
                Some(number) => number,
                None => NonZeroU32::MIN,
            }
        }
        Self {
            burst: at_least_one(burst),
            per_minute: at_least_one(per_minute),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 20_000,
            connections_before_login_per_address: 1_000,
            sessions_per_account: 256,
            handshake: Duration::from_secs(10),
            login: Duration::from_secs(600),
            frame: Duration::from_secs(30),
            queue_bytes: 1024 * 1024,
            in_flight: 256,
            large_frame_bytes: 128 * 1024 * 1024,
            login_failures_per_address: Rate::new(200, 60),
            login_failures_per_account_and_address: Rate::new(10, 2),
            login_failures_per_account: Rate::new(60, 2),
            registrations_per_address: Rate::new(200, 20),
            messages_per_session: Rate::new(20_000, 120_000),
            signals_per_session: Rate::new(60, 120),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_frame_fits_into_the_least_memory_for_large_frames() {
        let least = toml::from_str::<Limits>("large_frame_bytes = 16777216")
            .unwrap()
            .large_frame_bytes;
        assert!(least >= kith_common::limits::FRAME);
    }

    #[test]
    fn out_of_range_says_what_is_allowed() {
        let error = toml::from_str::<Limits>("in_flight = 0").unwrap_err();
        assert!(
            error.message().contains("a whole number from 1 to 65536"),
            "{error}"
        );
        let error = toml::from_str::<Limits>("frame_seconds = \"soon\"").unwrap_err();
        assert!(
            error
                .message()
                .contains("seconds, a whole number from 1 to 86400"),
            "{error}"
        );
        let error =
            toml::from_str::<Limits>("messages_per_session = { burst = 0, per_minute = 1 }").unwrap_err();
        assert!(error.message().contains("a whole number from 1 to"), "{error}");
    }
}
