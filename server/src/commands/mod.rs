//! The commands of `kith-server`. Each fails with one sentence and an exit code that isn't 0.

mod check;
mod invite;
mod run;
mod setup;
mod user;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use kith_server::clock::SystemClock;
use kith_server::config::{Config, DataDir, Flags};
use kith_server::random::SystemRandomness;
use kith_server::store::{Announcement, Observer, Store, Stored, WriterTask};

/// A private chat that you run yourself.
#[derive(Parser)]
#[command(name = "kith-server", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make what a server needs: certificates, pepper, kith.toml, and the administrator's invite
    Setup(setup::Arguments),
    /// Run the server until it is stopped (Ctrl+C or SIGTERM)
    Run(run::Arguments),
    /// Make an invite link for a new person
    Invite(invite::Arguments),
    /// Look whether everything is in order, a line for each thing
    Check(check::Arguments),
    /// List and change accounts; takes effect at once, also on a running server
    User {
        #[command(subcommand)]
        command: user::Command,
    },
}

/// Where the server's data are.
#[derive(Args)]
struct Data {
    /// The data directory that `setup` made
    #[arg(long = "data", value_name = "DIR", env = "KITH_DATA")]
    directory: PathBuf,
}

/// Runs the command of the command line.
pub(crate) fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Setup(arguments) => setup::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Invite(arguments) => invite::run(&arguments),
        Command::User { command } => user::run(&command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kith-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Data {
    fn dir(&self) -> DataDir {
        DataDir::new(&self.directory)
    }

    fn config(&self, listen: Option<SocketAddr>) -> anyhow::Result<Config> {
        Ok(Config::load(&self.dir(), environment(), &Flags { listen })?)
    }
}

/// The environment as the configuration sees it.
fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| name != "KITH_DATA")
}

/// Runs something on the database of a server, whether the server runs or not.
fn with_store<T>(
    data: &Data,
    config: &Config,
    work: impl AsyncFnOnce(&Store) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    struct Nobody;
    impl Observer for Nobody {
        fn committed(&self, _: &[Stored]) {}
        fn announced(&self, _: &[Announcement]) {}
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let url = String::from(config.database.clone());
        let (store, writer): (Store, WriterTask) = Store::open(
            &url,
            data.dir().path(),
            Arc::new(SystemClock),
            Arc::new(SystemRandomness::new()),
            Arc::new(Nobody),
        )
        .await?;
        let result = work(&store).await;
        drop(store);
        writer.finished().await;
        result
    })
}
