//! A new certificate on a running server, which nobody has to notice.

use std::time::Duration;

use jiff::Timestamp;
use kith_server::certs::{self, CertDirectory};
use kith_tests::{PATIENCE, Server};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::TLS13;
use tokio::time::{interval, timeout};

use crate::cli::{Person, heard};
use crate::tls::{client, handshake};
use crate::trust::{at, copy_files};

/// The certificate that a new connection is shown.
async fn shown(server: &Server) -> CertificateDer<'static> {
    let stream = handshake(server, &client(server, &[&TLS13], &[])).await.unwrap();
    let chain = stream.get_ref().1.peer_certificates().unwrap();
    chain[0].clone().into_owned()
}

/// Waits until new connections are shown this certificate.
async fn until_shown(server: &Server, certificate: &CertificateDer<'_>) {
    let look = async {
        // How often to look; the server looks at its files every ten seconds.
        let mut often = interval(Duration::from_millis(100));
        while shown(server).await != *certificate {
            often.tick().await;
        }
    };
    timeout(PATIENCE, look)
        .await
        .expect("the certificate was not picked up");
}

fn on_disk(server: &Server) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(server.data().join("certs/server.pem")).unwrap()
}

#[tokio::test]
async fn a_renewed_certificate_is_picked_up_and_pinned_clients_go_on() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let bob = Person::registered("bob", &server).await;
    let mut listener = bob.listens();
    alice.does(&["send", "bob", "before"]).await;
    assert_eq!(heard(&mut listener).await["body"]["content"], "before");
    let old = shown(&server).await;

    let printed = server.must(&["setup", "--renew"]);
    assert!(printed.contains(&server.pin), "{printed}");
    let new = on_disk(&server);
    assert_ne!(old, new);
    until_shown(&server, &new).await;

    // The old connection lives, new ones trust the new certificate by the old pin, with no question asked.
    alice.does(&["send", "bob", "after"]).await;
    assert_eq!(heard(&mut listener).await["body"]["content"], "after");
    let carol = Person::registered("carol", &server).await;
    carol.does(&["send", "bob", "new here"]).await;
    assert_eq!(heard(&mut listener).await["body"]["content"], "new here");
}

#[tokio::test]
async fn a_pair_that_does_not_fit_is_not_shown() {
    let server = Server::start();
    let old = shown(&server).await;
    let new = tempfile::tempdir().unwrap();
    let new = CertDirectory::new(new.path());
    let certs = CertDirectory::new(server.data().join("certs"));
    copy_files(certs.path(), new.path());
    at(Timestamp::now(), |request| certs::renew(&new, request)).unwrap();

    // Half of a change, as somebody who copies files by hand makes it, and then the other half.
    std::fs::copy(new.server(), certs.server()).unwrap();
    let refused = async {
        let mut often = interval(Duration::from_millis(100));
        while !server.log().contains("certificate files are not usable") {
            often.tick().await;
        }
    };
    timeout(PATIENCE, refused).await.expect("nothing was logged");
    assert_eq!(shown(&server).await, old);
    std::fs::copy(new.server_key(), certs.server_key()).unwrap();
    until_shown(&server, &on_disk(&server)).await;
}
