//! What the stories stand on: a real server process with its own data, and clients that speak to it over TLS.
//!
//! Every server has a temporary directory and a port of its own and is gone when the test ends. Nothing here sleeps:
//! a test waits for the line it expects, and the wait ends with a clear failure after [`PATIENCE`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is test code"
)]

mod builder;
mod dice;
mod http;
mod proxy;
mod raw;
mod server;
mod web_socket;
pub mod writers;

use std::path::PathBuf;
use std::time::Duration;

pub use builder::Builder;
pub use dice::{Dice, seed};
pub use http::{Answer, Ask};
pub use proxy::{Proxy, Way};
pub use raw::Raw;
pub use server::Server;
pub use web_socket::{Refusal, Socket};

/// How long a test waits for something that is bound to happen, on a machine that may be very busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The password of everybody in the tests.
pub const PASSWORD: &str = "correct horse battery";

/// A program of the workspace: where the variable says (`cargo xtask test` sets it), else beside the test program.
pub fn program(name: &str, variable: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return path.into();
    }
    let test = std::env::current_exe().unwrap();
    let path = test.parent().unwrap().parent().unwrap().join(name);
    assert!(
        path.exists(),
        "{} is not built; run `cargo build` (or `cargo xtask test`) first",
        path.display()
    );
    path
}
