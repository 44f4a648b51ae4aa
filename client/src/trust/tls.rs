//! What a native program's TLS trusts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kith_common::Pin;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::verifier::Verifier;
use super::{Trust, certificate, crypto};

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

    /// The TLS settings of a client that trusts so and speaks this protocol (ALPN): TLS 1.3, and nothing is resumed, so that every connection is verified.
    pub(crate) fn tls_config(&self, protocol: &str) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(crypto::provider());
        let verifier = Verifier::new(self, &provider);
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

/// The pins of the keys in a chain that was presented, the server's own first.
pub(crate) fn chain_pins(chain: &[CertificateDer<'_>]) -> Vec<Pin> {
    chain.iter().filter_map(certificate::pin).collect()
}
