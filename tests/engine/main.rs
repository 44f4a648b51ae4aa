//! Stories of the client engine: what people do with several devices on bad lines, against a real server over TLS.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "these are tests"
)]

mod device;
#[path = "../../client/examples/echo_bot.rs"]
#[expect(dead_code, reason = "the story runs all but its `main`")]
mod echo_bot;

mod accounts;
mod bad_days;
mod bad_lines;
mod chat;
mod effects;
mod histories;
mod local_copy;
mod saving;
mod signals;
mod transfers;
