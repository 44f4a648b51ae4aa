//! Where this checkout is, where its builds go, and cargo on it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// The checkout that is worked on.
pub(crate) struct Workspace {
    /// Its root folder.
    pub(crate) root: PathBuf,
    /// Where cargo builds: `CARGO_TARGET_DIR`, or what else cargo's configuration says.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks cargo about the checkout in which it runs this program. Where several share a folder for builds, that may be another
    /// than the one that it was built from.
    pub(crate) fn find() -> Result<Self> {
        let own = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let manifest = Path::new(&own).with_file_name("Cargo.toml");
        let mut metadata = cargo();
        metadata
            .args([
                "metadata",
                "--no-deps",
                "--format-version",
                "1",
                "--manifest-path",
            ])
            .arg(&manifest);
        let metadata: serde_json::Value = serde_json::from_slice(&process::output(&mut metadata)?)?;
        let folder = |key: &str| {
            let text = metadata.get(key).and_then(|value| value.as_str());
            text.map(PathBuf::from)
                .with_context(|| format!("cargo metadata lacks `{key}`"))
        };
        Ok(Self {
            root: folder("workspace_root")?,
            target: folder("target_directory")?,
        })
    }

    /// A cargo command on this workspace.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut command = cargo();
        command.arg(subcommand).current_dir(&self.root);
        command
    }

    /// Where cargo puts the program `name` of the dev or release profile.
    pub(crate) fn program(&self, release: bool, name: &str) -> PathBuf {
        let profile = if release { "release" } else { "debug" };
        let name = format!("{name}{}", env::consts::EXE_SUFFIX);
        self.target.join(profile).join(name)
    }
}

/// The cargo that runs this program, without what it says about this package: build scripts that watch such
/// variables would run again after every change between `cargo` and `cargo xtask`.
fn cargo() -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        if name
            .to_str()
            .is_some_and(|name| of_package.iter().any(|prefix| name.starts_with(prefix)))
        {
            command.env_remove(name);
        }
    }
    command
}
