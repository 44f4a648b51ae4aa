//! How far somebody has received and read a conversation.

use kith_tests::{Raw, Server};
use serde_json::{Value, json};

use crate::requests::{contacts, mark, message_into, set_profile, sync, with};

/// Alice and Bob, and a conversation with five messages of Alice's.
async fn five(server: &Server) -> (Raw, Raw, Value) {
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    let conversation = alice.say("bob", "one").await["conversation"].clone();
    for text in ["two", "three", "four", "five"] {
        alice.ok(message_into(&conversation, text)).await;
    }
    while bob.event("message").await["number"] != 5 {}
    (alice, bob, conversation)
}

fn notice(conversation: &Value, delivered: u64, read: u64) -> Value {
    json!({"event": "mark", "conversation": conversation, "username": "bob", "delivered": delivered, "read": read})
}

fn marks(delivered: u64, read: u64) -> Value {
    json!({"status": "ok", "delivered": delivered, "read": read})
}

#[tokio::test]
async fn marks_reach_the_other_one_and_ones_own_devices() {
    let server = Server::start();
    let (mut alice, mut bob, c) = five(&server).await;
    let mut script = server.login("alice").await;
    let mut phone = server.native_login("bob").await;
    bob.event("device").await;
    assert_eq!(bob.ok(mark(&c, json!({"delivered": 3}))).await, marks(3, 0));
    assert_eq!(
        bob.ok(mark(&c, json!({"delivered": 4, "read": 2}))).await,
        marks(4, 2)
    );
    for raw in [&mut alice, &mut phone] {
        assert_eq!(raw.receive().await, notice(&c, 3, 0));
        assert_eq!(raw.receive().await, notice(&c, 4, 2));
    }
    // What was read was received.
    assert_eq!(phone.ok(mark(&c, json!({"read": 5}))).await, marks(5, 5));
    assert_eq!(alice.receive().await, notice(&c, 5, 5));
    assert_eq!(bob.receive().await, notice(&c, 5, 5));
    // Simple clients know no marks, and whoever marks has the reply.
    script.nothing().await;
    phone.nothing().await;
}

#[tokio::test]
async fn marks_never_go_back_nor_beyond_the_end() {
    let server = Server::start();
    let (mut alice, mut bob, c) = five(&server).await;
    bob.ok(mark(&c, json!({"read": 3}))).await;
    assert_eq!(alice.receive().await, notice(&c, 3, 3));
    for back in [
        json!({"read": 2}),
        json!({"delivered": 1}),
        json!({"read": 0, "delivered": 3}),
        json!({"read": 3}),
    ] {
        assert_eq!(bob.ok(mark(&c, back)).await, marks(3, 3));
    }
    alice.nothing().await;
    assert_eq!(
        bob.ok(mark(&c, json!({"delivered": u64::MAX}))).await,
        marks(5, 3)
    );
    assert_eq!(alice.receive().await, notice(&c, 5, 3));
    assert_eq!(bob.ok(mark(&c, json!({"read": 4711}))).await, marks(5, 5));
    assert_eq!(alice.receive().await, notice(&c, 5, 5));
    // They survive a restart, and cost the log no number.
    let mut server = server;
    server.kill();
    server.restart();
    let mut bob = server.native_login("bob").await;
    assert_eq!(bob.ok(mark(&c, json!({"read": 1}))).await, marks(5, 5));
    assert_eq!(bob.ok(message_into(&c, "six")).await["number"], 6);
}

#[tokio::test]
async fn marks_that_cannot_be_set() {
    let server = Server::start();
    let (_alice, mut bob, c) = five(&server).await;
    let error = bob.refusal(mark(&c, json!({}))).await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("bad_request"), &json!("read"))
    );
    let error = bob.refusal(mark(&c, json!({"read": -1}))).await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("bad_request"), &json!("read"))
    );
    let mut eve = server.connect_native().await;
    assert_eq!(eve.error(mark(&c, json!({"read": 1}))).await, "not_logged_in");
    eve.register("eve").await;
    let own = eve.login("eve").await["account"].clone();
    for conversation in [&c, &own, &json!("nothing")] {
        let error = eve.refusal(mark(conversation, json!({"read": 1}))).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("not_found"), &json!("conversation"))
        );
    }
}

