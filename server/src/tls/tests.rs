use std::fs;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use rustls::client::{ClientConfig, ClientConnection};
use rustls::{
    HandshakeKind, NamedGroup, ProtocolVersion, RootCertStore, ServerConnection, SupportedProtocolVersion,
    pki_types,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tempfile::TempDir;

use super::*;
use crate::certs::{self, Machine, Request};
use crate::random::SystemRandomness;

/// A time at which the real clock that rustls reads accepts the certificates too.
fn start() -> Timestamp {
    Timestamp::now()
}

/// How far the tests' clock is ahead, in days; each test runs in its own process or thread.
fn days_ahead(days: i64) -> Timestamp {
    start() + jiff::SignedDuration::from_hours(24 * days)
}

fn surroundings(now: fn() -> Timestamp) -> Surroundings {
    Surroundings {
        now,
        machine: Machine::default,
        random: Arc::new(SystemRandomness::new()),
    }
}

/// Certificates in a directory of their own.
fn prepare() -> (TempDir, CertDirectory) {
    let keep = tempfile::tempdir().unwrap();
    let directory = CertDirectory::new(keep.path().join("certs"));
    let request = Request {
        hosts: &[],
        machine: &Machine::default(),
        now: start(),
        random: &SystemRandomness::new(),
    };
    certs::prepare(&directory, &request).unwrap();
    (keep, directory)
}

fn own(directory: &CertDirectory) -> Source {
    Source::Own {
        directory: directory.clone(),
        host: None,
    }
}

fn given(directory: &CertDirectory) -> Source {
    Source::Given {
        certificate: directory.server(),
        key: directory.server_key(),
    }
}

/// A client that trusts the CA there.
fn client(
    directory: &CertDirectory,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&str],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(directory.authority()).unwrap())
        .unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Arc::new(config)
}

/// A whole handshake in memory, and a byte each way, so that tickets arrive.
fn handshake(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
) -> Result<(ClientConnection, ServerConnection), rustls::Error> {
    let name = pki_types::ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), name)?;
    let mut server = ServerConnection::new(Arc::clone(server))?;
    client.writer().write_all(b"x").unwrap();
    server.writer().write_all(b"y").unwrap();
    while client.wants_write() || server.wants_write() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut rest = &wire[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut rest = &wire[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    client.reader().read_exact(&mut [0]).unwrap();
    server.reader().read_exact(&mut [0]).unwrap();
    Ok((client, server))
}

fn shown(server: &Arc<ServerConfig>, directory: &CertDirectory) -> CertificateDer<'static> {
    let (client, _) = handshake(server, &client(directory, &[&TLS13], &[])).unwrap();
    client.peer_certificates().unwrap()[0].clone().into_owned()
}

#[test]
fn the_newest_tls_with_post_quantum_keys_and_the_whole_chain() {
    let (_keep, directory) = prepare();
    let (identity, _) = Reloader::open(own(&directory), surroundings(start)).unwrap();
    let server = server_config(Arc::clone(&identity), false).unwrap();
    let (client, _) = handshake(&server, &client(&directory, &[&TLS13, &TLS12], &["h2", PROTOCOL])).unwrap();
    assert_eq!(client.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(client.alpn_protocol(), Some(PROTOCOL.as_bytes()));
    let group = client.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), NamedGroup::X25519MLKEM768);
    let chain = client.peer_certificates().unwrap();
    assert_eq!(chain.len(), 2, "pinned clients need the CA's certificate");
    assert_eq!(
        chain[1],
        CertificateDer::from_pem_file(directory.authority()).unwrap()
    );
    assert_eq!(identity.pins().len(), 1);
}

#[test]
fn tls_1_2_only_by_the_switch() {
    let (_keep, directory) = prepare();
    let (identity, _) = Reloader::open(own(&directory), surroundings(start)).unwrap();
    let old = client(&directory, &[&TLS12], &[]);
    let modern = server_config(Arc::clone(&identity), false).unwrap();
    assert!(handshake(&modern, &old).is_err());
    let lenient = server_config(identity, true).unwrap();
    let (client, _) = handshake(&lenient, &old).unwrap();
    assert_eq!(client.protocol_version(), Some(ProtocolVersion::TLSv1_2));
}

#[test]
fn a_client_that_comes_back_resumes_by_its_one_ticket() {
    let (_keep, directory) = prepare();
    let (identity, _) = Reloader::open(own(&directory), surroundings(start)).unwrap();
    let server = server_config(identity, false).unwrap();
    let client = client(&directory, &[&TLS13], &[PROTOCOL]);
    let (first, _) = handshake(&server, &client).unwrap();
    assert_eq!(first.handshake_kind(), Some(HandshakeKind::Full));
    assert_eq!(first.tls13_tickets_received(), 1);
    let (second, _) = handshake(&server, &client).unwrap();
    assert_eq!(second.handshake_kind(), Some(HandshakeKind::Resumed));
}

