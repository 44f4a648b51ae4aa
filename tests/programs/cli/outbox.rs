use kith_tests::Server;
use serde_json::json;

use super::{Person, heard, text};
use crate::relay::Relay;

#[tokio::test]
async fn what_is_written_offline_goes_out_with_the_next_command_that_is_online() {
    let mut server = Server::start();
    let relay = Relay::to(server.address).await;
    let alice = Person::registered_at("alice", relay.address, &server.pin).await;
    let bob = Person::registered("bob", &server).await;
    server.kill();

    let queued = alice.asks(&["send", "--no-wait", "bob", "one"]).await;
    let id = queued["queued"].as_u64().unwrap();
    alice.fails(7, &["send", "bob", "two"]).await;
    alice.does_with(&["send", "--no-wait", "bob"], b"three\n").await;
    alice.does(&["send", "--no-wait", "bob", "not", "this"]).await;
    let waiting = alice.lines(&["outbox"]).await;
    assert_eq!(waiting.len(), 4);
    assert_eq!(
        (&waiting[0]["id"], &waiting[0]["state"], &waiting[0]["what"]),
        (
            &json!(id),
            &json!("waiting"),
            &json!("the message \"one\" to bob")
        )
    );
    let last = waiting[3]["id"].to_string();
    assert_eq!(
        alice.does(&["outbox", "discard", &last]).await,
        "Thrown away: the message \"not this\" to bob.\n"
    );
    alice.fails(1, &["outbox", "discard", &last]).await;

    server.restart();
    relay.plug(server.address);
    let told = alice.notes(&["contacts"]).await;
    for said in ["one", "two", "three"] {
        assert!(
            told.contains(&format!("sent now: the message \"{said}\" to bob")),
            "{told}"
        );
    }
    assert_eq!(alice.does(&["outbox"]).await, "");
    let missed = Person::missed(&bob_at(&bob, &server).await).await;
    let texts: Vec<_> = missed.iter().map(text).collect();
    assert_eq!(texts, [("alice", "one"), ("alice", "two"), ("alice", "three")]);
}

/// Bob, who logs in anew because the server is at another address now.
async fn bob_at(bob: &Person, server: &Server) -> Person {
    let there = Person::new();
    let address = server.address.to_string();
    there
        .does(&["login", "bob", "--server", &address, "--pin", &server.pin])
        .await;
    assert!(bob.home.path().exists());
    there
}

#[tokio::test]
async fn what_is_refused_later_is_named_and_kept() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    alice
        .does(&["send", "--no-wait", "nobody", "are you there"])
        .await;
    let told = alice.notes(&["status"]).await;
    assert!(
        told.contains("not sent: the message \"are you there\" to nobody: there is no user of this name"),
        "{told}"
    );
    let outbox = alice.lines(&["outbox"]).await;
    assert_eq!(outbox[0]["state"], "refused");
    let id = outbox[0]["id"].to_string();
    let status = alice.asks(&["status"]).await;
    assert_eq!((&status["refused"], &status["online"]), (&json!(1), &json!(true)));
    // It isn't lost with the session.
    let told = alice.fails(1, &["logout"]).await;
    assert!(
        told.contains("are you there") && told.contains("--force"),
        "{told}"
    );
    alice.fails(1, &["outbox", "retry", &id]).await;
    Person::registered("nobody", &server).await;
    alice.does(&["outbox", "retry", &id]).await;
    assert_eq!(alice.does(&["outbox"]).await, "");
    alice.does(&["logout"]).await;
}

#[tokio::test]
async fn messages_are_sent_while_the_same_account_listens() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let bob = Person::registered("bob", &server).await;
    let mut own = alice.listens();
    let mut others = bob.listens();
    for number in 1..=5_u64 {
        let sent = alice.asks(&["send", "bob", &number.to_string()]).await;
        assert_eq!(sent["number"], number);
        for listener in [&mut own, &mut others] {
            assert_eq!(text(&heard(listener).await), ("alice", &*number.to_string()));
        }
    }
    assert!(own.stop().await.0.success());
    assert!(others.stop().await.0.success());
}
