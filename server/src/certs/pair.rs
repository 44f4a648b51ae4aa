use std::path::Path;
use std::sync::Arc;

use kith_common::Pin;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{CertsError, Facts};
use crate::files;

/// A certificate chain with the private key of its first certificate, known to belong together.
#[derive(Clone, Debug)]
pub struct Pair {
    /// As rustls presents it.
    pub certified: Arc<CertifiedKey>,
    /// What the server's certificate says.
    pub leaf: Facts,
    /// What the self-signed end of the chain says, if it has one.
    pub root: Option<Facts>,
}

/// Why a chain and a key are no [`Pair`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairError {
    /// The chain file holds no certificate, or a damaged one.
    #[error("the certificate file holds no readable certificate (PEM, -----BEGIN CERTIFICATE-----)")]
    Certificate,
    /// The key file holds no key, or a damaged one.
    #[error("the key file holds no readable private key (PEM, without a passphrase)")]
    Key,
    /// The key is of a kind that TLS can't use.
    #[error(
        "the key is of an unsupported kind; use ECDSA (P-256 or P-384), Ed25519 or RSA of at least 2048 bits"
    )]
    KindOfKey,
    /// The key is another certificate's.
    #[error("the key does not belong to the file's first certificate, which must be the server's own")]
    Mismatch,
}

impl Pair {
    /// Reads both files.
    ///
    /// # Errors
    /// If one can't be read, or the two don't belong together.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, CertsError> {
        let pair = Self::parse(&files::read(certificate)?, &files::read(key)?);
        pair.map_err(|reason| CertsError::Pair {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            reason,
        })
    }

    /// Reads both from PEM.
    pub(crate) fn parse(chain: &[u8], key: &[u8]) -> Result<Self, PairError> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|_| PairError::Certificate)?;
        let (first, last) = chain.first().zip(chain.last()).ok_or(PairError::Certificate)?;
        let leaf = Facts::of(first).map_err(|_| PairError::Certificate)?;
        let last = Facts::of(last).map_err(|_| PairError::Certificate)?;

        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| PairError::Key)?;
        let key = default_provider()
            .key_provider
            .load_private_key(key)
            .map_err(|_| PairError::KindOfKey)?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(|_| PairError::Mismatch)?;
        Ok(Self {
            certified: Arc::new(certified),
            leaf,
            root: last.is_self_signed.then_some(last),
        })
    }

    /// What clients should pin: the key of the chain's self-signed end. A chain without one hangs on a CA that clients
    /// know by other means and that may change its intermediates at any time, so nothing of it is worth pinning.
    pub fn pin(&self) -> Option<Pin> {
        self.root.as_ref().map(|root| root.pin)
    }
}
