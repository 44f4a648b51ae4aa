use std::collections::BTreeSet;

use kith_tests::Server;
use serde_json::Value;

use super::{Person, heard, is_of_a_conversation, text};
use crate::relay::Relay;

#[tokio::test]
async fn positions_are_kept_between_runs() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let bob = Person::registered("bob", &server).await;
    alice.does(&["send", "bob", "one"]).await;
    alice.does(&["send", "bob", "two"]).await;

    let mut listener = bob.listens();
    for expected in ["one", "two"] {
        assert_eq!(text(&heard(&mut listener).await), ("alice", expected));
    }
    alice.does(&["send", "bob", "three"]).await;
    assert_eq!(text(&heard(&mut listener).await), ("alice", "three"));
    let (status, rest) = listener.stop().await;
    assert!(status.success());
    assert_eq!(rest, Vec::<String>::new());

    alice.does(&["send", "bob", "four"]).await;
    let missed = bob.missed().await;
    assert_eq!(missed.iter().map(text).collect::<Vec<_>>(), [("alice", "four")]);
    assert_eq!(missed[0]["number"], 4);
    let mut listener = bob.listens();
    alice.does(&["send", "bob", "five"]).await;
    assert_eq!(text(&heard(&mut listener).await), ("alice", "five"));
}

#[tokio::test]
async fn nothing_is_lost_or_comes_twice_when_the_server_restarts() {
    let mut server = Server::start();
    let relay = Relay::to(server.address).await;
    let alice = Person::registered_at("alice", relay.address, &server.pin).await;
    let bob = Person::registered_at("bob", relay.address, &server.pin).await;
    let mut listener = bob.listens();
    alice.does(&["send", "bob", "1"]).await;
    assert_eq!(text(&heard(&mut listener).await), ("alice", "1"));

    // Once in peace, once by a crash. Each time there is something to catch up with, and something live afterwards.
    let mut number = 1;
    for crash in [false, true] {
        if crash {
            server.kill();
        } else {
            assert!(server.stop().success());
        }
        server.restart();
        let mut sender = server.login("alice").await;
        for _ in 0..60 {
            number += 1;
            sender.say("bob", &number.to_string()).await;
        }
        sender.leave().await;
        relay.plug(server.address);
        for expected in number - 59..=number {
            assert_eq!(
                text(&heard(&mut listener).await),
                ("alice", &*expected.to_string())
            );
        }
        number += 1;
        alice.does(&["send", "bob", &number.to_string()]).await;
        assert_eq!(text(&heard(&mut listener).await), ("alice", &*number.to_string()));
    }
    assert!(listener.stop().await.0.success());
    assert_eq!(bob.missed().await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_comes_while_the_server_restarts_under_load_comes_once() {
    let mut server = Server::start();
    let relay = Relay::to(server.address).await;
    let bob = Person::registered_at("bob", relay.address, &server.pin).await;
    let mut listener = bob.listens();
    let mut sender = server.user("alice").await;
    let mut acknowledged = BTreeSet::new();
    // The server is killed with messages on their way: what it acknowledged arrives, and nothing arrives twice.
    for number in 0..200 {
        sender
            .send(
                serde_json::json!({"action": "message", "receiver": "bob", "content": number.to_string(),
                "client_id": number.to_string(), "id": number}),
            )
            .await;
        if number == 120 {
            server.kill();
            break;
        }
    }
    while let Some(reply) = sender.next().await {
        assert_eq!(reply["status"], "ok", "{reply}");
        acknowledged.insert(reply["id"].to_string());
    }
    server.restart();
    let mut sender = server.login("alice").await;
    sender.say("bob", "last").await;
    relay.plug(server.address);
    let mut seen = Vec::new();
    loop {
        let event = heard(&mut listener).await;
        assert!(is_of_a_conversation(&event));
        match text(&event).1 {
            "last" => break,
            content => seen.push(content.to_owned()),
        }
    }
    let once: BTreeSet<_> = seen.iter().cloned().collect();
    assert_eq!(once.len(), seen.len(), "something came twice: {seen:?}");
    assert!(acknowledged.is_subset(&once), "{acknowledged:?} {seen:?}");
    assert!(listener.stop().await.0.success());
}
