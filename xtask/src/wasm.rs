//! Checks that `kith-common` is pure: that it builds for browsers.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::test::Outcome;
use crate::workspace::Workspace;

const TARGET: &str = "wasm32-unknown-unknown";

/// By the toolchain's own standard library for the target, else by the compiler that Debian keeps for it.
pub(crate) fn check_common(workspace: &Workspace) -> Result<Outcome> {
    let check = ["check", "--package", "kith-common", "--target", TARGET];
    if toolchain_has_target()? {
        let mut cargo = workspace.cargo("check");
        process::run(cargo.args(check.iter().skip(1)))?;
        return Ok(Outcome::Passed);
    }
    // Debian's packages rustc-web and rust-web-src: another Rust than the one in use, and its standard library's source.
    let (rustc, cargo) = (Path::new("/usr/bin/rustc"), Path::new("/usr/bin/cargo"));
    let library = Path::new("/usr/lib/rustlib/src/rust/library");
    if !(rustc.is_file() && cargo.is_file() && library.is_dir()) {
        return Ok(Outcome::Skipped(
            "neither `rustup target add wasm32-unknown-unknown` nor Debian's rustc-web was used here",
        ));
    }
    let mut cargo = Command::new(cargo);
    cargo.args(check).arg("-Zbuild-std=std,panic_abort");
    cargo.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
    cargo.env("CARGO_TARGET_DIR", workspace.target.join("wasm"));
    process::run(cargo.current_dir(&workspace.root))?;
    Ok(Outcome::Passed)
}

fn toolchain_has_target() -> Result<bool> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", TARGET]);
    let folder = String::from_utf8(process::output(&mut rustc)?)?;
    Ok(Path::new(folder.trim()).is_dir())
}
