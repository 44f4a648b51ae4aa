use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use kith_client::local_store::StoreError;
use kith_client::{CaFileError, EngineError, Error, ProfileError, TrustError, system_reason};
use kith_common::{ErrorCode, WireError};

use crate::terminal::printable;

/// Why a command failed: a sentence for a person, and a number for scripts.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

/// The exit codes that `--help` lists.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Exit {
    Refused = 1,
    Usage = 2,
    Unreachable = 3,
    Untrusted = 4,
    NotLoggedIn = 5,
    Local = 6,
    /// What was written is kept, and goes out with the next command that reaches the server.
    Kept = 7,
    /// Whoever read the output has gone: there is nobody to tell, and nothing is wrong.
    Unread = 0,
}

const SESSION_ENDED: &str = "this session has ended; log in again with `kith-cli login`";

impl Failure {
    pub(crate) fn session_ended() -> Self {
        Self::new(Exit::NotLoggedIn, SESSION_ENDED)
    }

    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { exit, message }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A file of this machine that can't be used.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        Self::new(
            Exit::Local,
            format!("{}: {}", path.display(), system_reason(error)),
        )
    }

    /// Standard output that can't be written to.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Exit::Unread, ""),
            _ => Self::new(Exit::Local, format!("can't write the output: {error}")),
        }
    }

    /// The same, with what it means for the command in front.
    pub(crate) fn after(self, meaning: &str) -> Self {
        let message = format!("{meaning} ({})", self.message);
        Self { message, ..self }
    }

    /// The same, after something was put into the outbox, where it stays. `what` names it: "the message to bob".
    pub(crate) fn but_kept(self, what: &str, id: u64) -> Self {
        let message = format!(
            "{}; {what} waits in the outbox as {id} and goes out with the next command that reaches the server",
            self.message
        );
        let exit = match self.exit {
            Exit::Unreachable => Exit::Kept,
            exit => exit,
        };
        Self { exit, message }
    }

    /// The same, with what else is to be known.
    pub(crate) fn and(self, more: &str) -> Self {
        let message = format!("{}; {more}", self.message);
        Self { message, ..self }
    }

    /// What the person is told.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether it is about the network, so that what this machine holds may do for now.
    pub(crate) fn is_unreachable(&self) -> bool {
        matches!(self.exit, Exit::Unreachable)
    }

    /// Tells the person, and says how the program should end.
    pub(crate) fn report(&self) -> ExitCode {
        if !matches!(self.exit, Exit::Unread) {
            note(&self.message);
        }
        ExitCode::from(self.exit as u8)
    }
}

/// Tells the person something beside the output.
pub(crate) fn note(message: &str) {
    // Nobody is left to be told if even this can't be written.
    let _ = writeln!(io::stderr(), "kith-cli: {}", printable(message));
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let exit = match &error {
            Error::Trust(_) => Exit::Untrusted,
            Error::Refused(refusal) => match refusal.code {
                ErrorCode::SessionEnded | ErrorCode::NotLoggedIn => Exit::NotLoggedIn,
                _ => Exit::Refused,
            },
            Error::TooLarge { .. } => Exit::Refused,
            Error::Local(_) => Exit::Local,
            _ => Exit::Unreachable,
        };
        let message = match &error {
            Error::Trust(TrustError::Untrusted { pin }) => format!(
                "this server isn't known here yet. Compare its key with the one that the server's terminal shows, then \
                 run this again with --pin {pin}"
            ),
            Error::Refused(refusal) => match (refusal.code, refusal.retry_after) {
                (ErrorCode::SessionEnded, _) => SESSION_ENDED.to_owned(),
                (_, Some(seconds)) => format!("{} (try again in {seconds} s)", refusal.message),
                (ErrorCode::InviteRequired, _) => format!("{} (--invite CODE)", refusal.message),
                _ => refusal.message.clone(),
            },
            error => error.to_string(),
        };
        Self { exit, message }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Network(error) => error.into(),
            EngineError::Store(error) => error.into(),
            EngineError::SessionEnded => Self::session_ended(),
            EngineError::Offline | EngineError::Closed => Self::new(Exit::Unreachable, error.to_string()),
            EngineError::File(_) => Self::new(Exit::Local, error.to_string()),
            EngineError::Empty => Self::usage("there is nothing to send"),
            EngineError::TooLarge { .. } => Self::usage(error.to_string()),
            EngineError::UnknownConversation | EngineError::OtherAccount | EngineError::NotPending => {
                Self::new(Exit::Refused, error.to_string())
            }
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(Exit::Local, error.to_string())
    }
}

impl From<WireError> for Failure {
    fn from(error: WireError) -> Self {
        Error::Refused(error).into()
    }
}

impl From<ProfileError> for Failure {
    fn from(error: ProfileError) -> Self {
        Self::new(Exit::Local, error.to_string())
    }
}

impl From<CaFileError> for Failure {
    fn from(error: CaFileError) -> Self {
        Self::new(Exit::Local, error.to_string())
    }
}
