//! The Kith server: everything the `kith-server` program does, as a library, so that tests can run it in process.

pub mod clock;
pub mod config;
pub mod random;
pub mod store;
