//! The line of a native program: TLS over TCP.

use std::io;
use std::sync::Arc;

use kith_common::{PROTOCOL, Pin};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::dial::dial;
use crate::trust::chain_pins;
use crate::{Error, ServerAddress, Trust, TrustError, limits};

/// Connects to a server and verifies it. Returns the line, and the pins of the chain that was verified.
pub(super) async fn connect(
    server: &ServerAddress,
    trust: &Trust,
) -> Result<(TlsStream<TcpStream>, Vec<Pin>), Error> {
    connect_for(server, trust, PROTOCOL).await
}

/// The same, to speak this protocol (ALPN, RFC 7301).
pub(crate) async fn connect_for(
    server: &ServerAddress,
    trust: &Trust,
    protocol: &str,
) -> Result<(TlsStream<TcpStream>, Vec<Pin>), Error> {
    let config = trust
        .tls_config(protocol)
        .map_err(|error| Error::Tls(error.to_string()))?;
    // The zone of a link-local address (RFC 4007, section 11) is this machine's affair, not part of the name.
    let host = server.host.split('%').next().unwrap_or_default().to_owned();
    let name = ServerName::try_from(host).map_err(|error| Error::Unknown {
        host: server.host.clone(),
        reason: error.to_string(),
    })?;
    let stream = dial(server).await?;
    let connector = TlsConnector::from(Arc::new(config));
    let stream = match timeout(limits::HANDSHAKE, connector.connect(name, stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(tls_error(&error)),
        Err(_) => return Err(Error::Tls("it took too long".to_owned())),
    };
    let chain = chain_pins(stream.get_ref().1.peer_certificates().unwrap_or_default());
    Ok((stream, chain))
}

/// Finds the reason in what rustls makes of it.
fn tls_error(error: &io::Error) -> Error {
    let Some(error) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    else {
        return Error::Tls(error.to_string());
    };
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => {
            match other.0.downcast_ref::<TrustError>() {
                Some(error) => Error::Trust(error.clone()),
                None => Error::Trust(TrustError::Invalid(other.0.to_string())),
            }
        }
        rustls::Error::InvalidCertificate(error) => Error::Trust(TrustError::Invalid(error.to_string())),
        error => Error::Tls(error.to_string()),
    }
}
