use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use kith_common::{InviteLink, Pin, Username};

const AFTER_HELP: &str = "\
What is written waits in the outbox until the server has it. A command that can't reach the server keeps it there and \
exits with 7; the next command that reaches the server sends it. With --no-wait a command only puts it there.

Environment:
  KITH_SERVER        the server, as --server
  KITH_PASSWORD      the password, instead of asking for it
  KITH_NEW_PASSWORD  the new password, for `password`
  KITH_HOME          the folder for accounts, pins and local copies, instead of the usual one

Exit codes:
  0  done
  1  the server said no
  2  wrong usage
  3  the server can't be reached, doesn't speak Kith, or the connection was lost
  4  the server isn't trusted
  5  not logged in
  6  a file of this machine can't be read or written
  7  the server can't be reached; what was written is kept and sent later, so don't repeat it";

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
    /// End this session and wipe what this machine holds of the account
    Logout {
        /// Even if something wasn't sent yet
        #[arg(long)]
        force: bool,
    },
    /// Send a message
    Send {
        #[command(flatten)]
        waiting: Waiting,
        /// The number of the message that this one answers, as `history` shows it
        #[arg(long, value_name = "NUMBER")]
        reply_to: Option<u64>,
        /// The receiver's user name
        to: Username,
        /// The text; without it, or with `-`, it is read from standard input
        #[arg(trailing_var_arg = true)]
        text: Vec<String>,
    },
    /// Print what was missed, then what comes in
    Listen {
        /// Only print what was missed
        #[arg(long)]
        once: bool,
        /// Tell the senders that it was read
        #[arg(long)]
        read: bool,
    },
    /// Chat with somebody at the terminal
    Chat {
        /// The other one's user name
        to: Username,
    },
    /// Print earlier messages
    History {
        /// The other one's user name
        to: Username,
        /// Most messages to print
        #[arg(long, short = 'n', default_value_t = 20, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// Only those in front of this number
        #[arg(long, value_name = "NUMBER")]
        before: Option<u64>,
    },
    /// Give a message of yours another text
    Edit {
        #[command(flatten)]
        waiting: Waiting,
        /// With whom the conversation is
        to: Username,
        /// The message's number, as `history` shows it
        number: u64,
        /// The text; without it, or with `-`, it is read from standard input
        #[arg(trailing_var_arg = true)]
        text: Vec<String>,
    },
    /// Erase messages or files of yours, for everybody
    Delete {
        #[command(flatten)]
        waiting: Waiting,
        /// With whom the conversation is
        to: Username,
        /// Their numbers, as `history` shows them
        #[arg(required = true)]
        numbers: Vec<u64>,
    },
    /// Put a reaction on a message or file
    React {
        #[command(flatten)]
        waiting: Waiting,
        /// With whom the conversation is
        to: Username,
        /// The number of the message, as `history` shows it
        number: u64,
        /// An emoji or a short text
        reaction: String,
        /// Take it back
        #[arg(long)]
        remove: bool,
    },
    /// Send a file
    SendFile {
        #[command(flatten)]
        waiting: Waiting,
        /// The receiver's user name
        to: Username,
        /// The file
        path: PathBuf,
        /// Another name for the receiver to see
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        rate: Rate,
    },
    /// Fetch a file that somebody sent
    GetFile {
        /// The file's id, as `listen` and `history` show it
        #[arg(allow_hyphen_values = true)]
        id: String,
        /// Where to put it: a file, a folder, or `-` for standard output; else its own name in this folder
        #[arg(conflicts_with = "output")]
        path: Option<PathBuf>,
        /// The same as PATH
        #[arg(long, short, value_name = "PATH")]
        output: Option<PathBuf>,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        rate: Rate,
    },
    /// List or change contacts and blocked people
    Contacts {
        #[command(subcommand)]
        action: Option<Contacts>,
    },
    /// Show or change what is told of a person: name, a few words, a picture
    Profile {
        #[command(subcommand)]
        action: Option<Profile>,
    },
    /// Show the account, its conversations, and what waits
    Status,
    /// List what waits to be sent or was refused; try it again or throw it away
    Outbox {
        #[command(subcommand)]
        action: Option<Outbox>,
    },
    /// Write all conversations and files into a folder; once more adds what is new
    Export {
        /// The folder, which is made if there is none
        folder: PathBuf,
        /// Leave the files out
        #[arg(long)]
        without_files: bool,
    },
    /// List or end the sessions of this account
    Sessions {
        #[command(subcommand)]
        action: Option<Sessions>,
    },
    /// Change the password, which logs all other devices out
    Password,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

/// Whether to wait for the server.
#[derive(Args)]
pub(crate) struct Waiting {
    /// Don't wait for the server: the next command that reaches it sends this
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// How much of the line a file may take.
#[derive(Args)]
pub(crate) struct Rate {
    /// At most so many bytes a second; with K, M or G behind it, times 1024
    #[arg(long, value_name = "BYTES", value_parser = rate)]
    pub(crate) limit_rate: Option<u64>,
}

fn rate(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.trim_end_matches(['k', 'K', 'm', 'M', 'g', 'G']) {
        number if number.len() == text.len() => (number, 1),
        number if text.ends_with(['k', 'K']) => (number, 1 << 10),
        number if text.ends_with(['m', 'M']) => (number, 1 << 20),
        number => (number, 1 << 30),
    };
    let number = number.parse::<u64>().ok().filter(|number| *number > 0);
    let rate = number.and_then(|number| number.checked_mul(unit));
    rate.filter(|_| text.len() - text.trim_end_matches(char::is_alphabetic).len() <= 1)
        .ok_or_else(|| "it is a number of bytes, as 500K".to_owned())
}

#[derive(Subcommand)]
pub(crate) enum Outbox {
    /// List what waits and what was refused (the default)
    List,
    /// Try again what was refused, or go on with a file that waits
    Retry {
        /// Its number, from the list
        id: u64,
    },
    /// Throw something away
    Discard {
        /// Its number, from the list
        id: u64,
    },
}

#[derive(Subcommand)]
pub(crate) enum Profile {
    /// Show somebody's, or one's own (the default)
    Show {
        /// Whose
        user: Option<Username>,
        /// Save the picture to this file
        #[arg(long, value_name = "FILE")]
        save_avatar: Option<PathBuf>,
    },
    /// Change one's own; what isn't named stays
    Set {
        #[command(flatten)]
        waiting: Waiting,
        /// How others see you
        #[arg(long)]
        name: Option<String>,
        /// A few words about you; empty for none
        #[arg(long)]
        about: Option<String>,
        /// A small picture: PNG, JPEG or WebP
        #[arg(long, value_name = "FILE")]
        avatar: Option<PathBuf>,
        /// Remove the picture
        #[arg(long, conflicts_with = "avatar")]
        no_avatar: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Contacts {
    /// List them (the default)
    List,
    /// Add somebody
    Add {
        #[command(flatten)]
        waiting: Waiting,
        /// Whom
        user: Username,
    },
    /// Remove somebody
    Remove {
        #[command(flatten)]
        waiting: Waiting,
        /// Whom
        user: Username,
    },
    /// Take no messages from somebody any more
    Block {
        #[command(flatten)]
        waiting: Waiting,
        /// From whom
        user: Username,
    },
    /// Take messages again
    Unblock {
        #[command(flatten)]
        waiting: Waiting,
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
    fn rates_have_units() {
        assert_eq!(
            [rate("500"), rate("2K"), rate("3m")],
            [Ok(500), Ok(2048), Ok(3 << 20)]
        );
        for bad in ["", "0", "K", "-1", "1KK", "1KM", "1X", "99999999999G"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }
}
