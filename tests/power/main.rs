//! The power goes, again and again, and with it all that was written and not synced: nothing acknowledged is lost.
//!
//! A killed process leaves behind what it has written, synced or not, so `crash` would pass without a single fsync. Here
//! a small library between the server and the C library notes what is durable (`interposer.c`), and after the kill the
//! server finds just that, or that and a random part of what was under way (`disk.rs`). [`lies`] shows that it would be
//! noticed if one of these syncs were missing.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is a test"
)]

mod copying;
mod disk;
mod lies;
mod setup;
mod start;
mod tus;
mod uploads;
mod writing;
