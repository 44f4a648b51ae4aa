use std::fmt;
use std::str::FromStr;

use kith_common::InviteLink;
use serde::{Deserialize, Serialize};

/// The name under which people reach the server, and the port where it differs from the listener's
/// (behind a port forwarding, say). Written `host`, `host:port`, `::1` or `[::1]:port`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LinkHost {
    /// DNS name or IP address, without the brackets of an IPv6 address.
    pub host: String,
    /// TCP port; the listener's where none is given.
    pub port: Option<u16>,
}

/// A text that is no [`LinkHost`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a host is a DNS name or an IP address, with or without :port, and without https://")]
pub struct LinkHostError;

impl FromStr for LinkHost {
    type Err = LinkHostError;

    fn from_str(text: &str) -> Result<Self, LinkHostError> {
        let text = text.trim();
        if text.contains(['/', '#', '%']) {
            return Err(LinkHostError);
        }
        let link: InviteLink = text.parse().map_err(|_| LinkHostError)?;
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let explicit = bare.unwrap_or(text) != link.host;
        Ok(Self {
            host: link.host,
            port: explicit.then_some(link.port),
        })
    }
}

impl fmt::Display for LinkHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            None => f.write_str(&self.host),
            Some(port) if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
        }
    }
}

impl TryFrom<String> for LinkHost {
    type Error = LinkHostError;

    fn try_from(text: String) -> Result<Self, LinkHostError> {
        text.parse()
    }
}

impl From<LinkHost> for String {
    fn from(host: LinkHost) -> String {
        host.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in [
            "chat.example",
            "chat.example:443",
            "192.0.2.1",
            "2001:db8::1",
            "[2001:db8::1]:9",
        ] {
            assert_eq!(
                text.parse::<LinkHost>().map(|host| host.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!("[::1]".parse::<LinkHost>().map(|host| host.port), Ok(None));
        for bad in [
            "",
            "https://chat.example",
            "a/b",
            "a b",
            "a:0",
            "a:b",
            "fe80::1%eth0",
        ] {
            assert_eq!(bad.parse::<LinkHost>(), Err(LinkHostError), "{bad}");
        }
    }
}
