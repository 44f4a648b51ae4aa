//! `cargo xtask load`: what a server of this checkout reaches on this machine.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;
use clap::Args;

use crate::process;
use crate::workspace::Workspace;

/// Measures a server of its own: throughput, latency, memory, logins, backlog
///
/// `cargo xtask load --release` builds what is worth measuring; without it the figures say only that it works. What follows
/// goes to the load generator, as in `cargo xtask load --release files`: see `cargo xtask load -- --help`.
#[derive(Args)]
pub(crate) struct Load {
    /// Build optimised
    #[arg(long)]
    release: bool,
    /// Options and workloads of the load generator
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

impl Load {
    /// A few seconds of every workload: that each works and loses nothing. Times aren't judged.
    pub(crate) fn short() -> Self {
        Self {
            release: false,
            options: vec!["--short".into()],
        }
    }

    pub(crate) fn run(self, workspace: &Workspace) -> Result<()> {
        let mut build = workspace.cargo("build");
        build.args(["--package", "kith-server", "--bin", "kith-server"]);
        build.args(["--package", "kith-tests", "--bin", "kith-load"]);
        if self.release {
            build.arg("--release");
        }
        process::run(&mut build)?;
        let mut load = Command::new(workspace.program(self.release, "kith-load"));
        load.env("KITH_SERVER_BIN", workspace.program(self.release, "kith-server"));
        load.arg("--directory")
            .arg(workspace.target.join("load"))
            .args(self.options);
        process::run(&mut load)
    }
}
