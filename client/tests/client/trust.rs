use std::io::Write as _;

use kith_client::{Connection, Error, ServerAddress, Trust, TrustError};
use kith_common::Pin;
use rcgen::{GeneralSubtree, KeyPair, NameConstraints, date_time_ymd};

use crate::support::{Authority, Identity, Server, server_params};

/// What a client that trusts so says of a server that shows this.
async fn visit(identity: &Identity, trust: Trust) -> Result<(), Error> {
    visit_as("127.0.0.1", identity, trust).await
}

async fn visit_as(host: &str, identity: &Identity, trust: Trust) -> Result<(), Error> {
    let server = Server::start(identity).await;
    let address = ServerAddress {
        host: host.to_owned(),
        port: server.address.port,
    };
    let (seen, opened) = tokio::join!(server.accept(), Connection::open(&address, &trust, "test/1"));
    assert_eq!(
        seen.is_some(),
        opened.is_ok(),
        "nothing is said to a server that isn't trusted"
    );
    opened.map(|_| ())
}

async fn refused(identity: &Identity, trust: Trust) -> TrustError {
    match visit(identity, trust).await {
        Err(Error::Trust(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn pinned(pin: Pin) -> Trust {
    Trust::Pins(vec![pin])
}

fn ca_file(pem: &str) -> Trust {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pem.as_bytes()).unwrap();
    Trust::ca_file(file.path()).unwrap()
}

#[tokio::test]
async fn a_pinned_key_is_trusted_as_the_authoritys_or_the_servers() {
    let authority = Authority::new();
    let server = authority.server();
    visit(&server, pinned(authority.pin())).await.unwrap();
    visit(&server, pinned(server.pin())).await.unwrap();
    visit(&server, Trust::Pins(vec![Pin([0; 32]), authority.pin()]))
        .await
        .unwrap();
    let alone = Identity::self_signed();
    visit(&alone, pinned(alone.pin())).await.unwrap();
    visit_as("localhost", &server, pinned(authority.pin()))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_renewed_certificate_is_trusted_by_the_authoritys_pin() {
    let authority = Authority::new();
    let before = authority.server().pin();
    let renewed = authority.server();
    assert_ne!(renewed.pin(), before);
    visit(&renewed, pinned(authority.pin())).await.unwrap();
}

#[tokio::test]
async fn another_authoritys_server_is_refused_loudly() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let error = refused(&theirs.server(), pinned(ours.pin())).await;
    assert_eq!(
        error,
        TrustError::WrongKey {
            presented: theirs.pin()
        }
    );
    assert!(
        error.to_string().contains("not the one that was pinned"),
        "{error}"
    );
    // Neither its age nor its name makes it less alarming.
    let old = theirs.issue(|params| params.not_after = date_time_ymd(2021, 1, 1));
    assert!(matches!(
        refused(&old, pinned(ours.pin())).await,
        TrustError::WrongKey { .. }
    ));
}

#[tokio::test]
async fn the_pinned_certificate_in_a_chain_that_it_did_not_sign_is_no_use() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let mut server = theirs.server();
    server.chain.push(ours.server().chain[1].clone());
    assert!(matches!(
        refused(&server, pinned(ours.pin())).await,
        TrustError::WrongKey { .. }
    ));
    server.chain.swap(1, 2);
    server.chain.pop();
    assert!(matches!(
        refused(&server, pinned(ours.pin())).await,
        TrustError::WrongKey { .. }
    ));
}

#[tokio::test]
async fn the_right_certificates_without_their_key_are_refused() {
    let authority = Authority::new();
    let mut server = authority.server();
    let leaf = server.pin();
    server.key = KeyPair::generate().unwrap();
    assert_eq!(
        refused(&server, pinned(authority.pin())).await,
        TrustError::KeyNotHeld
    );
    assert_eq!(refused(&server, pinned(leaf)).await, TrustError::KeyNotHeld);
    assert_eq!(
        refused(&server, ca_file(&authority.pem())).await,
        TrustError::KeyNotHeld
    );
}

#[tokio::test]
async fn dates_hold_for_server_and_authority() {
    let authority = Authority::new();
    let old = authority.issue(|params| params.not_after = date_time_ymd(2021, 1, 1));
    for trust in [
        pinned(authority.pin()),
        pinned(old.pin()),
        ca_file(&authority.pem()),
        Trust::Public,
    ] {
        let error = refused(&old, trust).await;
        let TrustError::Expired { not_after } = error else {
            panic!("{error:?}")
        };
        assert_eq!(not_after.to_string(), "2021-01-01T00:00:00Z");
        assert!(error.to_string().contains("setup --renew"), "{error}");
    }
    let early = authority.issue(|params| params.not_before = date_time_ymd(2999, 1, 1));
    for trust in [pinned(authority.pin()), pinned(early.pin())] {
        assert!(matches!(
            refused(&early, trust).await,
            TrustError::NotYetValid { .. }
        ));
    }
    let past = Authority::with(|params| params.not_after = date_time_ymd(2021, 1, 1));
    assert!(matches!(
        refused(&past.server(), pinned(past.pin())).await,
        TrustError::Expired { .. }
    ));
}

#[tokio::test]
async fn names_hold_and_the_right_ones_are_told() {
    let authority = Authority::new();
    let server = authority.issue(|params| {
        params.subject_alt_names =
            server_params(&["chat.example", "192.0.2.1", "2001:db8::1"]).subject_alt_names;
    });
    for trust in [
        pinned(authority.pin()),
        pinned(server.pin()),
        ca_file(&authority.pem()),
    ] {
        let error = refused(&server, trust).await;
        let names = ["chat.example", "192.0.2.1", "2001:db8::1"]
            .map(str::to_owned)
            .to_vec();
        let host = "127.0.0.1".to_owned();
        assert_eq!(error, TrustError::WrongName { host, names });
        assert!(
            error.to_string().contains("setup --renew --host 127.0.0.1"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_authority_is_held_to_its_name_constraints() {
    let authority = Authority::with(|params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("chat.example".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    });
    let error = refused(&authority.server(), pinned(authority.pin())).await;
    assert!(matches!(error, TrustError::Invalid(_)), "{error:?}");
}

#[tokio::test]
async fn a_file_of_authorities_is_trusted_and_no_other() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    visit(&ours.server(), ca_file(&ours.pem())).await.unwrap();
    assert_eq!(
        refused(&theirs.server(), ca_file(&ours.pem())).await,
        TrustError::UnknownIssuer
    );
    let mut file = tempfile::NamedTempFile::new().unwrap();
    assert!(
        Trust::ca_file(file.path())
            .unwrap_err()
            .to_string()
            .contains("it holds none")
    );
    file.write_all(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        .unwrap();
    assert!(Trust::ca_file(file.path()).is_err());
}

#[tokio::test]
async fn a_first_contact_tells_the_key_to_ask_about() {
    let authority = Authority::new();
    let server = authority.server();
    assert_eq!(
        refused(&server, Trust::Public).await,
        TrustError::Untrusted { pin: authority.pin() }
    );
    let alone = Identity::self_signed();
    assert_eq!(
        refused(&alone, Trust::Public).await,
        TrustError::Untrusted { pin: alone.pin() }
    );
    // An authority that didn't sign the server's certificate doesn't lend it its name.
    let mut borrowed = Identity::self_signed();
    borrowed.chain.push(server.chain[1].clone());
    assert_eq!(
        refused(&borrowed, Trust::Public).await,
        TrustError::Untrusted { pin: borrowed.pin() }
    );
}
