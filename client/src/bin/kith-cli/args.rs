use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use kith_common::{InviteLink, Pin, Username};

const AFTER_HELP: &str = "\
Environment:
  KITH_SERVER        the server, as --server
  KITH_PASSWORD      the password, instead of asking for it
  KITH_NEW_PASSWORD  the new password, for `password`
  KITH_HOME          the folder for accounts and pins, instead of the user's configuration folder

Exit codes:
  0  done
  1  the server said no
  2  wrong usage
  3  the server can't be reached, doesn't speak Kith, or the connection was lost
  4  the server isn't trusted
  5  not logged in
  6  a file of this machine can't be read or written";

/// Chat with Kith from a terminal or a script.
#[derive(Parser)]
#[command(name = "kith-cli", version, after_help = AFTER_HELP, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: Place,
    /// Print JSON, one object a line, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which account, on which server, trusted how.
#[derive(Args)]
pub(crate) struct Place {
    /// The server: HOST, HOST:PORT or a link (kith://… or https://…)
    #[arg(
        long,
        global = true,
        env = "KITH_SERVER",
        hide_env_values = true,
        value_name = "HOST[:PORT]|LINK"
    )]
    pub(crate) server: Option<InviteLink>,
    /// Trust only a server with this key, as the server's terminal shows it
    #[arg(long, global = true, value_name = "sha256:…", conflicts_with = "ca")]
    pub(crate) pin: Option<Pin>,
    /// Trust the certificate authorities in this PEM file
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// The account, where there are several: its user name or USER@HOST:PORT; else the one used last
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) account: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make an account and log in
    Register {
        /// The user name: 3 to 32 of a-z, 0-9, _ . -
        user: Username,
        /// The code of an invite, or a whole link
        #[arg(long, value_name = "CODE|LINK")]
        invite: Option<String>,
    },
    /// Log in with a password
    Login {
        /// The user name
        user: Username,
    },
    /// End this session
    Logout,
    /// Send a message
    Send {
        /// The receiver's user name
        to: Username,
        /// The text; without it, or with `-`, it is read from standard input
        #[arg(trailing_var_arg = true)]
        text: Vec<String>,
    },
    /// Send a file
    SendFile {
        /// The receiver's user name
        to: Username,
        /// The file
        path: PathBuf,
        /// Another name for the receiver to see
        #[arg(long)]
        name: Option<String>,
    },
    /// Fetch a file that somebody sent
    GetFile {
        /// The file's id, as `listen` shows it
        id: String,
        /// Where to put it, `-` for standard output; else its own name in this folder
        #[arg(long, short, value_name = "PATH")]
        output: Option<PathBuf>,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Print what was missed, then what comes in
    Listen {
        /// Only print what was missed
        #[arg(long)]
        once: bool,
    },
    /// List or change contacts and blocked people
    Contacts {
        #[command(subcommand)]
        action: Option<Contacts>,
    },
    /// List or end the sessions of this account
    Sessions {
        #[command(subcommand)]
        action: Option<Sessions>,
    },
    /// Change the password, which logs all other devices out
    Password,
}

#[derive(Subcommand)]
pub(crate) enum Contacts {
    /// List them (the default)
    List,
    /// Add somebody
    Add {
        /// Whom
        user: Username,
    },
    /// Remove somebody
    Remove {
        /// Whom
        user: Username,
    },
    /// Take no messages from somebody any more
    Block {
        /// From whom
        user: Username,
    },
    /// Take messages again
    Unblock {
        /// From whom
        user: Username,
    },
}

#[derive(Subcommand)]
pub(crate) enum Sessions {
    /// List them (the default)
    List,
    /// End one
    Revoke {
        /// Its number, from the list
        id: i64,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
