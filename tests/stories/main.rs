//! Stories: what people do with Kith, told against a real server process over TLS.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "these are tests"
)]

mod requests;

mod accounts;
mod contacts;
mod devices;
mod exactly_once;
mod guests;
mod invites;
mod login;
mod seed;
