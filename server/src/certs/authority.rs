use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::facts::pin_of;
use super::{CertsError, Constraints, Facts, HostName};
use crate::random::Random;

/// Ten years: longer than a phone lives, and its end is a new pin for everyone.
const AUTHORITY_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 3650);

/// The longest that every client accepts is 398 days, counting both ends.
const SERVER_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 397);

/// Certificates begin a day early, for clients whose clock is late or in the wrong time zone.
const BACKDATING: SignedDuration = SignedDuration::from_hours(24);

/// Longest common name (RFC 5280, appendix A.1, ub-common-name).
const COMMON_NAME_CHARS: usize = 64;

/// Setup's own certificate authority: it signs this server's certificates and nothing else.
pub(super) struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    pub(super) facts: Facts,
}

impl Authority {
    /// Makes the certificate of a new authority for these names.
    pub(super) fn create(
        key: KeyPair,
        names: &[HostName],
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(Self, String), CertsError> {
        let mut params = CertificateParams::default();
        let host = names
            .first()
            .map_or_else(|| "localhost".to_owned(), HostName::to_string);
        params.distinguished_name = common_name(format!("Kith CA of {host}"));
        params.serial_number = Some(serial_number(random)?);
        set_validity(&mut params, now, AUTHORITY_LIFETIME, Timestamp::MAX);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        // Name constraints say nothing about mail or code; this keeps the CA to servers for all who check it.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.name_constraints = Some(Constraints::permitting(names).to_rcgen());
        let certificate = params.self_signed(&key)?;
        let pem = certificate.pem();
        Ok((Self::new(certificate.into(), key)?, pem))
    }

    /// Reads certificate and key from PEM; says what is wrong with which.
    pub(super) fn parse(certificate: &[u8], key: &[u8]) -> Result<Self, &'static str> {
        let certificate =
            CertificateDer::from_pem_slice(certificate).map_err(|_| "the CA's certificate is damaged")?;
        let key = parse_key(key).ok_or("the CA's key is damaged")?;
        let authority = Self::new(certificate, key).map_err(|_| "the CA's certificate is damaged")?;
        if !authority.facts.is_authority {
            return Err("the certificate is none that may sign others");
        }
        if authority.facts.pin != pin_of(&authority.issuer.key().subject_public_key_info()) {
            return Err("the CA's key does not belong to its certificate");
        }
        Ok(authority)
    }

    /// Signs a certificate for these names; returns the chain to present, the CA's certificate included, because pinned
    /// clients verify up to it.
    pub(super) fn issue(
        &self,
        key: &KeyPair,
        names: &[HostName],
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<String, CertsError> {
        let mut params = CertificateParams::default();
        let dns = names.iter().find(|name| matches!(name, HostName::Dns(_)));
        params.distinguished_name =
            common_name(dns.map_or_else(|| "localhost".to_owned(), HostName::to_string));
        params.serial_number = Some(serial_number(random)?);
        set_validity(&mut params, now, SERVER_LIFETIME, self.facts.not_after);
        params.subject_alt_names = names.iter().map(san).collect::<Result<_, _>>()?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(key, &self.issuer)?;
        let authority = pem::encode_config(
            &pem::Pem::new("CERTIFICATE", self.certificate.to_vec()),
            pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
        );
        Ok(leaf.pem() + &authority)
    }

    fn new(certificate: CertificateDer<'static>, key: KeyPair) -> Result<Self, CertsError> {
        Ok(Self {
            facts: Facts::of(&certificate).map_err(|_| rcgen::Error::CouldNotParseCertificate)?,
            issuer: Issuer::from_ca_cert_der(&certificate, key)?,
            certificate,
        })
    }
}

/// A private key in PEM, as rcgen takes it.
pub(super) fn parse_key(pem: &[u8]) -> Option<KeyPair> {
    KeyPair::from_pem(std::str::from_utf8(pem).ok()?).ok()
}

/// A random serial number of 127 bits: the same issuer must never use one twice.
fn serial_number(random: &dyn Random) -> Result<SerialNumber, CertsError> {
    let mut serial = [0; 16];
    random.fill(&mut serial)?;
    // Positive, and never shorter than its length says.
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    Ok(SerialNumber::from_slice(&serial))
}

/// Sets the dates: backdated, and never beyond `limit`.
fn set_validity(params: &mut CertificateParams, now: Timestamp, lifetime: SignedDuration, limit: Timestamp) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let date_time = |time: i64| epoch + Duration::from_secs(u64::try_from(time).unwrap_or(0));
    let begin = now.as_second() - BACKDATING.as_secs();
    // Both ends count (RFC 5280, section 4.1.2.5), hence a second less.
    let end = (begin + lifetime.as_secs() - 1).min(limit.as_second());
    params.not_before = date_time(begin);
    params.not_after = date_time(end);
}

fn common_name(name: String) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    let name = if name.len() <= COMMON_NAME_CHARS {
        name
    } else {
        "Kith".to_owned()
    };
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn san(name: &HostName) -> Result<SanType, rcgen::Error> {
    Ok(match name {
        HostName::Dns(name) => SanType::DnsName(name.as_str().try_into()?),
        HostName::Ip(address) => SanType::IpAddress(*address),
    })
}
