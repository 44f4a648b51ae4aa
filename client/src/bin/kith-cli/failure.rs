use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use kith_client::{CaFileError, Error, ProfileError, TrustError, system_reason};
use kith_common::ErrorCode;

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
    /// Whoever read the output has gone: there is nobody to tell, and nothing is wrong.
    Unread = 0,
}

impl Failure {
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
                (ErrorCode::SessionEnded, _) => {
                    "this session has ended; log in again with `kith-cli login`".to_owned()
                }
                (_, Some(seconds)) => format!("{} (try again in {seconds} s)", refusal.message),
                (ErrorCode::InviteRequired, _) => format!("{} (--invite CODE)", refusal.message),
                _ => refusal.message.clone(),
            },
            error => error.to_string(),
        };
        Self { exit, message }
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
