use core::fmt;
use core::str::FromStr;

use crate::{DEFAULT_PORT, Pin};

/// An invite link: `kith://host:port/#pin=sha256:…&invite=…`; the same with `https://`.
///
/// What follows `#` is never sent to a server by a browser (RFC 3986, section 3.5), so the code stays out of logs.
/// Both parts are optional: without a code the link only says where the server is and which key it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteLink {
    /// DNS name or IP address, without the brackets of an IPv6 address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The key that must stand in the server's verified certificate chain.
    pub pin: Option<Pin>,
    /// The single-use code.
    pub code: Option<String>,
}

/// Why a text is no [`InviteLink`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteLinkError {
    /// Neither `kith://` nor `https://` nor a plain `host:port`.
    #[error("an invite link begins with kith:// or https://")]
    Scheme,
    /// Host or port can't be read.
    #[error("the link names no server (host or host:port)")]
    Host,
    /// The pin can't be read.
    #[error("the link's pin is damaged; ask for the link again")]
    Pin,
}

impl fmt::Display for InviteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') {
            ("[", "]")
        } else {
            ("", "")
        };
        write!(f, "kith://{open}{}{close}:{}/", self.host, self.port)?;
        match (&self.pin, &self.code) {
            (Some(pin), Some(code)) => write!(f, "#pin={pin}&invite={code}"),
            (Some(pin), None) => write!(f, "#pin={pin}"),
            (None, Some(code)) => write!(f, "#invite={code}"),
            (None, None) => Ok(()),
        }
    }
}

impl FromStr for InviteLink {
    type Err = InviteLinkError;

    /// Reads a link, or a plain `host` or `host:port`.
    fn from_str(text: &str) -> Result<Self, InviteLinkError> {
        let text = text.trim();
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if ["kith", "https"].iter().any(|s| scheme.eq_ignore_ascii_case(s)) => rest,
            Some(_) => return Err(InviteLinkError::Scheme),
            None => text,
        };
        let (place, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let authority = place.split('/').next().unwrap_or_default();
        let (host, port) = split_authority(authority).ok_or(InviteLinkError::Host)?;
        let mut link = Self {
            host,
            port,
            pin: None,
            code: None,
        };
        for part in fragment.split('&') {
            match part.split_once('=') {
                Some(("pin", pin)) => link.pin = Some(pin.parse().map_err(|_| InviteLinkError::Pin)?),
                Some(("invite", code)) if !code.is_empty() => link.code = Some(code.to_owned()),
                _ => {}
            }
        }
        Ok(link)
    }
}

/// Splits `host`, `host:port`, `[v6]`, `[v6]:port` and a bare IPv6 address.
fn split_authority(text: &str) -> Option<(String, u16)> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        let port = if port.is_empty() {
            None
        } else {
            Some(port.strip_prefix(':')?)
        };
        (host, port)
    } else if text.matches(':').count() > 1 {
        (text, None)
    } else {
        match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        }
    };
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    if host.is_empty() || !host.chars().all(allowed) {
        return None;
    }
    let port = port
        .map_or(Ok(DEFAULT_PORT), str::parse)
        .ok()
        .filter(|port| *port != 0)?;
    Some((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for host in ["chat.example", "192.0.2.1", "2001:db8::1"] {
            for (pin, code) in [(None, None), (Some(Pin([7; 32])), Some("abc-123".to_owned()))] {
                let link = InviteLink {
                    host: host.to_owned(),
                    port: 9000,
                    pin,
                    code,
                };
                assert_eq!(link.to_string().parse(), Ok(link.clone()), "{link}");
                assert_eq!(link.to_string().replace("kith:", "https:").parse(), Ok(link));
            }
        }
    }

    #[test]
    fn reads_a_plain_server() {
        let server = |text: &str| text.parse::<InviteLink>().map(|l| (l.host, l.port));
        assert_eq!(server("localhost"), Ok(("localhost".to_owned(), DEFAULT_PORT)));
        assert_eq!(server("[::1]:80"), Ok(("::1".to_owned(), 80)));
        assert_eq!(server("::1"), Ok(("::1".to_owned(), DEFAULT_PORT)));
        for bad in ["", "http://x", "a:b", "a:0", "a b", "[::1", "x:99999"] {
            assert!(server(bad).is_err(), "{bad}");
        }
        assert_eq!("kith://a/#pin=1".parse::<InviteLink>(), Err(InviteLinkError::Pin));
    }
}
