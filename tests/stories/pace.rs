//! Clients that send faster than they read.

use kith_tests::{Raw, Server};
use serde_json::{Value, json};

use crate::requests::{login, message, sync, with};

/// So many messages of so many bytes are far more than the queue and the system's buffers hold.
const MESSAGES: u64 = 200;
const LENGTH: usize = 60_000;

/// A server whose queues are as short as they can be.
fn server_with_short_queues() -> Server {
    Server::builder()
        .set("KITH_LIMITS__QUEUE_BYTES", "262144")
        .start()
}

fn text(number: u64) -> String {
    format!("{number:06} {}", "x".repeat(LENGTH))
}

/// Alice sends it all to Bob, and all of it is acknowledged.
async fn flood(alice: &mut Raw) {
    for number in 1..=MESSAGES {
        let sent = alice.say("bob", &text(number)).await;
        assert_eq!(sent["number"], number);
    }
}

#[tokio::test]
async fn five_hundred_messages_at_once_are_answered_in_order() {
    let server = Server::start();
    let mut bob = server.native_user("bob").await;
    let mut alice = server.native_user("alice").await;
    let request = |id: u64| match id % 100 {
        // Other requests keep their place among them, good ones and bad ones.
        50 => json!({"action": "ping", "id": id}),
        70 => json!({"action": "message", "receiver": "nobody", "content": "hi", "id": id}),
        90 => json!({"action": "message", "id": id}),
        _ => with(message("bob", &format!("message {id}")), "id", id),
    };
    let burst: String = (0..500).map(|id| format!("{}\n", request(id))).collect();
    alice.send_bytes(burst.as_bytes()).await;
    let mut number = 0;
    for id in 0..500 {
        let reply = alice.receive().await;
        assert_eq!(reply["id"], id);
        match id % 100 {
            50 => assert_eq!(reply["status"], "ok"),
            70 => assert_eq!(reply["error"]["code"], "not_found"),
            90 => assert_eq!(reply["error"]["field"], "content"),
            _ => {
                number += 1;
                assert_eq!(reply["number"], number);
            }
        }
    }
    for expected in 1..=number {
        assert_eq!(bob.event("message").await["number"], expected);
    }
    bob.nothing().await;
}

#[tokio::test]
async fn who_falls_behind_is_told_and_finds_everything_in_the_log() {
    let server = server_with_short_queues();
    let mut alice = server.user("alice").await;
    let mut bob = server.connect_narrow().await;
    bob.hello().await;
    bob.register("bob").await;
    bob.login("bob").await;
    flood(&mut alice).await;

    // What fitted comes in order, then the word that there is more.
    let mut held = 0;
    let mut conversation = Value::Null;
    loop {
        let event = bob.receive().await;
        if event == json!({"event": "behind"}) {
            break;
        }
        if event["event"] == "message" {
            held += 1;
            assert_eq!(event["number"], held);
            conversation = event["conversation"].clone();
        }
    }
    assert!(held < MESSAGES, "the server kept all of it in memory");
    while held < MESSAGES {
        let id = conversation.as_str().unwrap();
        let reply = bob.ok_after_events(sync(json!({id: held}))).await;
        let logs = reply["logs"].as_array().unwrap();
        let page = logs.iter().find(|log| log["conversation"] == id).unwrap();
        for event in page["events"].as_array().unwrap() {
            held += 1;
            assert_eq!(event["number"], held);
            assert_eq!(event["body"]["content"], text(held));
        }
    }
    // From here on it is live again.
    alice.say("bob", "live").await;
    while bob.event("message").await["number"] != MESSAGES + 1 {}
}

#[tokio::test]
async fn a_simple_client_that_reads_late_gets_everything_in_order() {
    let server = server_with_short_queues();
    let mut alice = server.user("alice").await;
    let mut bob = server.connect_narrow().await;
    bob.register("bob").await;
    bob.login("bob").await;
    flood(&mut alice).await;
    for number in 1..=MESSAGES {
        assert_eq!(bob.hear().await.1, text(number));
    }
    alice.say("bob", "live").await;
    assert_eq!(bob.hear().await.1, "live");
    bob.nothing().await;
}

/// One that doesn't read its replies is read no further; nobody else is slower for it.
#[tokio::test]
async fn who_does_not_read_replies_is_heard_no_further() {
    let server = server_with_short_queues();
    let mut alice = server.user("alice").await;
    let mut bob = server.user("bob").await;
    let mut deaf = server.connect_narrow().await;
    deaf.register("mallory").await;
    deaf.ok(login("mallory", kith_tests::PASSWORD)).await;
    let id = "i".repeat(120);
    let burst = format!("{}\n", json!({"action": "ping", "id": id})).repeat(1000);
    let mut sent: u64 = 0;
    // The sign that the server has stopped reading: for a second it takes nothing more.
    while tokio::time::timeout(
        std::time::Duration::from_secs(1),
        deaf.send_bytes(burst.as_bytes()),
    )
    .await
    .is_ok()
    {
        sent += 1000;
        assert!(sent < 1_000_000, "the server reads on and on");
        alice.say("bob", "meanwhile").await;
        bob.hear().await;
    }
    alice.say("bob", "afterwards").await;
    bob.hear().await;
    // It answers all that it took, once that is read.
    for _ in 0..sent {
        assert_eq!(deaf.receive().await["status"], "ok");
    }
}
