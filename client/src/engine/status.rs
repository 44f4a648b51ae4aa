use core::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::local_store::StoreError;
use crate::{Error, TrustError, runtime};

/// The state of an engine's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is no connection. The engine tries again by itself.
    Offline {
        /// Why, where one was tried.
        reason: Option<Error>,
        /// How long after this the next attempt is made.
        retry_in: Duration,
    },
    /// A connection is being made, or what was missed is being fetched.
    Connecting,
    /// The copy is equal with the server, and what happens comes at once.
    Online,
    /// The session was revoked or ended by a new password: log in and call [`super::Engine::renew`].
    SessionEnded,
    /// The server isn't trusted. The engine tries again now and then, for it may be the network's fault.
    Refused(TrustError),
    /// The device can't keep the copy. The engine waits for [`super::Engine::network_changed`] to try again.
    Failed(StoreError),
    /// The engine was closed.
    Closed,
}

/// What tells the time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::new(runtime::now)
    }

    /// Another clock.
    pub fn new(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    pub(super) fn now(&self) -> i64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
