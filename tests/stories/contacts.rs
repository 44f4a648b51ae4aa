//! Contacts, and people that somebody doesn't want to hear from.

use kith_tests::{Raw, Server};
use serde_json::{Value, json};

use crate::requests::{contacts, file, list_contacts, message, message_into, sync};

async fn listed(raw: &mut Raw) -> (Value, Value) {
    let mut list = raw.ok(list_contacts()).await;
    (list["contacts"].take(), list["blocked"].take())
}

#[tokio::test]
async fn contacts_are_added_listed_and_removed() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    for name in ["carol", "Bob", "dave"] {
        server.user(name).await;
    }
    assert_eq!(listed(&mut alice).await, (json!([]), json!([])));
    for name in ["carol", "BOB", "carol"] {
        alice.ok(contacts("add", name)).await;
    }
    assert_eq!(listed(&mut alice).await, (json!(["Bob", "carol"]), json!([])));
    alice.ok(contacts("remove", "bob")).await;
    alice.ok(contacts("remove", "dave")).await;
    alice.ok(contacts("block", "carol")).await;
    alice.ok(contacts("block", "dave")).await;
    assert_eq!(
        listed(&mut alice).await,
        (json!(["carol"]), json!(["carol", "dave"]))
    );
    alice.ok(contacts("unblock", "dave")).await;
    assert_eq!(listed(&mut alice).await, (json!(["carol"]), json!(["carol"])));
    // They are hers alone, and still there at the next login.
    assert_eq!(
        listed(&mut server.login("carol").await).await,
        (json!([]), json!([]))
    );
    assert_eq!(
        listed(&mut server.login("alice").await).await,
        (json!(["carol"]), json!(["carol"]))
    );
}

#[tokio::test]
async fn nobody_and_oneself_are_no_contacts() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    for action in ["add", "remove", "block", "unblock"] {
        for (name, code) in [
            ("nobody", "not_found"),
            ("no name!", "not_found"),
            ("", "not_found"),
            ("ALICE", "yourself"),
        ] {
            let error = alice.refusal(contacts(action, name)).await;
            assert_eq!(
                (&error["code"], &error["field"]),
                (&json!(code), &json!("contact_username")),
                "{action} {name}"
            );
        }
        let error = alice
            .refusal(json!({"action": "contacts", "contact_action": action}))
            .await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("bad_request"), &json!("contact_username"))
        );
    }
    let error = alice.refusal(contacts("greet", "bob")).await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("bad_request"), &json!("contact_action"))
    );
    assert_eq!(listed(&mut alice).await, (json!([]), json!([])));
}

#[tokio::test]
async fn messages_to_nobody_and_to_oneself_are_refused() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    for request in [
        message("nobody", "hi"),
        message("no name!", "hi"),
        file("nobody", "a.txt", b"hi"),
    ] {
        let error = alice.refusal(request).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("not_found"), &json!("receiver"))
        );
    }
    for request in [message("Alice", "hi"), file("alice", "a.txt", b"hi")] {
        let error = alice.refusal(request).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("yourself"), &json!("receiver"))
        );
    }
    server.login("alice").await.nothing().await;
}

#[tokio::test]
async fn other_devices_hear_of_a_change_of_contacts() {
    let server = Server::start();
    server.user("bob").await;
    let mut phone = server.native_user("alice").await;
    let mut desktop = server.native_login("alice").await;
    let mut bob = server.native_login("bob").await;
    phone.event("device").await;
    for change in ["add", "block", "unblock", "remove"] {
        phone.ok(contacts(change, "bob")).await;
        let event = desktop.event("contact").await;
        assert_eq!(event["body"], json!({"change": change, "username": "bob"}));
    }
    // Bob isn't told what Alice thinks of him.
    bob.nothing().await;
}

/// Both write by name, and in the conversation that they have; Alice has blocked Bob.
async fn blocked_both_ways(alice: &mut Raw, bob: &mut Raw, conversation: &Value) {
    for raw in [
        (&mut *alice, "bob", "you have blocked"),
        (bob, "alice", "has blocked you"),
    ] {
        let (raw, other, why) = raw;
        let mut requests = vec![message(other, "hear me"), file(other, "a.txt", b"see me")];
        if !conversation.is_null() {
            requests.push(message_into(conversation, "hear me here"));
        }
        for request in requests {
            let error = raw.refusal(request).await;
            assert_eq!(error["code"], "blocked");
            assert!(error["message"].as_str().unwrap().contains(why), "{error}");
        }
    }
}

#[tokio::test]
async fn a_block_holds_both_ways_before_the_first_word() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    let mut bob = server.user("bob").await;
    alice.ok(contacts("block", "bob")).await;
    blocked_both_ways(&mut alice, &mut bob, &Value::Null).await;
    let mut phone = server.native_login("alice").await;
    let mut desktop = server.native_login("bob").await;
    blocked_both_ways(&mut phone, &mut desktop, &Value::Null).await;
    for raw in [&mut alice, &mut bob, &mut phone, &mut desktop] {
        raw.nothing().await;
    }
    // No conversation was opened.
    let logs = desktop.ok(sync(json!({}))).await;
    assert!(
        logs["logs"]
            .as_array()
            .unwrap()
            .iter()
            .all(|log| log["members"] == json!([])),
        "{logs}"
    );
}

#[tokio::test]
async fn a_block_holds_in_a_conversation_that_goes_on_already() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    let mut bob = server.user("bob").await;
    let mut phone = server.native_login("alice").await;
    let mut desktop = server.native_login("bob").await;
    let conversation = bob.say("alice", "hi").await["conversation"].take();
    alice.hear().await;
    phone.event("message").await;
    desktop.event("message").await;

    alice.ok(contacts("block", "bob")).await;
    phone.event("contact").await;
    blocked_both_ways(&mut alice, &mut bob, &conversation).await;
    blocked_both_ways(&mut phone, &mut desktop, &conversation).await;
    for raw in [&mut alice, &mut bob, &mut phone, &mut desktop] {
        raw.nothing().await;
    }
    // Others get through, and so does Bob once Alice wants to hear from him again.
    let mut carol = server.user("carol").await;
    carol.say("alice", "and me?").await;
    assert_eq!(alice.hear().await.0, "carol");
    alice.ok(contacts("unblock", "bob")).await;
    let sent = bob.ok(message_into(&conversation, "friends again?")).await;
    assert_eq!(sent["number"], 2, "nothing was stored meanwhile");
    assert_eq!(
        alice.hear().await,
        ("bob".to_owned(), "friends again?".to_owned())
    );
}

#[tokio::test]
async fn when_both_block_it_takes_both_to_talk_again() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    let mut bob = server.user("bob").await;
    alice.say("bob", "hi").await;
    bob.hear().await;
    alice.ok(contacts("block", "bob")).await;
    bob.ok(contacts("block", "alice")).await;
    alice.ok(contacts("unblock", "bob")).await;
    assert_eq!(alice.error(message("bob", "hi")).await, "blocked");
    assert_eq!(bob.error(message("alice", "hi")).await, "blocked");
    bob.ok(contacts("unblock", "alice")).await;
    bob.say("alice", "hi").await;
    assert_eq!(alice.hear().await.0, "bob");
}
