//! The terminal as a device: its width, and how its line is set.

#[cfg(unix)]
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};

/// Columns where the terminal doesn't say how many it has.
const COLUMNS: usize = 80;

/// How many columns the terminal has.
pub(crate) fn columns() -> usize {
    #[cfg(unix)]
    if let Ok(size) = tcgetwinsize(std::io::stdout())
        && size.ws_col > 0
    {
        return size.ws_col.into();
    }
    COLUMNS
}

/// How the line of the terminal was set, to give it back like that.
pub(crate) struct Modes {
    #[cfg(unix)]
    before: Option<Termios>,
}

impl Modes {
    pub(crate) fn of_terminal() -> Self {
        Self {
            #[cfg(unix)]
            before: tcgetattr(std::io::stdin()).ok(),
        }
    }

    /// Sets the line as it was, and says whether it was different.
    pub(crate) fn restore(&self) -> bool {
        #[cfg(unix)]
        if let (Some(before), Ok(now)) = (&self.before, tcgetattr(std::io::stdin())) {
            let changed = before.local_modes != now.local_modes;
            return changed && tcsetattr(std::io::stdin(), OptionalActions::Now, before).is_ok();
        }
        false
    }
}
