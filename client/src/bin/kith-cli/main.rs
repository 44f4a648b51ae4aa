//! `kith-cli`: Kith in a terminal, for people and scripts.

mod account;
mod args;
mod commands;
mod failure;
mod output;
mod prompt;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

use args::{Arguments, Command};
use failure::Failure;
use output::Output;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { place, json, command } = arguments;
    let output = Output::new(json);
    match command {
        Command::Register { user, invite } => commands::register(&place, user, invite, &output).await,
        Command::Login { user } => commands::login(&place, user, &output).await,
        Command::Logout => commands::logout(&place, &output).await,
        Command::Send { to, text } => commands::send(&place, to, &text, &output).await,
        Command::SendFile { to, path, name } => commands::send_file(&place, to, &path, name, &output).await,
        Command::GetFile {
            id,
            output: path,
            force,
        } => commands::get_file(&place, &id, path.as_deref(), force, &output).await,
        Command::Listen { once } => commands::listen(&place, once, &output).await,
        Command::Contacts { action } => commands::contacts(&place, action, &output).await,
        Command::Sessions { action } => commands::sessions(&place, action, &output).await,
        Command::Password => commands::password(&place, &output).await,
    }
}
