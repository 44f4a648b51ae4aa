//! `cargo xtask app`: the app in a window.

use std::io::{IsTerminal as _, stdin};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::debian;
use crate::process;
use crate::workspace::Workspace;

/// Builds the app for the desktop and starts it
///
/// On Debian and its kin the packages that its window needs are installed first, which is said before it is done.
#[derive(Args)]
pub(crate) struct App {
    /// An invite link to start with
    link: Option<String>,
    /// Build optimised, as it is packaged
    #[arg(long)]
    release: bool,
    /// Build it and don't start it
    #[arg(long)]
    build_only: bool,
}

impl App {
    /// Returns the app's exit code.
    pub(crate) fn run(self, workspace: &Workspace) -> Result<ExitCode> {
        if process::on_path("apt-get").is_some() {
            debian::install_for_desktop(stdin().is_terminal())?;
        }
        build(workspace, self.release)?;
        let program = workspace.program(self.release, "kith");
        println!("The app is {}", program.display());
        if self.build_only {
            return Ok(ExitCode::SUCCESS);
        }
        let status = std::process::Command::new(&program).args(self.link).status();
        let code = status
            .with_context(|| format!("can't start {}", program.display()))?
            .code();
        let code = code.and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}

/// Builds the app for the desktop.
pub(crate) fn build(workspace: &Workspace, release: bool) -> Result<()> {
    let mut build = workspace.cargo("build");
    build.args(["--package", "kith-app", "--bin", "kith", "--features", "desktop"]);
    if release {
        build.arg("--release");
    }
    process::run(&mut build)
}
