//! What the tests need from the system, and its installation on Debian.

use std::fs;
use std::io::{Write, stderr, stdin};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{self, on_path};
use crate::test::Outcome;

/// A program that tests run.
struct Need {
    program: &'static str,
    package: &'static str,
    why: &'static str,
}

const NEEDS: [Need; 4] = [
    Need {
        program: "postgres",
        package: "postgresql-15",
        why: "the store's tests on PostgreSQL; they start their own server",
    },
    Need {
        program: "openssl",
        package: "openssl",
        why: "the seed's protocol through a bare TLS client",
    },
    Need {
        program: "python3",
        package: "python3",
        why: "the seed's protocol from a script",
    },
    Need {
        program: "c++",
        package: "g++",
        why: "the fuzzer's runtime",
    },
];

/// Installs the packages of missing programs on Debian and its kin; elsewhere names the programs.
pub(crate) fn install_missing(ask: bool) -> Result<Outcome> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !is_there(need.program)).collect();
    if missing.is_empty() {
        eprintln!("Everything that the tests need is there.");
        return Ok(Outcome::Passed);
    }
    for need in &missing {
        eprintln!(
            "missing: {} (package {}): {}",
            need.program, need.package, need.why
        );
    }
    let Some(apt) = on_path("apt-get") else {
        bail!("these programs have to be on PATH, and only on Debian are they installed by this command");
    };
    if ask {
        eprint!("Install these packages with apt-get? [y/N] ");
        stderr().flush()?;
        let mut answer = String::new();
        stdin().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            bail!("the tests need these packages");
        }
    }
    let administrate = |arguments: &[&str]| -> Result<()> {
        let mut command = if is_root()? {
            Command::new(&apt)
        } else {
            let mut sudo = Command::new("sudo");
            sudo.arg("DEBIAN_FRONTEND=noninteractive").arg(&apt);
            sudo
        };
        process::run(command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments))
    };
    administrate(&["update"])?;
    let mut install = vec!["install", "--yes", "--no-install-recommends"];
    install.extend(missing.iter().map(|need| need.package));
    administrate(&install)?;
    match missing.iter().find(|need| !is_there(need.program)) {
        Some(need) => bail!("{} was installed, but {} isn't there", need.package, need.program),
        None => Ok(Outcome::Passed),
    }
}

fn is_there(program: &str) -> bool {
    on_path(program).is_some() || (program == "postgres" && debian_postgres().is_some())
}

/// Debian keeps PostgreSQL's server off PATH, a folder a version.
fn debian_postgres() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut programs = versions
        .flatten()
        .map(|version| version.path().join("bin/postgres"));
    programs.find(|program| program.is_file())
}

fn is_root() -> Result<bool> {
    let status =
        fs::read_to_string(Path::new("/proc/self/status")).context("can't tell whose process this is")?;
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    // Real, effective, saved and file system id; the effective one counts.
    Ok(ids.and_then(|ids| ids.split_whitespace().nth(1)) == Some("0"))
}
