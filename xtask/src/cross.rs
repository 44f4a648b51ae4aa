//! Cargo for targets that the toolchain in use may lack: browsers and phones.
//!
//! Where rustup has put the target's standard library, it is used. Else there is Debian's `rustc-web`, which is another Rust than
//! the one in use, with the source of the standard library beside it: it is built first.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process::{self, on_path};
use crate::workspace::Workspace;

/// Browsers.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// Android on today's phones.
pub(crate) const ANDROID: &str = "aarch64-linux-android";

const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library";

/// A way to build for one target.
pub(crate) struct Cross {
    target: &'static str,
    is_debian: bool,
}

impl Cross {
    /// The way there is on this machine, if there is one.
    pub(crate) fn find(target: &'static str) -> Result<Option<Self>> {
        let is_debian = !toolchain_has(target)?;
        Ok((!is_debian || debian_has_it()).then_some(Self { target, is_debian }))
    }

    /// A cargo command for the target.
    pub(crate) fn cargo(&self, workspace: &Workspace, subcommand: &str) -> Command {
        self.cargo_with(workspace, subcommand, "std,panic_abort")
    }

    /// The same for tests: they need one part more of the standard library, where that is built along.
    pub(crate) fn cargo_test(&self, workspace: &Workspace) -> Command {
        self.cargo_with(workspace, "test", "std,panic_abort,test")
    }

    fn cargo_with(&self, workspace: &Workspace, subcommand: &str, library: &str) -> Command {
        let mut cargo = if self.is_debian {
            let mut cargo = Command::new(DEBIAN_CARGO);
            cargo.arg(subcommand).arg(format!("-Zbuild-std={library}"));
            cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
            // What rustup sets for the cargo that runs this.
            cargo.env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTDOC");
            if self.target == WASM && on_path("rust-lld").is_none() {
                cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld");
            }
            cargo.current_dir(&workspace.root);
            cargo
        } else {
            workspace.cargo(subcommand)
        };
        cargo.args(["--target", self.target]);
        // Apart, because another compiler's builds would be thrown away by each other.
        cargo.env("CARGO_TARGET_DIR", self.folder(workspace));
        cargo
    }

    /// Whether the standard library is built along, as small as the rest.
    pub(crate) fn builds_library(&self) -> bool {
        self.is_debian
    }

    /// Leaves out what nobody reads in a release: what a panic would say, and where. That is a tenth of the web app. It takes a standard
    /// library that is built along, so where rustup's is used it stays in.
    pub(crate) fn leave_out_words(&self, build: &mut Command) {
        if self.is_debian {
            build.arg("-Zbuild-std-features=optimize_for_size");
            build.env(
                "RUSTFLAGS",
                "-Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none",
            );
        }
    }

    /// Where cargo puts what it builds with this profile.
    pub(crate) fn built(&self, workspace: &Workspace, profile: &str) -> PathBuf {
        self.folder(workspace).join(self.target).join(profile)
    }

    fn folder(&self, workspace: &Workspace) -> PathBuf {
        workspace
            .target
            .join(if self.is_debian { "debian" } else { "cross" })
    }
}

/// Whether the toolchain in use has the target's standard library.
pub(crate) fn toolchain_has(target: &str) -> Result<bool> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", target]);
    let folder = String::from_utf8(process::output(&mut rustc)?)?;
    Ok(Path::new(folder.trim()).is_dir())
}

fn debian_has_it() -> bool {
    let is_there = |path: &str| Path::new(path).exists();
    is_there(DEBIAN_RUSTC) && is_there(DEBIAN_CARGO) && is_there(DEBIAN_LIBRARY)
}
