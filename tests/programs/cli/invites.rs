use kith_tests::{PASSWORD, Server};
use serde_json::Value;

use super::Person;
use crate::relay::Relay;

#[tokio::test]
async fn a_link_is_all_that_a_new_person_needs() {
    // The links name an address that has to be known before the server listens.
    let relay = Relay::to(([127, 0, 0, 1], 0).into()).await;
    let host = relay.address.to_string();
    let server = Server::builder().registration("invite").host(&host).start();
    relay.plug(server.address);

    let alice = Person::new();
    // What a shell makes of a link without quotes.
    let (cut, _) = server.admin_link.split_once('&').unwrap();
    let told = alice.fails(2, &["register", "alice", "--invite", cut]).await;
    assert!(told.contains("put it in quotes"), "{told}");
    let said = alice
        .does(&["register", "alice", "--invite", &server.admin_link])
        .await;
    assert_eq!(said, format!("Logged in as alice at {host}.\n"));
    let users = server.must(&["user", "list"]);
    let line: Vec<&str> = users.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(line[..3], ["alice", "active", "yes"], "{users}");

    // The administrator's link has worked once, and setup makes no second one.
    let bob = Person::new();
    let told = bob
        .fails(1, &["register", "bob", "--invite", &server.admin_link])
        .await;
    assert!(told.contains("invite"), "{told}");
    let again = server.must(&["setup"]);
    let plain = format!("clients connect to kith://{host}/#pin={}\n", server.pin);
    assert!(again.ends_with(&plain), "{again}");

    let link = server.must(&["invite"]);
    bob.does(&["register", "bob", "--server", link.trim()]).await;
    bob.does(&["send", "alice", "thank you"]).await;
    assert_eq!(
        alice.missed().await[0]["body"]["content"],
        Value::from("thank you")
    );
    let users = server.must(&["user", "list"]);
    let line = users.lines().find(|line| line.starts_with("bob ")).unwrap();
    assert!(!line.contains("yes"), "{users}");
}

#[tokio::test]
async fn without_an_invite_nobody_is_asked_for_a_password() {
    let server = Server::builder().registration("invite").start();
    let eve = Person::new();
    let address = server.address.to_string();
    let known = ["--server", &address, "--pin", &server.pin];
    let told = eve.fails(1, &[&["register", "eve"], &known[..]].concat()).await;
    assert!(told.contains("wants an invite"), "{told}");
    let told = eve
        .fails(
            1,
            &[&["register", "eve", "--invite", "no-such-code"], &known[..]].concat(),
        )
        .await;
    assert!(told.contains("invite"), "{told}");

    let server = Server::builder().registration("closed").start();
    let address = server.address.to_string();
    let told = eve
        .fails(
            1,
            &["register", "eve", "--server", &address, "--pin", &server.pin],
        )
        .await;
    assert!(told.contains("no new accounts"), "{told}");
    assert!(!server.log().contains(PASSWORD));
}
