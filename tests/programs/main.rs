//! Programs that are not ours: openssl, Python; and kith-cli as people use it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "these are tests"
)]

mod cli;
mod openssl;
mod process;
mod python;
mod readme;
mod relay;
mod renewal;
mod terminal;
mod tls;
mod trust;
