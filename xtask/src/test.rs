//! `cargo xtask test`: everything that must pass, in stages.

use std::io::{IsTerminal, stdin};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use crate::load::Load;
use crate::workspace::Workspace;
use crate::{debian, fuzz, mobile, stages, tools, ui};

/// Runs every check and test, installing what they need
///
/// Stops at the first stage that fails, and prints how long each took.
#[derive(Args)]
pub(crate) struct Test {
    /// Install missing Debian packages without asking
    #[arg(long)]
    yes: bool,
    /// Run this stage only; may be repeated
    #[arg(long = "stage", value_name = "NAME")]
    stages: Vec<Stage>,
}

/// In the order in which they run: what fails fast comes first, and the tests' summary comes late enough to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// Debian packages that tests need
    Packages,
    /// cargo-nextest and cargo-deny, built where they aren't on PATH
    Tools,
    /// rustfmt finds nothing to change
    Format,
    /// No warning from clippy on any target
    Clippy,
    /// The engine builds for browsers, and its store works in one
    Wasm,
    /// Licences, duplicate versions and sources of dependencies
    Deny,
    /// The programs that tests start
    Build,
    /// The web app, and that it is small enough
    Web,
    /// The app's types for Android
    Mobile,
    /// Documentation builds without a warning, and its examples run
    Doc,
    /// Unit tests and stories
    Tests,
    /// Files with clients that nobody here wrote
    Strangers,
    /// The app in a browser, against a real server
    Ui,
    /// The app in a window, on a screen that nobody sees
    Window,
    /// A few seconds of each workload of the load generator
    Load,
    /// Two minutes of fuzzing
    Fuzz,
}

/// How a stage ended, where it didn't fail.
pub(crate) enum Outcome {
    Passed,
    /// It could not run here, for this reason.
    Skipped(&'static str),
}

impl Test {
    pub(crate) fn run(&self, workspace: &Workspace) -> Result<()> {
        let ask = !self.yes && stdin().is_terminal();
        let chosen = |stage: &Stage| self.stages.is_empty() || self.stages.contains(stage);
        let start = Instant::now();
        let mut table = Vec::new();
        for stage in Stage::value_variants().iter().copied().filter(chosen) {
            eprintln!("\n== {} ==", stage.name());
            let start = Instant::now();
            let result = stage.run(workspace, ask);
            let note = match &result {
                Ok(Outcome::Passed) => String::new(),
                Ok(Outcome::Skipped(reason)) => format!("skipped: {reason}"),
                Err(_) => "FAILED".to_owned(),
            };
            table.push((stage.name(), start.elapsed(), note));
            if result.is_err() {
                print_table(&table, start.elapsed());
            }
            result.with_context(|| format!("stage {} failed", stage.name()))?;
        }
        print_table(&table, start.elapsed());
        Ok(())
    }
}

impl Stage {
    fn name(self) -> String {
        self.to_possible_value()
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    }

    fn run(self, workspace: &Workspace, ask: bool) -> Result<Outcome> {
        match self {
            Self::Packages => debian::install_for_tests(ask),
            Self::Tools => tools::install_missing(workspace),
            Self::Format => stages::format(workspace),
            Self::Clippy => stages::clippy(workspace),
            Self::Wasm => stages::wasm(workspace),
            Self::Deny => stages::deny(workspace),
            Self::Build => stages::build(workspace),
            Self::Web => stages::web(workspace),
            Self::Mobile => mobile::check(workspace),
            Self::Doc => stages::doc(workspace),
            Self::Tests => stages::tests(workspace),
            Self::Strangers => ui::strangers(workspace),
            Self::Ui => ui::stories(workspace),
            Self::Window => ui::window(workspace),
            Self::Load => Load::short().run(workspace).map(|()| Outcome::Passed),
            Self::Fuzz => fuzz::run(workspace),
        }
    }
}

fn print_table(table: &[(String, Duration, String)], total: Duration) {
    eprintln!();
    for (name, time, note) in table {
        eprintln!("{name:<10} {:>9}  {note}", clock(*time));
    }
    eprintln!("{:<10} {:>9}", "total", clock(total));
}

fn clock(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{}:{:02} min", seconds / 60, seconds % 60),
    }
}
