//! TLS for the one listener: TLS 1.3, with 1.2 by a switch, and a certificate that can change under way.

mod reload;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use kith_common::{PROTOCOL, Pin};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};

use crate::certs::{CertDirectory, CertsError, HostName, Pair};
use crate::config::{Config, DataDir};

pub use reload::{Changed, Reloader, Surroundings};

/// What the listener speaks, in the order of preference (ALPN, RFC 7301).
pub const PROTOCOLS: [&str; 3] = [PROTOCOL, "h2", "http/1.1"];

/// Where the server's certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Setup's own CA, whose certificates the server renews by itself.
    Own {
        /// Where they lie.
        directory: CertDirectory,
        /// The name that invite links carry, which a renewed certificate must have.
        host: Option<HostName>,
    },
    /// Someone's own files, which someone else renews.
    Given {
        /// The chain, in PEM.
        certificate: PathBuf,
        /// The key, in PEM.
        key: PathBuf,
    },
}

impl Source {
    /// What the configuration says.
    pub fn of(config: &Config, data: &DataDir) -> Self {
        match (&config.tls.certificate, &config.tls.key) {
            (Some(certificate), Some(key)) => Self::Given {
                certificate: data.resolve(certificate),
                key: data.resolve(key),
            },
            _ => Self::Own {
                directory: CertDirectory::new(data.certs(&config.tls)),
                host: config.host.as_ref().and_then(|link| link.host.parse().ok()),
            },
        }
    }

    /// The files of chain and key.
    pub fn files(&self) -> (PathBuf, PathBuf) {
        match self {
            Self::Own { directory, .. } => (directory.server(), directory.server_key()),
            Self::Given { certificate, key } => (certificate.clone(), key.clone()),
        }
    }

    /// Reads chain and key.
    ///
    /// # Errors
    /// If they can't be read or don't belong together.
    pub fn read(&self) -> Result<Pair, CertsError> {
        let (certificate, key) = self.files();
        Pair::read(&certificate, &key)
    }
}

/// The certificate that the server shows at present.
pub struct Identity(ArcSwap<Pair>);

impl Identity {
    /// Shows this pair from the start.
    pub fn new(pair: Pair) -> Self {
        Self(ArcSwap::from_pointee(pair))
    }

    /// The keys that clients should pin from now on; none, if clients trust this certificate by a public CA.
    pub fn pins(&self) -> Vec<Pin> {
        self.0.load().pin().into_iter().collect()
    }

    /// The certificate (DER) of the CA that the chain ends with, where it does; clients know public ones themselves.
    pub fn authority(&self) -> Option<Vec<u8>> {
        let pair = self.0.load();
        let is_authority = pair.root.as_ref().is_some_and(|root| root.is_authority);
        pair.certified
            .cert
            .last()
            .filter(|_| is_authority)
            .map(|certificate| certificate.to_vec())
    }

    /// When the certificate ends.
    pub fn expires(&self) -> Timestamp {
        self.0.load().leaf.not_after
    }

    /// The names in the certificate.
    pub fn names(&self) -> Vec<HostName> {
        self.0.load().leaf.names.clone()
    }

    /// Shows another pair from the next handshake on.
    fn swap(&self, pair: Pair) {
        self.0.store(Arc::new(pair));
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("pins", &self.pins())
            .field("expires", &self.expires())
            .finish()
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().certified))
    }
}

/// The listener's TLS configuration.
///
/// # Errors
/// If the cryptographic library can't start (no randomness for ticket keys).
pub fn server_config(identity: Arc<Identity>, tls12: bool) -> Result<Arc<ServerConfig>, rustls::Error> {
    let versions: &[_] = if tls12 { &[&TLS13, &TLS12] } else { &[&TLS13] };
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_cert_resolver(identity);
    config.alpn_protocols = PROTOCOLS.iter().map(|name| name.as_bytes().to_vec()).collect();
    // Resumption by tickets, which the clients keep: the server holds nothing for those who left. One ticket rather
    // than two, for each is memory in a connection's buffers at its start.
    config.ticketer = Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests;
