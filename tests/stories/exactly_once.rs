//! A write that is sent twice takes effect once, and its second reply equals the first.

use kith_tests::{Raw, Server};
use serde_json::{Value, json};

use crate::requests::{contacts, file, list_contacts, message, message_into, sync, with};

fn keyed(request: Value, key: &str) -> Value {
    with(request, "client_id", key)
}

/// Requests sent in one burst, and the replies in their order.
async fn burst(raw: &mut Raw, requests: &[Value]) -> Vec<Value> {
    let text: String = requests.iter().map(|request| format!("{request}\n")).collect();
    raw.send_bytes(text.as_bytes()).await;
    let mut replies = Vec::new();
    for _ in requests {
        replies.push(raw.receive().await);
    }
    replies
}

fn code(reply: &Value) -> &str {
    reply["error"]["code"].as_str().unwrap_or("ok")
}

#[tokio::test]
async fn a_message_that_is_sent_again_is_there_once() {
    let mut server = Server::start();
    let mut bob = server.user("bob").await;
    let mut alice = server.native_user("alice").await;
    let hi = keyed(message("bob", "hi"), "m-1");
    let first = alice.ok(hi.clone()).await;
    assert_eq!(alice.ok(hi.clone()).await, first);
    // By the conversation's id it is the same message.
    let by_id = keyed(message_into(&first["conversation"], "hi"), "m-1");
    assert_eq!(alice.ok(by_id).await, first);
    // Also on another connection, as a simple client, after a new login, and after a crash.
    assert_eq!(server.native_login("alice").await.ok(hi.clone()).await, first);
    assert_eq!(server.login("alice").await.ok(hi.clone()).await, first);
    assert_eq!(bob.hear().await.1, "hi");
    bob.nothing().await;
    bob.leave().await;
    server.kill();
    server.restart();
    assert_eq!(server.native_login("alice").await.ok(hi).await, first);
    server.login("bob").await.nothing().await;
}

#[tokio::test]
async fn a_key_belongs_to_what_it_was_used_for() {
    let server = Server::start();
    let mut bob = server.user("bob").await;
    server.user("carol").await;
    let mut alice = server.native_user("alice").await;
    alice.ok(keyed(message("bob", "hi"), "key")).await;
    for other in [
        message("bob", "ho"),
        message("carol", "hi"),
        file("bob", "hi", b"hi"),
        contacts("add", "bob"),
    ] {
        assert_eq!(
            alice.error(keyed(other.clone(), "key")).await,
            "conflict",
            "{other}"
        );
    }
    alice.ok(keyed(contacts("add", "bob"), "contact")).await;
    assert_eq!(
        alice.error(keyed(contacts("add", "carol"), "contact")).await,
        "conflict"
    );
    assert_eq!(
        alice.error(keyed(message("bob", "add"), "contact")).await,
        "conflict"
    );
    assert_eq!(alice.ok(list_contacts()).await["contacts"], json!(["bob"]));
    // Bob's keys are his own.
    assert_eq!(bob.hear().await.1, "hi");
    bob.ok(keyed(message("alice", "other"), "key")).await;
    assert_eq!(alice.event("message").await["body"]["content"], "other");
    for bad in ["", &"x".repeat(129), "nul\u{0}"] {
        let error = alice.refusal(keyed(message("bob", "hi"), bad)).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("bad_request"), &json!("client_id"))
        );
    }
    bob.nothing().await;
}

#[tokio::test]
async fn a_burst_with_repeats_takes_effect_once() {
    let server = Server::start();
    let mut bob = server.user("bob").await;
    let mut carol = server.user("carol").await;
    let mut alice = server.native_user("alice").await;
    // The conversations exist, so that all of the burst goes into one transaction.
    alice.say("bob", "first").await;
    alice.say("carol", "first").await;
    let replies = burst(
        &mut alice,
        &[
            keyed(message("bob", "hi"), "one"),
            keyed(message("bob", "hi"), "one"),
            keyed(message("bob", "ho"), "one"),
            keyed(message("carol", "hi"), "one"),
            message("bob", "hi"),
            keyed(message("bob", "hi"), "two"),
            keyed(message("bob", "hi"), "one"),
        ],
    )
    .await;
    let codes: Vec<&str> = replies.iter().map(code).collect();
    assert_eq!(codes, ["ok", "ok", "conflict", "conflict", "ok", "ok", "ok"]);
    let numbers: Vec<&Value> = replies.iter().map(|reply| &reply["number"]).collect();
    assert_eq!(
        numbers,
        [
            &json!(2),
            &json!(2),
            &json!(null),
            &json!(null),
            &json!(3),
            &json!(4),
            &json!(2)
        ]
    );
    assert_eq!(replies[0], replies[1]);
    assert_eq!(replies[0], replies[6]);
    for expected in ["first", "hi", "hi", "hi"] {
        assert_eq!(bob.hear().await.1, expected);
    }
    assert_eq!(carol.hear().await.1, "first");
    for raw in [&mut bob, &mut carol] {
        raw.nothing().await;
    }
}

