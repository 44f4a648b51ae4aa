//! What goes to standard output.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::failure::Failure;
use crate::terminal::printable;

/// Standard output, for people or for programs.
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Prints a result: as JSON for programs, or as lines for people.
    pub(crate) fn result<T: Serialize>(
        &self,
        value: &T,
        lines: impl IntoIterator<Item = String>,
    ) -> Result<(), Failure> {
        if self.json {
            let json = serde_json::to_string(value).map_err(|error| Failure::output(&error.into()))?;
            return self.line(&json);
        }
        lines
            .into_iter()
            .try_for_each(|line| self.line(&printable(&line)))
    }

    /// Prints that something was done.
    pub(crate) fn done(&self, sentence: &str) -> Result<(), Failure> {
        self.result(&serde_json::json!({"status": "ok"}), [sentence.to_owned()])
    }

    /// Writes a line at once, so that whoever reads along sees it now.
    fn line(&self, line: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        writeln!(out, "{line}")
            .and_then(|()| out.flush())
            .map_err(|error| Failure::output(&error))
    }
}
