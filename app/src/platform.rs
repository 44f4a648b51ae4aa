//! The only place with code for one platform. Every platform offers the same functions.

#[cfg(feature = "web")]
mod web;
#[cfg(feature = "web")]
pub use web::*;

#[cfg(not(feature = "web"))]
mod native;
#[cfg(not(feature = "web"))]
pub use native::*;

use kith_client::ServerAddress;

use crate::state::Opened;

/// Name and version of this program, for the server's log.
pub const PROGRAM: &str = concat!("kith/", env!("CARGO_PKG_VERSION"));

/// The account that was used last.
pub enum Last {
    /// It is open.
    Opened(Opened),
    /// It was logged out.
    LoggedOut(ServerAddress, String),
    /// There is none.
    Nobody,
}