#[tokio::test]
async fn who_is_blocked_sees_no_marks() {
    let server = Server::start();
    let (mut alice, mut bob, c) = five(&server).await;
    let mut phone = server.native_login("bob").await;
    bob.event("device").await;
    bob.ok(contacts("block", "alice")).await;
    phone.event("contact").await;
    assert_eq!(bob.ok(mark(&c, json!({"read": 5}))).await, marks(5, 5));
    assert_eq!(phone.receive().await, notice(&c, 5, 5), "one's own devices do");
    assert_eq!(alice.ok(mark(&c, json!({"read": 5}))).await, marks(5, 5));
    alice.nothing().await;
    bob.nothing().await;
}

#[tokio::test]
async fn what_was_seen_before_a_block_stays_as_it_was() {
    let server = Server::start();
    let (mut alice, mut bob, c) = five(&server).await;
    let everything = || with(sync(json!({})), "since", 0);
    let of_bob = |reply: &Value| -> Value {
        let marks = reply["marks"].as_array().cloned().unwrap_or_default();
        marks.into_iter().find(|mark| mark["username"] == "bob").unwrap()
    };
    let mark_of_bob = |delivered: u64, read: u64| json!({"conversation": c, "username": "bob", "delivered": delivered, "read": read});
    bob.ok(mark(&c, json!({"delivered": 3, "read": 2}))).await;
    bob.ok(contacts("block", "alice")).await;
    bob.ok(mark(&c, json!({"read": 5}))).await;
    // So it is the same for who held it already and for a new device.
    let first = alice.ok_after_events(everything()).await;
    assert_eq!(of_bob(&first), mark_of_bob(3, 2));
    assert_eq!(
        of_bob(&bob.ok(everything()).await),
        mark_of_bob(5, 5),
        "one's own are complete"
    );
    alice.ok(contacts("block", "bob")).await;
    bob.ok(contacts("unblock", "alice")).await;
    let still = alice.ok_after_events(everything()).await;
    assert_eq!(of_bob(&still), mark_of_bob(3, 2), "alice blocks still");
    alice.send(contacts("unblock", "bob")).await;
    let told = [alice.receive().await, alice.receive().await];
    assert!(
        told.contains(&with(mark_of_bob(5, 5), "event", "mark")),
        "{told:?}"
    );
    let since = with(sync(json!({})), "since", first["since"].clone());
    assert_eq!(of_bob(&alice.ok(since).await), mark_of_bob(5, 5));
}

#[tokio::test]
async fn who_was_away_gets_marks_with_the_sync() {
    let server = Server::start();
    let (mut alice, mut bob, c) = five(&server).await;
    let first = alice.ok(with(sync(json!({})), "since", 0)).await;
    assert_eq!(first["marks"], Value::Null, "nobody has marked anything");
    let people = |reply: &Value| -> Vec<Value> {
        let profiles = reply["profiles"].as_array().cloned().unwrap_or_default();
        profiles
            .iter()
            .map(|profile| profile["username"].clone())
            .collect()
    };
    assert_eq!(people(&first), ["alice", "bob"]);
    alice.leave().await;
    bob.ok(mark(&c, json!({"delivered": 4}))).await;
    bob.ok(mark(&c, json!({"read": 2}))).await;
    bob.ok(set_profile(json!({"display_name": "Bob B."}))).await;
    let mut alice = server.native_login("alice").await;
    let since = |reply: &Value| with(sync(json!({})), "since", reply["since"].clone());
    let second = alice.ok(since(&first)).await;
    assert_eq!(
        second["marks"],
        json!([{"conversation": c, "username": "bob", "delivered": 4, "read": 2}])
    );
    assert_eq!(
        second["profiles"],
        json!([{"username": "bob", "display_name": "Bob B.", "about": ""}])
    );
    let third = alice.ok(since(&second)).await;
    assert_eq!(
        (&third["since"], &third["marks"], &third["profiles"]),
        (&second["since"], &Value::Null, &Value::Null)
    );
    // Without `since` there is nothing of it.
    let plain = alice.ok(sync(json!({}))).await;
    assert_eq!(
        (&plain["since"], &plain["marks"], &plain["profiles"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    // One's own marks come to a device that was away.
    let mut phone = server.native_login("bob").await;
    let all = phone.ok(with(sync(json!({})), "since", 0)).await;
    assert_eq!(all["marks"][0]["username"], "bob");
}
