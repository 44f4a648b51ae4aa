//! Cargo subcommands that stages use: those on PATH, otherwise built into the target folder.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::process;
use crate::test::Outcome;
use crate::workspace::Workspace;

/// A cargo subcommand, and the version to build where none is on PATH.
pub(crate) struct Tool {
    subcommand: &'static str,
    package: &'static str,
    version: &'static str,
}

pub(crate) const NEXTEST: Tool = Tool {
    subcommand: "nextest",
    package: "cargo-nextest",
    version: "0.9.143",
};

pub(crate) const DENY: Tool = Tool {
    subcommand: "deny",
    package: "cargo-deny",
    version: "0.20.2",
};

/// Builds what is missing: a few minutes each, once.
pub(crate) fn install_missing(workspace: &Workspace) -> Result<Outcome> {
    for tool in [&NEXTEST, &DENY] {
        if let Some(path) = find(workspace, tool) {
            eprintln!("{}: {}", tool.package, path.display());
            continue;
        }
        let builds = folder(workspace).join("build");
        let mut install = workspace.cargo("install");
        install.args(["--locked", "--version", tool.version, tool.package]);
        install.arg("--root").arg(folder(workspace));
        install.arg("--target-dir").arg(&builds);
        process::run(&mut install)?;
        // Hundreds of megabytes that nobody needs again.
        fs::remove_dir_all(&builds)?;
    }
    Ok(Outcome::Passed)
}

/// The start of a command of this tool, or `None` where it isn't installed.
pub(crate) fn command(workspace: &Workspace, tool: &Tool) -> Option<Command> {
    let mut command = Command::new(find(workspace, tool)?);
    // What cargo itself passes to a subcommand.
    command.arg(tool.subcommand);
    Some(command)
}

fn find(workspace: &Workspace, tool: &Tool) -> Option<PathBuf> {
    process::on_path(tool.package).or_else(|| {
        let name = format!("{}{}", tool.package, std::env::consts::EXE_SUFFIX);
        let own = folder(workspace).join("bin").join(name);
        own.is_file().then_some(own)
    })
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("tools")
}
