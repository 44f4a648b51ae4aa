use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rcgen::{CidrSubnet, GeneralSubtree};
use x509_parser::extensions::GeneralName;

use super::HostName;

/// For which names a CA may sign (RFC 5280, section 4.2.1.10). Whoever installs the CA on a phone thereby trusts it for
/// these and nothing else, even if its key is stolen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    /// DNS names, each with all below it; empty means any.
    dns: Vec<String>,
    /// Networks; empty means any.
    networks: Vec<IpNet>,
}

/// Networks whose addresses mean a machine nearby: they come and go, and only reach one's own network.
const NEARBY: [IpNet; 9] = [
    v4([127, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    v4([100, 64, 0, 0], 10),
    v4([169, 254, 0, 0], 16),
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128)),
    v6(0xfc00, 7),
    v6(0xfe80, 10),
];

impl Constraints {
    /// Permits these names, and all addresses that mean a machine nearby.
    pub(super) fn permitting(names: &[HostName]) -> Self {
        let mut constraints = Self {
            dns: Vec::new(),
            networks: NEARBY.to_vec(),
        };
        for name in names {
            match name {
                HostName::Dns(name) => constraints.dns.push(name.clone()),
                HostName::Ip(address)
                    if !constraints
                        .networks
                        .iter()
                        .any(|network| network.contains(address)) =>
                {
                    constraints.networks.push(IpNet::from(*address));
                }
                HostName::Ip(_) => {}
            }
        }
        constraints
    }

    /// Reads them from a certificate's extension. Kinds of names that Kith doesn't use are passed over.
    pub(super) fn from_extension(extension: &x509_parser::extensions::NameConstraints<'_>) -> Self {
        let mut constraints = Self::default();
        for subtree in extension.permitted_subtrees.iter().flatten() {
            match &subtree.base {
                GeneralName::DNSName(name) => {
                    constraints
                        .dns
                        .push(name.trim_start_matches('.').to_ascii_lowercase());
                }
                GeneralName::IPAddress(bytes) => constraints.networks.extend(network(bytes)),
                _ => {}
            }
        }
        constraints
    }

    /// Whether a certificate for this name would be accepted.
    pub fn permit(&self, name: &HostName) -> bool {
        match name {
            HostName::Dns(name) => {
                let below = |base: &String| {
                    base.is_empty()
                        || name
                            .strip_suffix(base.as_str())
                            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                };
                self.dns.is_empty() || self.dns.iter().any(below)
            }
            HostName::Ip(address) => {
                self.networks.is_empty() || self.networks.iter().any(|network| network.contains(address))
            }
        }
    }

    /// As the extension is written.
    pub(super) fn to_rcgen(&self) -> rcgen::NameConstraints {
        let dns = self.dns.iter().cloned().map(GeneralSubtree::DnsName);
        let networks = self
            .networks
            .iter()
            .map(|network| CidrSubnet::from_addr_prefix(network.network(), network.prefix_len()))
            .map(GeneralSubtree::IpAddress);
        rcgen::NameConstraints {
            permitted_subtrees: dns.chain(networks).collect(),
            excluded_subtrees: Vec::new(),
        }
    }
}

/// An address and its mask, one behind the other, as RFC 5280 writes a network.
fn network(bytes: &[u8]) -> Option<IpNet> {
    let (address, mask) = bytes.split_at_checked(bytes.len() / 2)?;
    let read = |bytes: &[u8]| -> Option<IpAddr> {
        match bytes.len() {
            4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
            16 => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)),
            _ => None,
        }
    };
    IpNet::with_netmask(read(address)?, read(mask)?).ok()
}

const fn v4(address: [u8; 4], prefix: u8) -> IpNet {
    let [a, b, c, d] = address;
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn v6(first: u16, prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(
        Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0),
        prefix,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_what_was_named_and_what_is_nearby() {
        let name = |text: &str| text.parse::<HostName>().unwrap();
        let constraints =
            Constraints::permitting(&[name("chat.example"), name("203.0.113.7"), name("10.1.2.3")]);
        for good in [
            "chat.example",
            "a.chat.example",
            "203.0.113.7",
            "192.168.3.4",
            "::1",
            "fd12::1",
        ] {
            assert!(constraints.permit(&name(good)), "{good}");
        }
        for bad in [
            "example",
            "xchat.example",
            "203.0.113.8",
            "2001:db8::1",
            "localhost",
        ] {
            assert!(!constraints.permit(&name(bad)), "{bad}");
        }
        assert_eq!(
            constraints.networks.len(),
            NEARBY.len() + 1,
            "10.1.2.3 needs no entry"
        );
        assert!(Constraints::default().permit(&name("anything.example")));
    }

    #[test]
    fn reads_networks_as_certificates_write_them() {
        assert_eq!(network(&[10, 0, 0, 0, 255, 0, 0, 0]), "10.0.0.0/8".parse().ok());
        assert_eq!(network(&[10, 0, 0]), None);
        assert_eq!(network(&[]), None);
    }
}
