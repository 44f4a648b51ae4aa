use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::limits;

/// A user name: 3–32 ASCII letters, digits, `_`, `.` and `-`, beginning with a letter or digit.
///
/// Kept as its owner typed it; two names that differ in case only are the same name ([`Username::key`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Username(String);

/// Why a text is no [`Username`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// Shorter or longer than [`limits::USERNAME`].
    #[error("a user name has 3 to 32 characters")]
    Length,
    /// Holds a character that isn't allowed.
    #[error("a user name has only the letters a-z, digits, and _ . - and begins with a letter or digit")]
    Character,
}

impl Username {
    /// The name as its owner typed it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in lower case: what makes it unique.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for Username {
    type Err = UsernameError;

    fn from_str(text: &str) -> Result<Self, UsernameError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if !text.chars().all(allowed) || text.starts_with(['_', '.', '-']) {
            return Err(UsernameError::Character);
        }
        if !limits::USERNAME.contains(&text.len()) {
            return Err(UsernameError::Length);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for Username {
    type Error = UsernameError;

    fn try_from(text: String) -> Result<Self, UsernameError> {
        text.parse()
    }
}

impl From<Username> for String {
    fn from(name: Username) -> String {
        name.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A device of an account, as numbered by the server. It names a device; it isn't a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceId(pub i64);

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The idempotency key of a write: any string of 1–128 bytes that the account uses for one write only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

/// Why a text is no [`ClientId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a client_id is a string of 1 to 128 bytes without NUL")]
pub struct ClientIdError;

impl ClientId {
    /// The key as the client gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClientId {
    type Error = ClientIdError;

    fn try_from(text: String) -> Result<Self, ClientIdError> {
        // NUL is refused because PostgreSQL's text can't hold it.
        if text.is_empty() || text.len() > limits::CLIENT_ID_BYTES || text.contains('\0') {
            return Err(ClientIdError);
        }
        Ok(Self(text))
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> String {
        id.0
    }
}

/// The name of a file: a name and never a path, safe to show and to save under on every common system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileName(String);

/// Why a text is no [`FileName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    /// Empty, or longer than [`limits::FILE_NAME_BYTES`].
    #[error("a file name has 1 to 255 bytes")]
    Length,
    /// Holds `/`, `\`, a control character or a bidirectional override, or is `.` or `..`.
    #[error("file_name is a name, not a path, without control characters")]
    NotAName,
}

impl FileName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FileName {
    type Error = FileNameError;

    fn try_from(text: String) -> Result<Self, FileNameError> {
        if text.is_empty() || text.len() > limits::FILE_NAME_BYTES {
            return Err(FileNameError::Length);
        }
        // Bidirectional overrides make `exe.gpj` out of `jpg.exe` (Unicode TR 36, section 2.5).
        let forbidden = |c: char| {
            c.is_control()
                || matches!(c, '/' | '\\' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}')
        };
        if text == "." || text == ".." || text.chars().any(forbidden) {
            return Err(FileNameError::NotAName);
        }
        Ok(Self(text))
    }
}

impl From<FileName> for String {
    fn from(name: FileName) -> String {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames() {
        for good in ["bob", "Alice_1", "a.b-c", &"x".repeat(32)] {
            assert!(good.parse::<Username>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "ab",
            "_ab",
            ".ab",
            "-ab",
            "a b",
            "ägypt",
            "a/b",
            "a\0b",
            &"x".repeat(33),
        ] {
            assert!(bad.parse::<Username>().is_err(), "{bad}");
        }
        assert_eq!("ALICE".parse::<Username>().unwrap().key(), "alice");
    }

    #[test]
    fn file_names_are_never_paths() {
        for good in ["a.txt", "日本語.pdf", "..a", "a b", "con"] {
            assert!(FileName::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "../a",
            "a/b",
            "a\\b",
            "a\0b",
            "a\nb",
            "\u{202E}gpj.exe",
            &"x".repeat(256),
        ] {
            assert!(FileName::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }
}
