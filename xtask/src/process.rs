//! Running other programs.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Says what is run, runs it with this program's own output, and takes anything but success for an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let text = text(command);
    eprintln!("$ {text}");
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("can't start `{text}`"))?;
    if !status.success() {
        bail!("`{text}`: {status}");
    }
    Ok(())
}

/// Runs quietly and takes what is printed to standard output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let text = text(command);
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("can't start `{text}`"))?;
    if !output.status.success() {
        bail!("`{text}`: {}", output.status);
    }
    Ok(output.stdout)
}

/// The program of this name on PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file())
}

/// The program of this name on PATH, without which there is no going on.
pub(crate) fn needed(name: &str) -> Result<PathBuf> {
    on_path(name).with_context(|| format!("`{name}` has to be on PATH"))
}

/// A command as one would type it, but for quotes.
fn text(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let program = program.file_stem().unwrap_or(command.get_program());
    let mut text = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
