//! `kith-cli`: Kith in a terminal, for people and scripts.

mod account;
mod args;
mod commands;
mod failure;
mod form;
mod limits;
mod opened;
mod output;
mod progress;
mod prompt;
mod signals;
mod terminal;
mod window;

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
        Command::Logout { force } => commands::logout(&place, force, &output).await,
        Command::Send {
            waiting,
            reply_to,
            to,
            text,
        } => commands::send(&place, &waiting, to, &text, reply_to, &output).await,
        Command::Listen { once, read } => commands::listen(&place, once, read, &output).await,
        Command::Chat { to } => commands::chat(&place, to, &output).await,
        Command::History { to, limit, before } => commands::history(&place, to, limit, before, &output).await,
        Command::Edit {
            waiting,
            to,
            number,
            text,
        } => commands::edit(&place, &waiting, to, number, &text, &output).await,
        Command::Delete { waiting, to, numbers } => {
            commands::delete(&place, &waiting, to, &numbers, &output).await
        }
        Command::React {
            waiting,
            to,
            number,
            reaction,
            remove,
        } => commands::react(&place, &waiting, to, number, (reaction, !remove), &output).await,
        Command::SendFile {
            waiting,
            to,
            path,
            name,
            rate,
        } => commands::send_file(&place, &waiting, to, &path, name, rate.limit_rate, &output).await,
        Command::GetFile {
            id,
            path,
            output: other,
            force,
            rate,
        } => {
            commands::get_file(
                &place,
                &id,
                path.or(other).as_deref(),
                force,
                rate.limit_rate,
                &output,
            )
            .await
        }
        Command::Contacts { action } => commands::contacts(&place, action, &output).await,
        Command::Profile { action } => commands::profile(&place, action, &output).await,
        Command::Status => commands::status(&place, &output).await,
        Command::Outbox { action } => commands::outbox(&place, action, &output).await,
        Command::Export {
            folder,
            without_files,
        } => commands::export(&place, &folder, !without_files, &output).await,
        Command::Sessions { action } => commands::sessions(&place, action, &output).await,
        Command::Password => commands::password(&place, &output).await,
        Command::Completions { shell } => commands::completions(shell),
        Command::Man => commands::man(),
    }
}
