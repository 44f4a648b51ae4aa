use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use axum::http::Uri;
use serde::{Deserialize, Serialize};

/// The web app, and what browsers may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebSettings {
    /// The folder of the web app's files, relative to the data directory, instead of the app that is built in.
    pub directory: Option<PathBuf>,
    /// Other origins whose pages may connect; the server's own always may.
    pub origins: Vec<WebOrigin>,
    /// Whether browsers are told to come by https only, where the certificate is a public one.
    pub hsts: bool,
}

impl Default for WebSettings {
    fn default() -> Self {
        Self {
            directory: None,
            origins: Vec::new(),
            hsts: true,
        }
    }
}

/// Where a page comes from: scheme, host and port (RFC 6454), written like `https://chat.example.org`.
///
/// In lower case, and without the port where it is the scheme's own, as browsers send it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebOrigin(String);

/// A text that is no [`WebOrigin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an origin is https:// or http:// and a host, with :port where it is a special one, and nothing after it"
)]
pub struct WebOriginError;

impl FromStr for WebOrigin {
    type Err = WebOriginError;

    fn from_str(text: &str) -> Result<Self, WebOriginError> {
        let lower = text.to_ascii_lowercase();
        let (scheme, rest) = lower.split_once("://").ok_or(WebOriginError)?;
        let default_port: u16 = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return Err(WebOriginError),
        };
        let uri: Uri = lower.parse().map_err(|_| WebOriginError)?;
        let authority = uri.authority().ok_or(WebOriginError)?;
        // Nothing but host and port: no path, not even `/`, and no user.
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[:]".contains(&byte);
        if rest != authority.as_str() || authority.host().is_empty() || !rest.bytes().all(is_host) {
            return Err(WebOriginError);
        }
        let port = match rest.strip_prefix(authority.host()) {
            Some("") => default_port,
            Some(port) => {
                let digits = port.strip_prefix(':').ok_or(WebOriginError)?;
                digits.parse().map_err(|_| WebOriginError)?
            }
            None => return Err(WebOriginError),
        };
        let host = authority.host();
        Ok(Self(if port == default_port {
            format!("{scheme}://{host}")
        } else {
            format!("{scheme}://{host}:{port}")
        }))
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for WebOrigin {
    type Error = WebOriginError;

    fn try_from(text: String) -> Result<Self, WebOriginError> {
        text.parse()
    }
}

impl From<WebOrigin> for String {
    fn from(origin: WebOrigin) -> String {
        origin.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_as_browsers_send_them() {
        for (text, origin) in [
            ("https://chat.example.org", "https://chat.example.org"),
            ("HTTPS://Chat.Example.org:443", "https://chat.example.org"),
            ("https://chat.example.org:7443", "https://chat.example.org:7443"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://localhost:80", "http://localhost"),
            ("https://[::1]:7443", "https://[::1]:7443"),
            ("https://[::1]", "https://[::1]"),
        ] {
            assert_eq!(
                text.parse::<WebOrigin>().map(String::from),
                Ok(origin.to_owned()),
                "{text}"
            );
        }
        for bad in [
            "",
            "null",
            "*",
            "chat.example.org",
            "https://",
            "https:///",
            "https://chat.example.org/",
            "https://chat.example.org/path",
            "https://chat.example.org?query",
            "https://chat.example.org#part",
            "https://user@chat.example.org",
            "https://chat.example.org:",
            "https://chat.example.org:99999",
            "https://:7443",
            "https://*.example.org",
            "https://a b",
            " https://chat.example.org",
            "wss://chat.example.org",
            "file://chat.example.org",
        ] {
            assert_eq!(bad.parse::<WebOrigin>(), Err(WebOriginError), "{bad}");
        }
    }
}