#[tokio::test]
async fn two_connections_that_send_the_same_at_once_get_the_same_answer() {
    let server = Server::start();
    let mut bob = server.user("bob").await;
    let mut phone = server.native_user("alice").await;
    let mut desktop = server.native_login("alice").await;
    phone.event("device").await;
    let hi = keyed(message("bob", "hi"), "both");
    phone.send(hi.clone()).await;
    desktop.send(hi).await;
    let mut replies = Vec::new();
    for raw in [&mut phone, &mut desktop] {
        // The one that came second may hear of the other's message first.
        loop {
            let line = raw.receive().await;
            if line["status"] == "ok" {
                replies.push(line);
                break;
            }
            assert!(line["event"].is_string(), "{line}");
        }
    }
    assert_eq!(replies[0], replies[1]);
    assert_eq!(bob.hear().await.1, "hi");
    bob.nothing().await;
}

#[tokio::test]
async fn expect_lets_one_of_two_writers_through() {
    let server = Server::start();
    let mut bob = server.native_user("bob").await;
    let mut alice = server.native_user("alice").await;
    let expecting = |number: u64| with(message("bob", "next"), "expect", number);
    assert_eq!(alice.error(expecting(2)).await, "conflict");
    assert_eq!(alice.ok(expecting(1)).await["number"], 1);
    assert_eq!(alice.error(expecting(1)).await, "conflict");
    assert_eq!(alice.error(expecting(u64::MAX)).await, "conflict");
    let replies = burst(
        &mut alice,
        &[
            expecting(2),
            expecting(2),
            message("bob", "free"),
            expecting(3),
            expecting(4),
        ],
    )
    .await;
    let codes: Vec<&str> = replies.iter().map(code).collect();
    assert_eq!(codes, ["ok", "conflict", "ok", "conflict", "ok"]);
    // A repeat isn't a second try.
    let once = keyed(expecting(5), "once");
    let first = alice.ok(once.clone()).await;
    assert_eq!(alice.ok(once).await, first);
    let held = bob.ok_after_events(sync(json!({}))).await;
    let log = held["logs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|log| log["conversation"] == first["conversation"]);
    assert_eq!(log.unwrap()["newest"], 5);
}

#[tokio::test]
async fn a_repeat_gets_its_answer_though_things_have_changed() {
    let server = Server::start();
    let mut bob = server.user("bob").await;
    let mut alice = server.native_user("alice").await;
    let hi = keyed(message("bob", "hi"), "m-1");
    let picture = keyed(file("bob", "a.png", &[0, 159, 146, 150]), "f-1");
    let (first, first_file) = (alice.ok(hi.clone()).await, alice.ok(picture.clone()).await);
    bob.ok_after_events(contacts("block", "alice")).await;
    assert_eq!(alice.ok(hi).await, first, "it did arrive, before the block");
    assert_eq!(alice.ok(picture).await, first_file);
    assert_eq!(alice.error(keyed(message("bob", "hi"), "m-2")).await, "blocked");
}

#[tokio::test]
async fn a_file_that_is_sent_again_is_there_once() {
    let server = Server::start();
    let mut bob = server.user("bob").await;
    let mut alice = server.native_user("alice").await;
    let picture = keyed(file("bob", "a.png", &[0, 159, 146, 150]), "f-1");
    let first = alice.ok(picture.clone()).await;
    assert_eq!(alice.ok(picture.clone()).await, first);
    assert_eq!(
        burst(&mut alice, &[picture.clone(), picture]).await,
        [first.clone(), first]
    );
    assert_eq!(
        alice
            .error(keyed(file("bob", "b.png", &[0, 159, 146, 150]), "f-1"))
            .await,
        "conflict"
    );
    assert_eq!(
        alice
            .error(keyed(file("bob", "a.png", &[0, 159, 146]), "f-1"))
            .await,
        "conflict"
    );
    assert_eq!(bob.receive().await["event"], "file");
    bob.nothing().await;
    let files = std::fs::read_dir(server.data().join("blobs")).unwrap().count();
    assert_eq!(files, 1, "the bytes of a repeat are not kept");
}
