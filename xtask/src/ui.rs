//! The app as people see it: in a browser, and in a window.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::app;
use crate::cross::{Cross, WASM};
use crate::process;
use crate::stages;
use crate::test::Outcome;
use crate::web::Web;
use crate::workspace::Workspace;

/// Takes the pictures of the app that are in docs/screenshots
#[derive(Args)]
pub(crate) struct Screenshots {
    /// Where to put them [default: docs/screenshots of the checkout]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

impl Screenshots {
    pub(crate) fn run(self, workspace: &Workspace) -> Result<()> {
        let into = self
            .into
            .unwrap_or_else(|| workspace.root.join("docs/screenshots"));
        fs::create_dir_all(&into)?;
        stages::build(workspace)?;
        let web = Web::new(true).run(workspace)?;
        let mut node = node(workspace)?;
        node.env("KITH_WEB_DIR", web).env("KITH_SCREENSHOTS", into);
        process::run(node.arg("screenshots.mjs"))
    }
}

/// Measures the app: how soon it opens, scrolls, and shows what somebody writes, what Lighthouse says of it, and what its window takes
///
/// It prints figures and judges nothing. The server is built optimised, and so is the app; the machine should be quiet.
/// Lighthouse's report is put into the target folder, as lighthouse.html.
#[derive(Args)]
pub(crate) struct MeasureApp {
    /// Messages in the long conversation
    #[arg(long, default_value_t = 100_000)]
    stored: u32,
}

impl MeasureApp {
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<()> {
        let mut build = workspace.cargo("build");
        build.args(["--release", "--package", "kith-server", "--bin", "kith-server"]);
        process::run(&mut build)?;
        let web = Web::new(true).run(workspace)?;
        let measured = |script: &str| -> Result<Command> {
            let mut node = node(workspace)?;
            node.env("KITH_SERVER_BIN", workspace.program(true, "kith-server"));
            node.arg(script);
            Ok(node)
        };
        install(&workspace.root.join("tests/ui/lighthouse"))?;
        for script in ["measure.mjs", "lighthouse/lighthouse.mjs"] {
            let mut node = measured(script)?;
            node.env("KITH_WEB_DIR", &web)
                .env("KITH_STORED", self.stored.to_string());
            process::run(node.env("KITH_REPORT", workspace.target.join("lighthouse.html")))?;
        }
        if !has_screen() {
            eprintln!("{NO_SCREEN}: the desktop isn't measured");
            return Ok(());
        }
        app::build(workspace, true)?;
        let mut node = measured("window/measure.mjs")?;
        process::run(node.env("KITH_APP_BIN", workspace.program(true, "kith")))
    }
}

/// The stories in a browser.
pub(crate) fn stories(workspace: &Workspace) -> Result<Outcome> {
    if Cross::find(WASM)?.is_none() {
        return Ok(Outcome::Skipped(stages::NO_COMPILER));
    }
    stages::build(workspace)?;
    let web = Web::new(true).run(workspace)?;
    let mut node = node(workspace)?;
    node.env("KITH_WEB_DIR", web);
    // Pictures that aren't as they should be.
    node.env("KITH_PICTURES", workspace.target.join("snapshots"));
    node.args([
        "--test",
        "--test-reporter=spec",
        "--test-concurrency=1",
        "--test-timeout=300000",
        "stories/",
    ]);
    process::run(&mut node)?;
    Ok(Outcome::Passed)
}

/// Files, with clients that nobody here wrote.
pub(crate) fn strangers(workspace: &Workspace) -> Result<Outcome> {
    stages::build(workspace)?;
    let mut node = node(workspace)?;
    node.args([
        "--test",
        "--test-reporter=spec",
        "--test-timeout=300000",
        "strangers/",
    ]);
    process::run(&mut node)?;
    Ok(Outcome::Passed)
}

/// The app in a window of its own, and that clippy finds nothing in it.
pub(crate) fn window(workspace: &Workspace) -> Result<Outcome> {
    if !has_screen() {
        return Ok(Outcome::Skipped(NO_SCREEN));
    }
    let mut clippy = workspace.cargo("clippy");
    clippy.args([
        "--package",
        "kith-app",
        "--features",
        "desktop",
        "--",
        "--deny",
        "warnings",
    ]);
    process::run(&mut clippy)?;
    app::build(workspace, false)?;
    stages::build(workspace)?;
    let pages = workspace.target.join("pages");
    let mut write = workspace.cargo("test");
    write.args(["--package", "kith-app", "--features", "desktop", "--bin", "kith"]);
    process::run(
        write
            .arg("screens_that_no_browser_shows")
            .env("KITH_PAGES", &pages),
    )?;
    let mut node = node(workspace)?;
    node.args([
        "--test",
        "--test-reporter=spec",
        "--test-timeout=300000",
        "window/",
    ]);
    node.env("KITH_APP_BIN", workspace.program(false, "kith"));
    node.env("KITH_PICTURES", workspace.target.join("window"));
    node.env("KITH_PAGES", pages);
    process::run(&mut node)?;
    Ok(Outcome::Passed)
}

/// Why there is no window.
const NO_SCREEN: &str = "there is no Xvfb to show a window on";

fn has_screen() -> bool {
    cfg!(target_os = "linux") && process::on_path("Xvfb").is_some()
}

/// Node.js in the folder of the tests, which finds the programs and its packages.
fn node(workspace: &Workspace) -> Result<Command> {
    let folder = workspace.root.join("tests/ui");
    install(&folder)?;
    let mut node = Command::new(process::needed("node")?);
    node.current_dir(&folder);
    for (variable, _, program) in stages::PROGRAMS {
        node.env(variable, workspace.program(false, program));
    }
    Ok(node)
}

/// npm's packages, of the versions in the lock file. Node.js wants them beside the modules that use them.
fn install(folder: &Path) -> Result<()> {
    let lock = fs::read(folder.join("package-lock.json"))?;
    let installed = folder.join("node_modules/installed-lock.json");
    if fs::read(&installed).ok().as_ref() == Some(&lock) {
        return Ok(());
    }
    let mut npm = Command::new(process::needed("npm")?);
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    process::run(npm.current_dir(folder))?;
    fs::write(&installed, lock).with_context(|| format!("can't write {}", installed.display()))
}
