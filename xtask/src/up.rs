//! `cargo xtask up`: from a checkout to a running server.

use std::env;
use std::io::{IsTerminal as _, stdin};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::cross::{Cross, WASM};
use crate::debian;
use crate::process;
use crate::web::Web;
use crate::workspace::Workspace;

/// Builds the server, sets it up on the first run, and starts it
///
/// The first run makes certificates and a data folder with open registration, and prints the server's address,
/// its fingerprint and the link that makes the first administrator. Later runs start what is there.
#[derive(Args)]
pub(crate) struct Up {
    /// Where the server keeps its data [default: data/ of the checkout]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the first run puts the certificates [default: certs/ of the checkout]
    #[arg(long, value_name = "DIR")]
    certs: Option<PathBuf>,
    /// The address to listen on, instead of what the data folder's kith.toml says
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// A name or address that clients will use, for the first run's certificate; may be repeated
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Build optimised: for a server that people depend on. Without it the first start comes minutes earlier
    #[arg(long)]
    release: bool,
    /// Leave out the web app, whose first build takes some minutes
    #[arg(long)]
    no_web: bool,
}

impl Up {
    /// Returns the server's exit code, where this process doesn't become the server.
    pub(crate) fn run(self, workspace: &Workspace) -> Result<ExitCode> {
        build(workspace, self.release)?;
        let web_app = if self.no_web {
            None
        } else {
            web_app(workspace, self.release)?
        };
        let server = workspace.program(self.release, "kith-server");
        let data = self.data.unwrap_or_else(|| workspace.root.join("data"));

        // Setup never overwrites what it made: where it was cut short before this file, it goes on.
        if data.join("kith.toml").exists() {
            println!("Data exist in {}.", data.display());
            if !self.hosts.is_empty() || self.certs.is_some() {
                println!(
                    "--host and --certs are for the first run; `kith-server setup --renew` changes certificates."
                );
            }
        } else {
            let certs = self.certs.unwrap_or_else(|| workspace.root.join("certs"));
            let mut setup = Command::new(&server);
            setup
                .arg("setup")
                .arg("--data")
                .arg(&data)
                .arg("--certs")
                .arg(certs);
            setup.args(["--registration", "open"]);
            for host in &self.hosts {
                setup.arg("--host").arg(host);
            }
            if let Some(listen) = &self.listen {
                // The invite link names the port.
                setup.env("KITH_LISTEN", listen);
            }
            process::run(&mut setup)?;
        }

        let cli = workspace.program(self.release, "kith-cli");
        println!("To chat from another terminal: {} --help", cli.display());
        let mut run = Command::new(&server);
        run.arg("run").arg("--data").arg(&data);
        if let Some(listen) = &self.listen {
            run.arg("--listen").arg(listen);
        }
        if let Some(folder) = web_app {
            run.env("KITH_WEB__DIRECTORY", folder);
        }
        become_program(run)
    }
}

/// Builds the web app. Without a compiler for browsers, and where none is wanted, there is a server without it.
fn web_app(workspace: &Workspace, release: bool) -> Result<Option<PathBuf>> {
    if env::var_os("KITH_WEB__DIRECTORY").is_some() {
        return Ok(None);
    }
    let is_debian = process::on_path("apt-get").is_some();
    if is_debian && let Err(error) = debian::install_for_web(stdin().is_terminal()) {
        eprintln!("The server starts without the web app: {error:#}.");
        return Ok(None);
    }
    if Cross::find(WASM)?.is_none() || process::on_path("npm").is_none() {
        eprintln!(
            "The server starts without the web app, whose build needs Node.js with npm, and `rustup target add {WASM}`."
        );
        return Ok(None);
    }
    Web::new(release).run(workspace).map(Some)
}

fn build(workspace: &Workspace, release: bool) -> Result<()> {
    let mut build = workspace.cargo("build");
    build.args(["--package", "kith-server", "--package", "kith-client", "--bins"]);
    if release {
        build.arg("--release");
    }
    process::run(&mut build)
}

/// Signals then reach the server itself, and its exit code is this command's.
#[cfg(unix)]
fn become_program(mut command: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt;

    Err(command.exec()).context("can't start the server")
}

/// A console sends Ctrl-C to all its programs; the exit code is handed on.
#[cfg(not(unix))]
fn become_program(mut command: Command) -> Result<ExitCode> {
    let status = command.status().context("can't start the server")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
