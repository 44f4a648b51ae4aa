//! Servers that pose as the one that a person knows. `kith-cli` refuses each, and not a byte of a password is sent.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use jiff::{Timestamp, ToSpan as _};
use kith_server::certs::{self, CertDirectory, Machine, Request};
use kith_server::random::SystemRandomness;
use kith_tests::Server;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::cli::Person;
use crate::relay::Relay;

/// A person who knows a server, and the wire between them.
struct Story {
    server: Server,
    relay: Relay,
    alice: Person,
}

/// Takes one connection with certificates and a key that need not belong together.
struct Impostor {
    address: SocketAddr,
    /// What the handshake led to.
    outcome: JoinHandle<Result<(), String>>,
}

impl Story {
    async fn begin() -> Self {
        Self::with(Server::start()).await
    }

    async fn with(server: Server) -> Self {
        let relay = Relay::to(server.address).await;
        let alice = Person::registered_at("alice", relay.address, &server.pin).await;
        Self { server, relay, alice }
    }

    /// What `kith-cli` says when somebody else answers: with a password to send, and with a token.
    async fn refuses(&self, chain: &CertDirectory, key: &CertDirectory, reason: &str) {
        for arguments in [&["login", "alice"][..], &["send", "bob", "a secret"]] {
            let impostor = Impostor::start(chain, key).await;
            self.relay.plug(impostor.address);
            let told = self.alice.fails(4, arguments).await;
            assert!(told.contains(reason), "{told}");
            // Without a handshake there is nothing that a request could have been sent through.
            let outcome = impostor.outcome.await.unwrap();
            let alert = outcome.expect_err("the handshake was completed");
            assert!(alert.contains("fatal alert"), "{alert}");
        }
        // And nothing was forgotten or believed. The message waits for the right server, or for its author.
        self.alice.does(&["outbox", "discard", "1"]).await;
        self.relay.plug(self.server.address);
        self.alice.does(&["contacts"]).await;
    }

    fn certificates(&self) -> CertDirectory {
        CertDirectory::new(self.server.data().join("certs"))
    }
}

impl Impostor {
    async fn start(chain: &CertDirectory, key: &CertDirectory) -> Self {
        let chain = CertificateDer::pem_file_iter(chain.server()).unwrap();
        let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let key = PrivateKeyDer::from_pem_file(key.server_key()).unwrap();
        let key = provider.key_provider.load_private_key(key).unwrap();
        // `CertifiedKey::new` doesn't ask whether the two belong together.
        let resolver = SingleCertAndKey::from(CertifiedKey::new(chain, key));
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![b"kith/1".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let outcome = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = TlsAcceptor::from(Arc::new(config));
            acceptor.accept(stream).await.map(drop).map_err(|e| e.to_string())
        });
        Self { address, outcome }
    }
}

/// Copies the files of a folder into another.
pub(crate) fn copy_files(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// Runs `work` with what makes certificates at another time.
pub(crate) fn at<T>(now: Timestamp, work: impl FnOnce(&Request<'_>) -> T) -> T {
    let (machine, random) = (Machine::detect(), SystemRandomness::new());
    work(&Request {
        hosts: &[],
        machine: &machine,
        now,
        random: &random,
    })
}

#[tokio::test]
async fn the_right_certificates_without_their_key() {
    let story = Story::begin().await;
    let others = tempfile::tempdir().unwrap();
    let others = CertDirectory::new(others.path());
    at(Timestamp::now(), |request| certs::prepare(&others, request)).unwrap();
    story
        .refuses(
            &story.certificates(),
            &others,
            "the server shows certificates whose key it doesn't hold",
        )
        .await;
}

#[tokio::test]
async fn an_expired_certificate_from_the_pinned_authority() {
    // Made 400 days ago: the certificate has ended, its authority goes on for years.
    let old = tempfile::tempdir().unwrap();
    let old = CertDirectory::new(old.path());
    let then = Timestamp::now() - (400 * 24).hours();
    at(then, |request| certs::prepare(&old, request)).unwrap();

    // The server of that authority has renewed its certificate.
    let mut server = Server::start();
    server.stop();
    copy_files(old.path(), &server.data().join("certs"));
    server.restart();
    let story = Story::with(server).await;
    story
        .refuses(&old, &old, "the server's certificate expired on")
        .await;
}

#[tokio::test]
async fn another_authoritys_certificate_for_the_same_names() {
    let story = Story::begin().await;
    let others = tempfile::tempdir().unwrap();
    let others = CertDirectory::new(others.path());
    at(Timestamp::now(), |request| certs::prepare(&others, request)).unwrap();
    story
        .refuses(
            &others,
            &others,
            "The server's key is not the one that was pinned!",
        )
        .await;
    // Another whole server is no better.
    let other = Server::start();
    story.relay.plug(other.address);
    let told = story.alice.fails(4, &["login", "alice"]).await;
    assert!(told.contains(&format!("It shows {}", other.pin)), "{told}");
    assert!(!other.log().contains("alice"));
}
