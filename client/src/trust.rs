//! Which servers are trusted, and why one isn't.
//!
//! There is no way to connect without verifying: the certificates, the server's name, the dates and the proof that the
//! server holds its key are checked under every [`Trust`].

mod certificate;
mod verifier;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use kith_common::{PROTOCOL, Pin};
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use verifier::Verifier;

/// What a server has to show to be trusted.
#[derive(Clone, Debug)]
pub enum Trust {
    /// A certificate from an authority that this machine trusts. The answer to any other is [`TrustError::Untrusted`]
    /// with the fingerprint to ask a person about.
    Public,
    /// A certificate from one of these authorities; see [`Trust::ca_file`].
    Authorities(Arc<RootCertStore>),
    /// A key that must occur in the verified chain: any one of these.
    ///
    /// The key of an authority is found only if the server presents that authority's certificate.
    Pins(Vec<Pin>),
}

/// Why a server isn't trusted. Each says to a person what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// First contact: nothing vouches for this server. Everything else about it is in order.
    #[error("this server isn't known here yet; its key is {pin}")]
    Untrusted {
        /// The key of the topmost authority in the server's chain, or its own where there is none.
        pin: Pin,
    },
    /// The chain doesn't hold the pinned key, or isn't signed with it.
    #[error(
        "The server's key is not the one that was pinned! It shows {presented}. Somebody may be reading along, or the \
         server was set up anew: ask whoever runs it for a new link before you go on"
    )]
    WrongKey {
        /// The key that was shown instead.
        presented: Pin,
    },
    /// The certificates are right, but the server couldn't prove that it holds their key.
    #[error(
        "the server shows certificates whose key it doesn't hold: somebody may be posing as it; try another network, \
         and tell whoever runs the server"
    )]
    KeyNotHeld,
    /// A certificate's time is over.
    #[error(
        "the server's certificate expired on {not_after}: check this machine's clock, then ask whoever runs the server \
         to run `kith-server setup --renew`"
    )]
    Expired {
        /// When it ended.
        not_after: Timestamp,
    },
    /// A certificate's time has not begun.
    #[error("the server's certificate is valid only from {not_before} on: check this machine's clock")]
    NotYetValid {
        /// When it begins.
        not_before: Timestamp,
    },
    /// The certificate is for other names.
    #[error(
        "the server's certificate is not for {host} but for {names}: use one of these, or ask whoever runs the server \
         to run `kith-server setup --renew --host {host}`", names = list(names)
    )]
    WrongName {
        /// The name or address that was asked for.
        host: String,
        /// The names and addresses that the certificate is for.
        names: Vec<String>,
    },
    /// No authority of the given file has signed the chain.
    #[error(
        "the server's certificate is not from the given authority: check the file, or use the pin from its link"
    )]
    UnknownIssuer,
    /// Something else is wrong with a certificate.
    #[error("the server's certificate can't be used ({0}): tell whoever runs the server")]
    Invalid(String),
}

/// Why a file of authorities can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("can't read certificates (PEM) from {}: {reason}", path.display())]
pub struct CaFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl Trust {
    /// Trusts the authorities whose certificates stand in a PEM file.
    ///
    /// # Errors
    /// The file can't be read or holds no certificate of an authority.
    pub fn ca_file(path: &Path) -> Result<Self, CaFileError> {
        let error = |reason: String| CaFileError {
            path: path.to_owned(),
            reason,
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).map_err(|e| error(e.to_string()))? {
            let certificate = certificate.map_err(|e| error(e.to_string()))?;
            roots.add(certificate).map_err(|e| error(e.to_string()))?;
        }
        if roots.is_empty() {
            return Err(error("it holds none".to_owned()));
        }
        Ok(Self::Authorities(Arc::new(roots)))
    }

    /// The TLS settings of a client that trusts so: TLS 1.3, and nothing is resumed, so that every connection is verified.
    pub(crate) fn tls_config(&self) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = Verifier::new(self, &provider);
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![PROTOCOL.as_bytes().to_vec()];
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

/// The pins of the keys in a chain that was presented, the server's own first.
pub(crate) fn chain_pins(chain: &[CertificateDer<'_>]) -> Vec<Pin> {
    chain.iter().filter_map(certificate::pin).collect()
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "no name at all".to_owned()
    } else {
        names.join(", ")
    }
}
