use std::io;
use std::time::Duration;

use kith_common::{ErrorCode, WireError};

use crate::{ServerAddress, TrustError, limits};

/// Why something asked of a server didn't happen. Each says it to a person in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The server's name has no address.
    #[error("can't find {host}: check its name and your network ({reason})")]
    Unknown {
        /// The name.
        host: String,
        /// What the resolver says.
        reason: String,
    },
    /// Nothing answers where the server should be.
    #[error("can't reach {server}: check its address and your network, and whether it runs ({reason})")]
    Unreachable {
        /// Where it should be.
        server: ServerAddress,
        /// What the network says of the address that was tried last.
        reason: String,
    },
    /// The server isn't trusted.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The TLS handshake failed for a reason other than trust.
    #[error("no secure connection with the server: {0}")]
    Tls(String),
    /// The connection ended.
    #[error("the connection was lost ({0}); try again")]
    Lost(String),
    /// The connection ended between a write and its reply, and the server couldn't be asked again.
    #[error("the connection was lost before the server confirmed; it may or may not have taken effect ({0})")]
    Unconfirmed(String),
    /// The server was silent for too long.
    #[error("the server doesn't answer; try again later")]
    Silent,
    /// The connection was closed from this side.
    #[error("the connection is closed")]
    Closed,
    /// The server said what can't be understood.
    #[error("the server doesn't speak as expected ({0}): one of the two programs may be too old")]
    Protocol(String),
    /// The request is longer than the server takes.
    #[error("this is too large: {size} bytes, and the server takes {limit}")]
    TooLarge {
        /// Its length in bytes.
        size: usize,
        /// The longest that the server takes.
        limit: usize,
    },
    /// The server answered that it won't.
    #[error("{0}")]
    Refused(WireError),
    /// This machine can't do what is needed.
    #[error("this machine can't go on: {0}")]
    Local(String),
}

impl Error {
    /// Whether the network or the server's state is to blame, so that the same may work a little later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unknown { .. } | Self::Unreachable { .. } | Self::Tls(_) => true,
            Self::Lost(_) | Self::Unconfirmed(_) | Self::Silent => true,
            Self::Refused(error) => matches!(
                error.code,
                ErrorCode::Busy
                    | ErrorCode::RateLimited
                    | ErrorCode::Timeout
                    | ErrorCode::Internal
                    | ErrorCode::Storage
            ),
            _ => false,
        }
    }

    /// Whether the connection ended under a request, so that its fate isn't known.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::Silent)
    }

    /// Whether the server answered with this code.
    pub fn is_refused(&self, code: ErrorCode) -> bool {
        matches!(self, Self::Refused(error) if error.code == code)
    }

    /// How long the server asked to wait, at most the longest wait of this client.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(error) => {
                let wait = Duration::from_secs(error.retry_after?.into());
                Some(wait.min(*limits::RECONNECT.end()))
            }
            _ => None,
        }
    }
}

/// What the system says of an error, without its number, which tells people nothing.
pub fn system_reason(error: &io::Error) -> String {
    let reason = error.to_string();
    match error.raw_os_error() {
        Some(number) => reason.replace(&format!(" (os error {number})"), ""),
        None => reason,
    }
}
