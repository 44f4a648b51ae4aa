//! The stages of `cargo xtask test` that are little more than a command.
//!
//! Without `--workspace`: cargo then takes the workspace's default members, which build without a desktop.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::cross::{Cross, WASM};
use crate::process;
use crate::test::Outcome;
use crate::tools::{self, DENY, NEXTEST};
use crate::web::Web;
use crate::workspace::Workspace;

/// Why there is nothing for browsers.
pub(crate) const NO_COMPILER: &str = "neither `rustup target add` nor Debian's rustc-web was used here";

/// The programs that tests start: the variable that tells a test where one is, its package, its name.
pub(crate) const PROGRAMS: [(&str, &str, &str); 2] = [
    ("KITH_SERVER_BIN", "kith-server", "kith-server"),
    ("KITH_CLI_BIN", "kith-client", "kith-cli"),
];

pub(crate) fn format(workspace: &Workspace) -> Result<Outcome> {
    process::run(workspace.cargo("fmt").args(["--all", "--check"]))?;
    for folder in ["common/fuzz", "app/fuzz"] {
        let mut format = workspace.cargo("fmt");
        format.args(["--check", "--manifest-path"]);
        process::run(format.arg(format!("{folder}/Cargo.toml")))?;
    }
    Ok(Outcome::Passed)
}

pub(crate) fn clippy(workspace: &Workspace) -> Result<Outcome> {
    let mut clippy = workspace.cargo("clippy");
    // Of the app only what is the same on every platform; the stage `window` looks at the rest.
    clippy.args(["--workspace", "--all-targets", "--", "--deny", "warnings"]);
    process::run(&mut clippy)?;
    Ok(Outcome::Passed)
}

/// That `kith-common` is pure and the engine builds for browsers, and that what it stores there is what it stores elsewhere.
pub(crate) fn wasm(workspace: &Workspace) -> Result<Outcome> {
    let Some(cross) = Cross::find(WASM)? else {
        return Ok(Outcome::Skipped(NO_COMPILER));
    };
    let mut check = cross.cargo(workspace, "check");
    check.args(["--package", "kith-common", "--package", "kith-client"]);
    process::run(check.args(["--lib", "--no-default-features"]))?;
    let Some(driver) = process::on_path("chromedriver") else {
        return Ok(Outcome::Skipped(
            "chromedriver isn't on PATH; for browsers it was compiled",
        ));
    };
    let mut tests = cross.cargo_test(workspace);
    tests.args([
        "--package",
        "kith-client",
        "--no-default-features",
        "--test",
        "store",
    ]);
    tests.env(
        "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
        tools::wasm_bindgen(workspace, "wasm-bindgen-test-runner")?,
    );
    tests.env("CHROMEDRIVER", driver);
    // Seconds until it is given up.
    tests.env("WASM_BINDGEN_TEST_TIMEOUT", "120");
    process::run(&mut tests)?;
    Ok(Outcome::Passed)
}

/// That the web app builds and is small enough.
pub(crate) fn web(workspace: &Workspace) -> Result<Outcome> {
    if Cross::find(WASM)?.is_none() {
        return Ok(Outcome::Skipped(NO_COMPILER));
    }
    let app = Web::new(true).run(workspace)?;
    // And that the server takes it in.
    let mut embed = workspace.cargo("check");
    embed.args(["--package", "kith-server", "--features", "embed-web"]);
    process::run(embed.env("KITH_WEB_DIST", app))?;
    Ok(Outcome::Passed)
}

pub(crate) fn deny(workspace: &Workspace) -> Result<Outcome> {
    let Some(mut deny) = tools::command(workspace, &DENY) else {
        return Ok(Outcome::Skipped("cargo-deny isn't installed"));
    };
    deny.args(["check", "--hide-inclusion-graph", "licenses", "bans", "sources"]);
    if advisory_database_exists() {
        deny.args(["advisories", "--disable-fetch"]);
    } else {
        eprintln!(
            "No advisories are checked: there is no local copy of their database (`cargo deny fetch db`)."
        );
    }
    process::run(deny.current_dir(&workspace.root))?;
    Ok(Outcome::Passed)
}

/// Whether `cargo deny fetch db` was ever run here: its default place, under cargo's home.
fn advisory_database_exists() -> bool {
    let home = std::env::var_os("CARGO_HOME").map(Into::into);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    home.and_then(|home| fs::read_dir(home.join("advisory-dbs")).ok())
        .is_some_and(|mut databases| databases.next().is_some())
}

pub(crate) fn build(workspace: &Workspace) -> Result<Outcome> {
    let mut build = workspace.cargo("build");
    for (_, package, program) in PROGRAMS {
        build.args(["--package", package, "--bin", program]);
    }
    process::run(&mut build)?;
    Ok(Outcome::Passed)
}

pub(crate) fn doc(workspace: &Workspace) -> Result<Outcome> {
    let mut doc = workspace.cargo("doc");
    doc.args(["--workspace", "--no-deps", "--document-private-items"]);
    process::run(doc.env("RUSTDOCFLAGS", "--deny warnings"))?;
    // Each run of no example would still build its crate.
    for package in ["common", "client", "server", "migrations"] {
        if has_examples(&workspace.root.join(package).join("src"))? {
            let manifest = format!("{package}/Cargo.toml");
            process::run(
                workspace
                    .cargo("test")
                    .args(["--doc", "--manifest-path", &manifest]),
            )?;
        }
    }
    Ok(Outcome::Passed)
}

/// Whether documentation in this folder holds a code block.
fn has_examples(folder: &Path) -> Result<bool> {
    let entries = fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let found = if path.is_dir() {
            has_examples(&path)?
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            fs::read_to_string(&path)?.lines().any(|line| {
                let line = line.trim_start();
                line.starts_with("/// ```") || line.starts_with("//! ```")
            })
        } else {
            false
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(crate) fn tests(workspace: &Workspace) -> Result<Outcome> {
    build(workspace)?;
    let mut tests = match tools::command(workspace, &NEXTEST) {
        Some(mut nextest) => {
            nextest.args(["run", "--workspace"]).current_dir(&workspace.root);
            if std::env::var_os("CI").is_some() {
                nextest.args(["--profile", "ci"]);
            }
            nextest
        }
        None => {
            eprintln!(
                "cargo-nextest isn't installed: `cargo test` runs the tests, without their time limits."
            );
            let mut test = workspace.cargo("test");
            test.args(["--workspace", "--lib", "--bins", "--tests"]);
            test
        }
    };
    for (variable, _, program) in PROGRAMS {
        tests.env(variable, workspace.program(false, program));
    }
    process::run(&mut tests)?;
    Ok(Outcome::Passed)
}
