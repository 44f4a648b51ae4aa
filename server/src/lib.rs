//! The Kith server: everything the `kith-server` program does, as a library, so that tests can run it in process.

pub mod config;
