//! Tools that commands use: those on PATH, otherwise built or installed into the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

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
        let root = folder(workspace);
        install(
            workspace,
            &["--locked", tool.package, "--version", tool.version],
            &root,
        )?;
    }
    Ok(Outcome::Passed)
}

/// One of wasm-bindgen's programs, of exactly the version of the crate in Cargo.lock: its other half.
pub(crate) fn wasm_bindgen(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let lock = fs::read_to_string(workspace.root.join("Cargo.lock"))?;
    let version = locked(&lock, "wasm-bindgen").context("Cargo.lock holds no wasm-bindgen")?;
    if let Some(program) = process::on_path(name) {
        let said = process::output(Command::new(&program).arg("--version"))?;
        if String::from_utf8_lossy(&said).trim() == format!("{name} {version}") {
            return Ok(program);
        }
    }
    let root = folder(workspace).join(format!("wasm-bindgen-{version}"));
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let program = root.join("bin").join(name);
    if !program.is_file() {
        // Its own lock file names versions that today's compilers refuse.
        install(workspace, &["wasm-bindgen-cli", "--version", version], &root)?;
    }
    Ok(program)
}

/// The folder of npm's packages for the web app, of the versions in app/web/package-lock.json.
pub(crate) fn node(workspace: &Workspace) -> Result<PathBuf> {
    let sources = workspace.root.join("app/web");
    let npm = folder(workspace).join("npm");
    let packages = npm.join("node_modules");
    let file = "package-lock.json";
    if packages.is_dir() && fs::read(npm.join(file)).ok() == fs::read(sources.join(file)).ok() {
        return Ok(packages);
    }
    fs::create_dir_all(&npm)?;
    for name in [".npmrc", "package.json"] {
        fs::copy(sources.join(name), npm.join(name))?;
    }
    fs::copy(sources.join(file), npm.join(file))?;
    let mut install = Command::new(process::needed("npm")?);
    let installed = process::run(install.arg("ci").current_dir(&npm));
    if installed.is_err() {
        // So that the next run tries again.
        fs::remove_file(npm.join(file))?;
    }
    installed.map(|()| packages)
}

fn install(workspace: &Workspace, package: &[&str], root: &Path) -> Result<()> {
    let builds = folder(workspace).join("build");
    let mut install = workspace.cargo("install");
    install.args(package);
    install.arg("--root").arg(root);
    install.arg("--target-dir").arg(&builds);
    process::run(&mut install)?;
    // Hundreds of megabytes that nobody needs again.
    fs::remove_dir_all(&builds)?;
    Ok(())
}

/// The version of a package in a Cargo.lock.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    rest.split_once('"').map(|(version, _)| version)
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
