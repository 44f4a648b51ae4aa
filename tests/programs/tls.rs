//! What the listener agrees to in a handshake.

use std::sync::Arc;

use kith_tests::Server;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, HandshakeKind, NamedGroup, ProtocolVersion, RootCertStore, SupportedProtocolVersion,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A client that trusts the server's authority and offers what is said.
pub(crate) fn client(
    server: &Server,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&str],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(server.ca()).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder_with_protocol_versions(versions)
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// Shakes hands with the server as `localhost`.
pub(crate) async fn handshake(
    server: &Server,
    client: &Arc<ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(server.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::clone(client)).connect(name, stream).await
}

#[tokio::test]
async fn the_key_exchange_is_hybrid_with_a_post_quantum_one() {
    let server = Server::start();
    let stream = handshake(&server, &client(&server, &[&TLS13], &["kith/1"]))
        .await
        .unwrap();
    let connection = stream.get_ref().1;
    assert_eq!(connection.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let group = connection.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), NamedGroup::X25519MLKEM768);
}

#[tokio::test]
async fn a_client_without_the_hybrid_exchange_is_served_too() {
    let server = Server::start();
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider
        .kx_groups
        .retain(|group| group.name() == NamedGroup::X25519);
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(server.ca()).unwrap())
        .unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = handshake(&server, &Arc::new(client)).await.unwrap();
    let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), NamedGroup::X25519);
}

#[tokio::test]
async fn tls_1_2_needs_a_switch() {
    let server = Server::start();
    let old = client(&server, &[&TLS12], &[]);
    let error = handshake(&server, &old).await.unwrap_err();
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");

    let server = Server::builder().set("KITH_TLS__TLS12", "true").start();
    let old = client(&server, &[&TLS12], &[]);
    let mut stream = handshake(&server, &old).await.unwrap();
    assert_eq!(
        stream.get_ref().1.protocol_version(),
        Some(ProtocolVersion::TLSv1_2)
    );
    ping(&mut stream).await;
    let both = client(&server, &[&TLS12, &TLS13], &[]);
    let stream = handshake(&server, &both).await.unwrap();
    assert_eq!(
        stream.get_ref().1.protocol_version(),
        Some(ProtocolVersion::TLSv1_3)
    );
}

#[tokio::test]
async fn the_application_protocol_is_agreed() {
    let server = Server::start();
    let agreed = async |offered: &[&str]| {
        let stream = handshake(&server, &client(&server, &[&TLS13], offered)).await?;
        let agreed = stream.get_ref().1.alpn_protocol();
        std::io::Result::Ok(agreed.map(|name| String::from_utf8(name.to_vec()).unwrap()))
    };
    for protocol in ["kith/1", "h2", "http/1.1"] {
        assert_eq!(agreed(&[protocol]).await.unwrap().as_deref(), Some(protocol));
    }
    // A browser offers both and gets the newer one; whoever offers nothing is served by the first byte.
    assert_eq!(agreed(&["http/1.1", "h2"]).await.unwrap().as_deref(), Some("h2"));
    assert_eq!(agreed(&[]).await.unwrap(), None);
    let error = agreed(&["smtp"]).await.unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
}

#[tokio::test]
async fn a_second_connection_resumes_the_first() {
    let server = Server::start();
    let client = client(&server, &[&TLS13], &["kith/1"]);
    for expected in [
        HandshakeKind::Full,
        HandshakeKind::Resumed,
        HandshakeKind::Resumed,
    ] {
        let mut stream = handshake(&server, &client).await.unwrap();
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(expected));
        // The ticket for the next time comes with the first bytes.
        ping(&mut stream).await;
    }
}

/// The connection carries requests.
async fn ping(stream: &mut TlsStream<TcpStream>) {
    stream.write_all(b"{\"action\":\"ping\"}\n").await.unwrap();
    let expected = b"{\"status\":\"ok\"}\n";
    let mut reply = vec![0; expected.len()];
    stream.read_exact(&mut reply).await.unwrap();
    assert_eq!(reply, expected);
}
