//! What goes to standard output.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::failure::Failure;
use crate::terminal::{is_unsafe, printable};

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
            return self.line(&escaped(json));
        }
        lines
            .into_iter()
            .try_for_each(|line| self.line(&printable(&line)))
    }

    /// Whether it is for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.json
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

/// JSON with nothing in it that a terminal obeys, in case that it goes to one: inside of strings, where all of that stands,
/// it says the same.
fn escaped(json: String) -> String {
    if !json.contains(is_unsafe) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unsafe(c) {
            escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_the_same_and_moves_no_terminal() {
        let hostile = "a\u{1b}[2J\u{9b}31m\u{7f}\u{202e}b\n";
        let json = escaped(serde_json::to_string(hostile).unwrap());
        assert!(!json.contains(is_unsafe), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }
}
