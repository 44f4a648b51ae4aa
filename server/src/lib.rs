//! The Kith server: everything the `kith-server` program does, as a library, so that tests can run it in process.

pub mod certs;
pub mod check;
pub mod config;
pub mod files;
pub mod secrets;
pub mod setup;
pub mod tls;
