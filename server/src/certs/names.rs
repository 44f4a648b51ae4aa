use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use rustls_pki_types::DnsName;

/// A name that a certificate can carry: a DNS name in lower case, or an IP address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostName {
    /// A DNS name in its ASCII form, without a final dot or a wildcard.
    Dns(String),
    /// An IP address.
    Ip(IpAddr),
}

/// A text that is no [`HostName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no host: give a DNS name like chat.example.org (one with other letters than ASCII in its \
     xn-- form) or an IP address, without https:// or a path"
)]
pub struct HostNameError(String);

impl HostName {
    /// The name `localhost`.
    pub fn localhost() -> Self {
        Self::Dns("localhost".to_owned())
    }
}

impl FromStr for HostName {
    type Err = HostNameError;

    fn from_str(text: &str) -> Result<Self, HostNameError> {
        let text = text.trim();
        let unbracketed = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(address) = unbracketed.parse::<IpAddr>() {
            return Ok(Self::Ip(address.to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        match DnsName::try_from(name.as_str()) {
            Ok(_) => Ok(Self::Dns(name)),
            Err(_) => Err(HostNameError(text.to_owned())),
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// What this machine is called and which addresses it has: the names that a certificate gets unasked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// The host name, where it is a usable one.
    pub name: Option<HostName>,
    /// Addresses of the network interfaces.
    pub addresses: Vec<IpAddr>,
}

/// More addresses than this (a host of many containers, say) would only make every handshake longer.
const MOST_ADDRESSES: usize = 64;

impl Machine {
    /// Asks the operating system. What it doesn't know is left out.
    pub fn detect() -> Self {
        let name = hostname::get().ok().and_then(|name| name.to_str()?.parse().ok());
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        let mut addresses: Vec<IpAddr> = interfaces
            .iter()
            .map(if_addrs::Interface::ip)
            .filter(|address| is_worth_naming(*address))
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses.truncate(MOST_ADDRESSES);
        Self { name, addresses }
    }

    /// The name for links, where nobody chose one.
    pub fn link_name(&self) -> String {
        self.name
            .as_ref()
            .map_or_else(|| "localhost".to_owned(), HostName::to_string)
    }

    /// The names that a certificate for this machine has, those that were asked for first.
    pub(super) fn names(&self, hosts: &[HostName]) -> Vec<HostName> {
        let mut names = hosts.to_vec();
        names.extend(self.name.clone());
        // How computers and phones in one network find each other without a DNS server (RFC 6762).
        if let Some(HostName::Dns(name)) = &self.name
            && !name.contains('.')
            && name != "localhost"
        {
            names.push(HostName::Dns(format!("{name}.local")));
        }
        names.push(HostName::localhost());
        names.push(HostName::Ip(Ipv4Addr::LOCALHOST.into()));
        names.push(HostName::Ip(Ipv6Addr::LOCALHOST.into()));
        names.extend(self.addresses.iter().copied().map(HostName::Ip));
        deduplicate(names)
    }
}

/// The names without repetitions, in their order.
pub(super) fn deduplicate(names: impl IntoIterator<Item = HostName>) -> Vec<HostName> {
    let mut unique = Vec::new();
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique
}

/// Loopback is always in a certificate; a link-local IPv6 address means nothing without its interface.
fn is_worth_naming(address: IpAddr) -> bool {
    let link_local = matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
    !(address.is_loopback() || address.is_unspecified() || address.is_multicast() || link_local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_addresses() {
        for (text, name) in [
            ("Chat.Example.", "chat.example"),
            ("my_box", "my_box"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(
                text.parse::<HostName>().map(|name| name.to_string()),
                Ok(name.to_owned())
            );
        }
        for bad in [
            "",
            "*.example",
            "bücher.example",
            "a b",
            "https://x",
            "a..b",
            "fe80::1%eth0",
            "1.2.3",
        ] {
            assert!(bad.parse::<HostName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_machine_is_named_by_what_was_asked_then_by_all_it_is() {
        let machine = Machine {
            name: "box".parse().ok(),
            addresses: vec![[192, 168, 1, 2].into(), [127, 0, 0, 1].into()],
        };
        let names: Vec<String> = machine
            .names(&["chat.example".parse().unwrap(), "192.168.1.2".parse().unwrap()])
            .iter()
            .map(HostName::to_string)
            .collect();
        let expected = [
            "chat.example",
            "192.168.1.2",
            "box",
            "box.local",
            "localhost",
            "127.0.0.1",
            "::1",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn only_addresses_that_mean_something_elsewhere_are_named() {
        let worth = |text: &str| is_worth_naming(text.parse().unwrap());
        assert!(worth("192.168.1.2") && worth("2001:db8::1") && worth("fd00::1"));
        assert!(!worth("127.0.0.1") && !worth("::1") && !worth("fe80::1") && !worth("0.0.0.0"));
    }
}