#[test]
fn a_changed_pair_is_shown_and_half_of_one_is_not() {
    let (_keep, directory) = prepare();
    let (_keep_other, other) = prepare();
    let (identity, mut reloader) = Reloader::open(given(&directory), surroundings(start)).unwrap();
    let server = server_config(Arc::clone(&identity), false).unwrap();
    let before = (shown(&server, &directory), identity.pins());
    assert_eq!(reloader.look(), Changed::No);

    fs::copy(other.server_key(), directory.server_key()).unwrap();
    assert_eq!(reloader.look(), Changed::Refused);
    assert!(reloader.warned.is_some());
    assert_eq!((shown(&server, &directory), identity.pins()), before);
    fs::write(directory.server(), "").unwrap();
    assert_eq!(reloader.look(), Changed::Refused);
    fs::remove_file(directory.server()).unwrap();
    assert_eq!(reloader.look(), Changed::Refused);
    assert_eq!((shown(&server, &directory), identity.pins()), before);

    fs::copy(other.server(), directory.server()).unwrap();
    assert_eq!(reloader.look(), Changed::Reloaded);
    assert_eq!(reloader.warned, None);
    assert_ne!(shown(&server, &other), before.0);
    assert_ne!(identity.pins(), before.1);
    assert_eq!(reloader.look(), Changed::No);
}

#[test]
fn a_running_server_renews_its_own_certificate_in_time() {
    static DAYS: AtomicI64 = AtomicI64::new(0);
    let (_keep, directory) = prepare();
    let clock = || days_ahead(DAYS.load(Ordering::Relaxed));
    let (identity, mut reloader) = Reloader::open(own(&directory), surroundings(clock)).unwrap();
    let before = (identity.pins(), identity.expires());
    DAYS.store(200, Ordering::Relaxed);
    assert_eq!(reloader.look(), Changed::No);
    DAYS.store(300, Ordering::Relaxed);
    assert_eq!(reloader.look(), Changed::Renewed);
    assert_eq!(identity.pins(), before.0, "pinned clients notice nothing");
    assert!(identity.expires() > before.1);
    assert_eq!(reloader.look(), Changed::No);

    // Close to the CA's end a certificate lasts as long as the CA, and another one would be no better.
    DAYS.store(3600, Ordering::Relaxed);
    assert_eq!(reloader.look(), Changed::Renewed);
    DAYS.store(3645, Ordering::Relaxed);
    assert_eq!(reloader.look(), Changed::No);
    assert!(
        reloader
            .warned
            .as_ref()
            .is_some_and(|warning| warning.contains("the CA ends on"))
    );
}

#[test]
fn a_start_renews_what_ran_out_or_was_half_renewed() {
    let (_keep, directory) = prepare();
    let (identity, _) = Reloader::open(own(&directory), surroundings(|| days_ahead(500))).unwrap();
    assert!(identity.expires() > days_ahead(800));

    let (_keep_other, other) = prepare();
    fs::copy(other.server_key(), directory.server_key()).unwrap();
    assert!(
        Reloader::open(given(&directory), surroundings(start)).is_err(),
        "someone's own files are theirs"
    );
    let (again, _) = Reloader::open(own(&directory), surroundings(start)).unwrap();
    assert_eq!(again.pins(), identity.pins());
}

#[test]
fn a_host_that_the_ca_may_not_sign_for_does_not_stop_renewals() {
    let (_keep, directory) = prepare();
    let source = Source::Own {
        directory,
        host: "elsewhere.example".parse().ok(),
    };
    let (identity, _) = Reloader::open(source, surroundings(|| days_ahead(300))).unwrap();
    assert!(identity.expires() > days_ahead(600));
}

#[tokio::test]
async fn the_watch_sees_a_change_and_ends_at_shutdown() {
    let (_keep, directory) = prepare();
    let (_keep_other, other) = prepare();
    let (identity, reloader) = Reloader::open(given(&directory), surroundings(start)).unwrap();
    let before = identity.pins();
    fs::copy(other.server_key(), directory.server_key()).unwrap();
    fs::copy(other.server(), directory.server()).unwrap();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let watch = tokio::spawn(reloader.keep_fresh(std::time::Duration::from_millis(1), shutdown.clone()));
    while identity.pins() == before {
        tokio::task::yield_now().await;
    }
    shutdown.cancel();
    watch.await.unwrap();
}
