//! What the verifier wants to know of a single certificate.

use std::net::IpAddr;

use jiff::Timestamp;
use kith_common::Pin;
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::X509Certificate;

use super::TrustError;
use super::crypto::sha256;

/// The pin of a certificate's key, or `None` where it can't be read.
pub(super) fn pin(certificate: &CertificateDer<'_>) -> Option<Pin> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    Some(Pin(sha256(certificate.public_key().raw)))
}

/// Whether a certificate may sign others (RFC 5280, section 4.2.1.9).
pub(super) fn is_authority(certificate: &CertificateDer<'_>) -> bool {
    parse_x509_certificate(certificate).is_ok_and(|(_, certificate)| certificate.is_ca())
}

/// The names and addresses that a certificate is for, as people write them.
pub(super) fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, certificate)) = parse_x509_certificate(certificate) else {
        return Vec::new();
    };
    let Ok(Some(names)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    names
        .value
        .general_names
        .iter()
        .filter_map(written_name)
        .collect()
}

/// Checks that `now` is in a certificate's time.
pub(super) fn check_dates(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), TrustError> {
    let (_, certificate): (_, X509Certificate<'_>) =
        parse_x509_certificate(certificate).map_err(|e| TrustError::Invalid(e.to_string()))?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let validity = certificate.validity();
    let (not_before, not_after) = (validity.not_before.timestamp(), validity.not_after.timestamp());
    if now < not_before {
        let not_before = timestamp(not_before);
        return Err(TrustError::NotYetValid { not_before });
    }
    if now > not_after {
        let not_after = timestamp(not_after);
        return Err(TrustError::Expired { not_after });
    }
    Ok(())
}

/// A time in seconds since 1970; what lies beyond the calendar becomes its end.
pub(super) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

fn written_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        // A certificate is anybody's text until it is verified: only what a host name can hold is shown.
        GeneralName::DNSName(name) => Some(name.chars().filter(|c| c.is_ascii_graphic()).collect()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}
