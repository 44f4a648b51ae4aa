//! Messages come, in order, to everybody they are for.

use std::collections::BTreeMap;

use kith_tests::{Raw, Server};
use serde_json::{Value, json};

use crate::requests::sync;

/// The texts of a conversation with somebody, as `sync` gives them from a number on.
async fn texts(raw: &mut Raw, with: &str, held: u64) -> Vec<(u64, String)> {
    let everything = raw.ok_after_events(sync(json!({}))).await;
    let has_them = |log: &&Value| log["members"].as_array().unwrap().contains(&json!(with));
    let id = everything["logs"]
        .as_array()
        .unwrap()
        .iter()
        .find(has_them)
        .unwrap()["conversation"]
        .clone();
    let id = id.as_str().unwrap();
    let newer = raw.ok_after_events(sync(json!({id: held}))).await;
    let log = newer["logs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|log| log["conversation"] == id);
    let text = |event: &Value| {
        let text = event["body"]["content"].as_str().unwrap().to_owned();
        (event["number"].as_u64().unwrap(), text)
    };
    log.map_or_else(Vec::new, |log| {
        log["events"].as_array().unwrap().iter().map(text).collect()
    })
}

#[tokio::test]
async fn what_was_missed_is_there_for_whoever_asks() {
    let mut server = Server::start();
    let mut alice = server.native_user("alice").await;
    server.user("bob").await.leave().await;
    alice.say("bob", "one").await;
    alice.say("bob", "two").await;
    server.kill();
    server.restart();
    let mut bob = server.native_login("bob").await;
    assert_eq!(
        texts(&mut bob, "alice", 0).await,
        [(1, "one".to_owned()), (2, "two".to_owned())]
    );
    server.native_login("alice").await.say("bob", "three").await;
    let live = bob.event("message").await;
    assert_eq!(
        (&live["number"], &live["body"]["content"]),
        (&json!(3), &json!("three"))
    );
    // Nothing is lost by reading: another device asks from where it stands.
    let mut tablet = server.native_login("bob").await;
    assert_eq!(
        texts(&mut tablet, "alice", 1).await,
        [(2, "two".to_owned()), (3, "three".to_owned())]
    );
    assert_eq!(texts(&mut tablet, "alice", 3).await, []);
    assert_eq!(texts(&mut tablet, "alice", 99).await, []);
}

#[tokio::test]
async fn the_first_word_opens_one_conversation_for_both() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    // Both begin at once.
    let (from_alice, from_bob) = tokio::join!(
        alice.ok_after_events(crate::requests::message("bob", "hi")),
        bob.ok_after_events(crate::requests::message("alice", "hello")),
    );
    assert_eq!(from_alice["conversation"], from_bob["conversation"]);
    let mut numbers = [from_alice["number"].as_u64(), from_bob["number"].as_u64()];
    numbers.sort_unstable();
    assert_eq!(numbers, [Some(1), Some(2)]);
    for (raw, other) in [(&mut alice, "bob"), (&mut bob, "alice")] {
        let all = raw.ok_after_events(sync(json!({}))).await;
        let opened: Vec<&Value> = all["logs"][0]["events"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|event| event["event"] == "conversation")
            .collect();
        assert_eq!(opened.len(), 1);
        assert_eq!(
            opened[0]["body"],
            json!({"conversation": from_alice["conversation"], "with": other})
        );
        assert_eq!(texts(raw, other, 0).await.len(), 2);
    }
}

#[tokio::test]
async fn everybody_sees_the_same_order() {
    const EACH: usize = 60;
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    let mut watching = server.native_login("alice").await;
    let (from_alice, from_bob) = tokio::join!(
        say_many(&mut alice, "bob", EACH),
        say_many(&mut bob, "alice", EACH)
    );
    let mut all: BTreeMap<u64, String> = from_alice.clone();
    all.extend(from_bob);
    assert_eq!(
        all.keys().copied().collect::<Vec<_>>(),
        (1..=2 * EACH as u64).collect::<Vec<_>>()
    );
    for (number, text) in &all {
        let event = watching.event("message").await;
        assert_eq!(
            (
                event["number"].as_u64().unwrap(),
                event["body"]["content"].as_str().unwrap()
            ),
            (*number, &**text)
        );
    }
    assert_eq!(
        texts(&mut bob, "alice", 0).await,
        all.into_iter().collect::<Vec<_>>()
    );
    // Each one's own come in the order they were said.
    let said: Vec<String> = from_alice.into_values().collect();
    assert_eq!(said, (0..EACH).map(|i| format!("{i} to bob")).collect::<Vec<_>>());
}

/// Says many things at once; returns them by the numbers they got.
async fn say_many(raw: &mut Raw, receiver: &str, count: usize) -> BTreeMap<u64, String> {
    let text = |i: usize| format!("{i} to {receiver}");
    for i in 0..count {
        raw.send(crate::requests::message(receiver, &text(i))).await;
    }
    let mut numbers = BTreeMap::new();
    while numbers.len() < count {
        let line = raw.receive().await;
        if line["event"].is_null() {
            numbers.insert(line["number"].as_u64().unwrap(), text(numbers.len()));
        }
    }
    numbers
}

#[tokio::test]
async fn two_simple_clients_of_one_person_both_hear() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    server.user("bob").await.leave().await;
    alice.say("bob", "while you were out").await;
    let (mut one, mut other) = (server.login("bob").await, server.login("bob").await);
    for raw in [&mut one, &mut other] {
        assert_eq!(raw.hear().await.1, "while you were out");
    }
    alice.say("bob", "welcome back").await;
    for raw in [&mut one, &mut other] {
        assert_eq!(raw.hear().await.1, "welcome back");
    }
    // What one says the other hears too, with whom it was said to.
    one.say("alice", "thanks").await;
    let copy = other.receive().await;
    assert_eq!(
        (&copy["sender"], &copy["receiver"], &copy["content"]),
        (&json!("bob"), &json!("alice"), &json!("thanks"))
    );
    one.nothing().await;
    assert_eq!(alice.hear().await, ("bob".to_owned(), "thanks".to_owned()));
}

#[tokio::test]
async fn texts_come_as_they_were_written() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    let mut bob = server.user("bob").await;
    let mut desktop = server.native_login("bob").await;
    let longest = "é".repeat(32 * 1024);
    for text in [
        "\u{0}\u{1}\n\r\t\"\\/",
        "{\"action\":\"logout\"}\n{",
        "👩‍👩‍👧 \u{202E}right to left",
        "</script>",
        " ",
        &longest,
    ] {
        alice.say("bob", text).await;
        assert_eq!(bob.hear().await.1, text);
        assert_eq!(desktop.event("message").await["body"]["content"], text);
    }
    let error = alice
        .refusal(crate::requests::message("bob", &format!("{longest}e")))
        .await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("too_large"), &json!("content"))
    );
    let error = alice.refusal(crate::requests::message("bob", "")).await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("bad_request"), &json!("content"))
    );
    bob.nothing().await;
}
