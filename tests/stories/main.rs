//! Stories: what people do with Kith, told against a real server process over TLS.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "these are tests"
)]

mod requests;

mod accounts;
mod administration;
mod bad_connections;
mod bad_input;
mod bad_uploads;
mod changes;
mod contacts;
mod delivery;
mod devices;
mod downloads;
mod exactly_once;
mod expiry;
mod files;
mod guests;
mod history;
mod http;
mod invites;
mod login;
mod logs;
mod marks;
mod pace;
mod privacy;
mod profiles;
mod refusals;
mod seed;
mod signals;
mod stopping;
mod storage;
mod transfers;
mod uploads;
mod web_app;
mod web_socket;
