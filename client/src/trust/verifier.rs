use std::sync::Arc;

use kith_common::Pin;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};

use super::certificate::{check_dates, is_authority, names, pin, timestamp};
use super::{Trust, TrustError};

/// Verifies a server's certificates as a [`Trust`] asks. What it finds wrong, it hands through rustls as a
/// [`TrustError`] inside an [`OtherError`].
#[derive(Debug)]
pub(super) struct Verifier {
    algorithms: WebPkiSupportedAlgorithms,
    policy: Policy,
}

#[derive(Debug)]
enum Policy {
    Roots {
        roots: Arc<RootCertStore>,
        /// Whether a chain from elsewhere is a first contact, for which a person may vouch.
        ask: bool,
    },
    Pins(Vec<Pin>),
}

/// A presented chain, and what it is held against.
struct Presented<'a> {
    leaf: &'a CertificateDer<'a>,
    above: &'a [CertificateDer<'a>],
    host: &'a ServerName<'a>,
    now: UnixTime,
}

impl Verifier {
    pub(super) fn new(trust: &Trust, provider: &CryptoProvider) -> Self {
        let policy = match trust {
            Trust::Public => {
                let mut roots = RootCertStore::empty();
                // A machine without readable certificates trusts nobody; then a person is asked.
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                let roots = Arc::new(roots);
                Policy::Roots { roots, ask: true }
            }
            Trust::Authorities(roots) => Policy::Roots {
                roots: Arc::clone(roots),
                ask: false,
            },
            Trust::Pins(pins) => Policy::Pins(pins.clone()),
        };
        Self {
            algorithms: provider.signature_verification_algorithms,
            policy,
        }
    }

    fn verify(&self, presented: &Presented<'_>) -> Result<(), TrustError> {
        match &self.policy {
            Policy::Roots { roots, ask } => match self.verify_to(roots, presented) {
                Err(TrustError::UnknownIssuer | TrustError::Invalid(_)) if *ask => {
                    Err(self.first_contact(presented))
                }
                result => result,
            },
            Policy::Pins(pins) => self.verify_pinned(pins, presented),
        }
    }

    /// Verifies that a pinned key is in the chain: as the server's own, or as that of an authority, which then is the
    /// only trust anchor.
    fn verify_pinned(&self, pins: &[Pin], presented: &Presented<'_>) -> Result<(), TrustError> {
        let pinned =
            |certificate: &&CertificateDer<'_>| pin(certificate).is_some_and(|pin| pins.contains(&pin));
        let own = Some(presented.leaf).filter(pinned).map(|_| verify_own(presented));
        let authorities = presented.above.iter().filter(pinned);
        let mut failure = None;
        for result in own
            .into_iter()
            .chain(authorities.map(|anchor| self.verify_below(anchor, presented)))
        {
            match result {
                Ok(()) => return Ok(()),
                // The pinned certificate was shown, but the server's isn't signed with its key.
                Err(TrustError::UnknownIssuer) => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(match failure {
            Some(failure) => failure,
            None => self
                .fingerprint(presented)
                .map_or_else(|error| error, |presented| TrustError::WrongKey { presented }),
        })
    }

    /// What to say of a server that nothing vouches for: what is wrong with it, or the key to ask a person about.
    fn first_contact(&self, presented: &Presented<'_>) -> TrustError {
        let verified = match self.topmost(presented) {
            Some(_) => Ok(()),
            None => verify_own(presented),
        };
        match verified.and_then(|()| self.fingerprint(presented)) {
            Ok(pin) => TrustError::Untrusted { pin },
            Err(error) => error,
        }
    }

    /// The key to show to people: of the topmost authority that really vouches for the server, else the server's own.
    fn fingerprint(&self, presented: &Presented<'_>) -> Result<Pin, TrustError> {
        let certificate = self.topmost(presented).unwrap_or(presented.leaf);
        pin(certificate).ok_or_else(|| TrustError::Invalid("its key can't be read".to_owned()))
    }

    fn topmost<'a>(&self, presented: &Presented<'a>) -> Option<&'a CertificateDer<'a>> {
        let authorities = presented.above.iter().rev();
        authorities
            .into_iter()
            .find(|anchor| self.verify_below(anchor, presented).is_ok())
    }

    fn verify_below(&self, anchor: &CertificateDer<'_>, presented: &Presented<'_>) -> Result<(), TrustError> {
        if !is_authority(anchor) {
            return Err(TrustError::UnknownIssuer);
        }
        // An anchor's dates aren't looked at by webpki (RFC 5280, section 6.1.1, makes them no input).
        check_dates(anchor, presented.now)?;
        let mut roots = RootCertStore::empty();
        roots
            .add(anchor.clone().into_owned())
            .map_err(|e| trust_error(e, presented))?;
        self.verify_to(&roots, presented)
    }

    fn verify_to(&self, roots: &RootCertStore, presented: &Presented<'_>) -> Result<(), TrustError> {
        ParsedCertificate::try_from(presented.leaf)
            .and_then(|leaf| {
                let algorithms = self.algorithms.all;
                verify_server_cert_signed_by_trust_anchor(
                    &leaf,
                    roots,
                    presented.above,
                    presented.now,
                    algorithms,
                )?;
                verify_server_name(&leaf, presented.host)
            })
            .map_err(|error| trust_error(error, presented))
    }
}

/// Verifies a server whose own key is the pinned one: nobody has to vouch for it, but dates and name hold.
fn verify_own(presented: &Presented<'_>) -> Result<(), TrustError> {
    check_dates(presented.leaf, presented.now)?;
    ParsedCertificate::try_from(presented.leaf)
        .and_then(|leaf| verify_server_name(&leaf, presented.host))
        .map_err(|error| trust_error(error, presented))
}

fn trust_error(error: rustls::Error, presented: &Presented<'_>) -> TrustError {
    let seconds = |time: UnixTime| timestamp(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    match error {
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::ExpiredContext { not_after, .. } => TrustError::Expired {
                not_after: seconds(not_after),
            },
            CertificateError::NotValidYetContext { not_before, .. } => TrustError::NotYetValid {
                not_before: seconds(not_before),
            },
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TrustError::WrongName {
                    host: presented.host.to_str().into_owned(),
                    names: names(presented.leaf),
                }
            }
            // A signature that doesn't fit was made with another key: somebody else's.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => TrustError::UnknownIssuer,
            other => TrustError::Invalid(format!("{other}")),
        },
        other => TrustError::Invalid(other.to_string()),
    }
}

/// A trust error on its way through rustls.
fn through_rustls(error: TrustError) -> rustls::Error {
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let presented = Presented {
            leaf,
            above,
            host,
            now,
        };
        self.verify(&presented)
            .map(|()| ServerCertVerified::assertion())
            .map_err(through_rustls)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms).map_err(key_not_held)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms).map_err(key_not_held)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn key_not_held(error: rustls::Error) -> rustls::Error {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
            through_rustls(TrustError::KeyNotHeld)
        }
        other => other,
    }
}
