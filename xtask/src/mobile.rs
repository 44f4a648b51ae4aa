//! `cargo xtask check-mobile`: what can be said of the app on phones without their makers' kits.

use std::io::{IsTerminal as _, stdin};

use anyhow::{Result, bail};
use clap::Args;

use crate::cross::{ANDROID, Cross};
use crate::debian;
use crate::process::{self, on_path};
use crate::test::Outcome;
use crate::workspace::Workspace;

/// C for Android: clang, with what is the same in any 64-bit Arm's headers. Enough to look at C code, not to link it.
const C_FLAGS: &str = "--target=aarch64-linux-android24 -isystem /usr/aarch64-linux-gnu/include";

/// Checks that the app compiles for Android
///
/// Types and borrows only: to make packages takes Google's or Apple's kit, and `dx bundle`.
#[derive(Args)]
pub(crate) struct CheckMobile {}

impl CheckMobile {
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<()> {
        if on_path("apt-get").is_some() {
            debian::install_for_mobile(stdin().is_terminal())?;
        }
        match check(workspace)? {
            Outcome::Passed => Ok(()),
            Outcome::Skipped(reason) => bail!(reason),
        }
    }
}

pub(crate) fn check(workspace: &Workspace) -> Result<Outcome> {
    let Some(cross) = Cross::find(ANDROID)? else {
        return Ok(Outcome::Skipped(
            "neither `rustup target add aarch64-linux-android` nor Debian's rustc-web was used here",
        ));
    };
    if on_path("clang").is_none() {
        return Ok(Outcome::Skipped("clang isn't installed"));
    }
    let mut check = cross.cargo(workspace, "check");
    check.args(["--package", "kith-app", "--bin", "kith"]);
    check.args(["--no-default-features", "--features", "mobile"]);
    check.env("CC_aarch64_linux_android", "clang");
    check.env("AR_aarch64_linux_android", "ar");
    check.env("CFLAGS_aarch64_linux_android", C_FLAGS);
    process::run(&mut check)?;
    Ok(Outcome::Passed)
}
