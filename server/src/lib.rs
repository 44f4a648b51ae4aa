//! The Kith server: everything the `kith-server` program does, as a library, so that tests can run it in process.

/// Name and version, as clients are told.
pub const PROGRAM: &str = concat!("kith-server ", env!("CARGO_PKG_VERSION"));

pub mod blobs;
pub mod bulk;
pub mod certs;
pub mod check;
pub mod clock;
pub mod config;
pub mod files;
pub mod handlers;
pub mod http;
pub mod hub;
pub mod limiter;
pub mod listen;
pub mod logging;
pub mod passwords;
mod platform;
pub mod presence;
pub mod random;
pub mod rate;
pub mod run;
pub mod secrets;
pub mod server;
pub mod session;
pub mod setup;
pub mod store;
pub mod tickets;
pub mod tls;
pub mod token;
pub mod transfers;
pub mod uploads;
pub mod websocket;
mod wire;
