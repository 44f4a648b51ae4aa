//! The client against a server that says what a test tells it to, over real TLS.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may end where something isn't as it should be, in its helpers too"
)]

mod cli;
mod connection;
mod session;
mod support;
mod trust;
