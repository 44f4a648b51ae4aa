use core::fmt;
use core::str::FromStr;

use kith_common::{InviteLink, InviteLinkError};
use serde::{Deserialize, Serialize};

/// Where a server is: a DNS name or IP address, and a TCP port. Written `host:port`, IPv6 in brackets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerAddress {
    /// DNS name in lower case or IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl From<&InviteLink> for ServerAddress {
    fn from(link: &InviteLink) -> Self {
        Self {
            host: link.host.to_lowercase(),
            port: link.port,
        }
    }
}

impl FromStr for ServerAddress {
    type Err = InviteLinkError;

    fn from_str(text: &str) -> Result<Self, InviteLinkError> {
        text.parse::<InviteLink>().map(|link| Self::from(&link))
    }
}

impl TryFrom<String> for ServerAddress {
    type Error = InviteLinkError;

    fn try_from(text: String) -> Result<Self, InviteLinkError> {
        text.parse()
    }
}

impl From<ServerAddress> for String {
    fn from(address: ServerAddress) -> String {
        address.to_string()
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["chat.example:7443", "[2001:db8::1]:80", "192.0.2.1:9"] {
            assert_eq!(text.parse::<ServerAddress>().unwrap().to_string(), text);
        }
        assert_eq!(
            "Chat.Example".parse::<ServerAddress>().unwrap().to_string(),
            "chat.example:7443"
        );
    }
}
