//! Fuzzing on a stable toolchain: the instrumentation that `cargo fuzz --sanitizer none` asks of the compiler, and
//! libFuzzer from its crate. Sanitizers would need a nightly one, and the code is safe Rust.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::test::Outcome;
use crate::workspace::Workspace;

/// Coverage counters on every edge and the operands of comparisons, for the fuzzer to steer by.
const RUSTFLAGS: [&str; 8] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=1",
];

/// Longest input, in bytes: several messages. Limits are made small enough to be reached within it.
const INPUT_BYTES: u32 = 4096;

/// What is fed with any bytes.
struct Target {
    folder: &'static str,
    name: &'static str,
    /// Where its seeds lie in the folder.
    seeds: &'static str,
    /// How long CI fuzzes it.
    seconds: u32,
}

const TARGETS: [Target; 3] = [
    Target {
        folder: "common/fuzz",
        name: "frames",
        seeds: "seeds",
        seconds: 60,
    },
    Target {
        folder: "app/fuzz",
        name: "markup",
        seeds: "seeds/markup",
        seconds: 30,
    },
    Target {
        folder: "app/fuzz",
        name: "metadata",
        seeds: "seeds/metadata",
        seconds: 30,
    },
];

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let Some(host) = host()? else {
        return Ok(Outcome::Skipped("libFuzzer is set up for Linux and macOS"));
    };
    for target in &TARGETS {
        fuzz(workspace, target, &host)?;
    }
    Ok(Outcome::Passed)
}

fn fuzz(workspace: &Workspace, what: &Target, host: &str) -> Result<()> {
    let folder = workspace.root.join(what.folder);
    let target = workspace.target.join("fuzz");
    let mut build = workspace.cargo("build");
    build.args(["--release", "--locked", "--target", host]);
    build.args(["--bin", what.name]);
    build.arg("--manifest-path").arg(folder.join("Cargo.toml"));
    build.arg("--target-dir").arg(&target);
    build.env_remove("RUSTFLAGS");
    process::run(build.env("CARGO_ENCODED_RUSTFLAGS", RUSTFLAGS.join("\x1f")))?;

    // What is found stays in the target folder: the next run begins with it.
    let corpus = target.join("corpus").join(what.name);
    let artifacts = target.join("artifacts").join(what.name);
    for made in [&corpus, &artifacts] {
        fs::create_dir_all(made)?;
    }
    let program = target.join(host).join("release").join(what.name);
    let mut fuzz = Command::new(&program);
    fuzz.arg(format!("-max_total_time={}", what.seconds));
    fuzz.arg(format!("-max_len={INPUT_BYTES}"));
    fuzz.args([
        "-timeout=10",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
        "-verbosity=0",
    ]);
    let words = folder.join(format!("{}.dict", what.name));
    fuzz.arg(format!("-dict={}", words.display()));
    fuzz.arg(format!("-artifact_prefix={}/", artifacts.display()));
    fuzz.arg(&corpus).arg(folder.join(what.seeds));
    process::run(&mut fuzz).with_context(|| {
        format!(
            "the fuzzer found an input, see above; to try it again: {} {}/NAME",
            program.display(),
            artifacts.display()
        )
    })
}

/// The compiler's own target, which named keeps the instrumentation out of build scripts and macros.
fn host() -> Result<Option<String>> {
    let version = process::output(Command::new("rustc").arg("-vV"))?;
    let version = String::from_utf8(version)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc -vV names no host")?;
    Ok((host.contains("linux") || host.contains("apple")).then(|| host.to_owned()))
}
