use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use kith_common::Pin;
use std::net::IpAddr;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::{Constraints, HostName};

/// What a certificate says, as far as the server cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub pin: Pin,
    /// The names it is for; someone's own certificate may have wildcards among them.
    pub names: Vec<HostName>,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
    /// Whether it may sign other certificates.
    pub is_authority: bool,
    /// Whether issuer and subject are one: it is the end of a chain.
    pub is_self_signed: bool,
    /// For which names it may sign.
    pub constraints: Constraints,
}

/// These bytes are no X.509 certificate, or one with dates or extensions that can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate that can be read")]
pub struct FactsError;

impl Facts {
    /// Reads a certificate in DER. Its signature is not checked.
    pub(super) fn of(der: &[u8]) -> Result<Self, FactsError> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| FactsError)?;
        let validity = certificate.validity();
        let names = certificate.subject_alternative_name().map_err(|_| FactsError)?;
        let constraints = certificate.name_constraints().map_err(|_| FactsError)?;
        Ok(Self {
            pin: pin_of(certificate.public_key().raw),
            names: names
                .iter()
                .flat_map(|names| &names.value.general_names)
                .filter_map(host_name)
                .collect(),
            not_before: Timestamp::from_second(validity.not_before.timestamp()).map_err(|_| FactsError)?,
            not_after: Timestamp::from_second(validity.not_after.timestamp()).map_err(|_| FactsError)?,
            is_authority: certificate.is_ca(),
            is_self_signed: certificate.issuer().as_raw() == certificate.subject().as_raw(),
            constraints: constraints
                .map(|constraints| Constraints::from_extension(constraints.value))
                .unwrap_or_default(),
        })
    }

    /// Whether less than a third of the lifetime remains: the time to renew. (Let's Encrypt recommends the same; it
    /// leaves months to notice that renewing fails.)
    pub fn is_renewal_due(&self, now: Timestamp) -> bool {
        let lifetime = self.not_after.as_second() - self.not_before.as_second();
        self.not_after.as_second() - now.as_second() < lifetime / 3
    }
}

/// The pin of a SubjectPublicKeyInfo in DER.
pub(super) fn pin_of(public_key_info: &[u8]) -> Pin {
    let mut pin = Pin([0; 32]);
    pin.0.copy_from_slice(digest(&SHA256, public_key_info).as_ref());
    pin
}

fn host_name(name: &GeneralName<'_>) -> Option<HostName> {
    match name {
        GeneralName::DNSName(name) => Some(HostName::Dns(name.to_ascii_lowercase())),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            v4.or_else(|_| v6()).ok().map(HostName::Ip)
        }
        _ => None,
    }
}
