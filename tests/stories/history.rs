//! Pages of one log, and syncs that take only the ends of long ones.

use kith_tests::{Raw, Server};
use serde_json::{Value, json};

use crate::requests::{history, message_into, sync, with};

/// The numbers of a page's events, with its `first` and `newest`.
fn numbers(page: &Value) -> (Vec<u64>, u64, u64) {
    let events = page["events"].as_array().unwrap();
    let number = |value: &Value| value.as_u64().unwrap();
    (
        events.iter().map(|event| number(&event["number"])).collect(),
        number(&page["first"]),
        number(&page["newest"]),
    )
}

/// Alice writes so many messages to Bob at once. Returns the conversation.
async fn write(alice: &mut Raw, count: u64) -> Value {
    let conversation = alice.say("bob", "message 1").await["conversation"].clone();
    let texts = (2..=count).map(|number| message_into(&conversation, &format!("message {number}")));
    let burst: String = texts.map(|text| format!("{text}\n")).collect();
    alice.send_bytes(burst.as_bytes()).await;
    for number in 2..=count {
        assert_eq!(alice.receive().await["number"], number);
    }
    conversation
}

#[tokio::test]
async fn a_log_is_read_back_page_by_page_and_forth_again() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    server.native_user("bob").await.leave().await;
    let conversation = write(&mut alice, 250).await;
    let mut bob = server.native_login("bob").await;

    let newest = bob.ok(history(&conversation, json!({}))).await;
    assert_eq!(numbers(&newest), ((151..=250).collect(), 1, 250));
    assert_eq!(newest["members"], json!(["alice", "bob"]));
    assert_eq!(newest["events"][0]["body"], json!({"content": "message 151"}));
    assert_eq!(newest["events"][0]["client_id"], Value::Null);

    let mut back = Vec::new();
    let mut before = 251;
    while before > 1 {
        let page = bob
            .ok(history(&conversation, json!({"before": before, "limit": 70})))
            .await;
        let (mut page, ..) = numbers(&page);
        before = page[0];
        page.append(&mut back);
        back = page;
    }
    assert_eq!(back, (1..=250).collect::<Vec<_>>());

    let mut forth = Vec::new();
    while forth.len() < 250 {
        let after = forth.last().copied().unwrap_or(0);
        let page = bob
            .ok(history(&conversation, json!({"after": after, "limit": 70})))
            .await;
        forth.append(&mut numbers(&page).0);
    }
    assert_eq!(forth, back);
    // No page is longer than the protocol says, nor empty for a limit of nothing.
    let all = bob.ok(history(&conversation, json!({"limit": 100_000}))).await;
    assert_eq!(numbers(&all).0.len(), 250);
    let one = bob.ok(history(&conversation, json!({"limit": 0}))).await;
    assert_eq!(numbers(&one).0, [250]);
}

#[tokio::test]
async fn beyond_the_ends_of_a_log_is_nothing() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    server.native_user("bob").await;
    let conversation = write(&mut alice, 3).await;
    for (fields, expected) in [
        (json!({"before": 1}), vec![]),
        (json!({"before": 0}), vec![]),
        (json!({"before": 2}), vec![1]),
        (json!({"before": 4711}), vec![1, 2, 3]),
        (json!({"before": u64::MAX}), vec![1, 2, 3]),
        (json!({"after": 0}), vec![1, 2, 3]),
        (json!({"after": 2}), vec![3]),
        (json!({"after": 3}), vec![]),
        (json!({"after": u64::MAX}), vec![]),
    ] {
        let page = alice.ok(history(&conversation, fields.clone())).await;
        assert_eq!(numbers(&page), (expected, 1, 3), "{fields}");
    }
    let error = alice
        .refusal(history(&conversation, json!({"before": 3, "after": 1})))
        .await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("bad_request"), &json!("before"))
    );
}

#[tokio::test]
async fn logs_of_others_are_closed_and_ones_own_is_open() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    server.native_user("bob").await;
    let conversation = write(&mut alice, 1).await;
    let mut eve = server.connect_native().await;
    eve.register("eve").await;
    let own = eve.login("eve").await["account"].clone();
    let page = eve.ok(history(&own, json!({}))).await;
    assert_eq!((numbers(&page), &page["members"]), ((vec![1], 1, 1), &json!([])));
    assert_eq!(page["events"][0]["event"], "device");

    let mut phone = server.connect_native().await;
    let alices = phone.login("alice").await["account"].clone();
    for log in [&conversation, &alices, &json!("nothing"), &json!("")] {
        let error = eve.refusal(history(log, json!({}))).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("not_found"), &json!("conversation")),
            "{log}"
        );
    }
    // Before a login there is nothing to read.
    assert_eq!(
        server
            .connect_native()
            .await
            .error(history(&own, json!({})))
            .await,
        "not_logged_in"
    );
}

#[tokio::test]
async fn a_sync_with_a_tail_takes_the_ends_of_conversations_that_are_new_to_the_client() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    server.native_user("bob").await.leave().await;
    let conversation = write(&mut alice, 30).await;
    let mut bob = server.native_login("bob").await;

    let reply = bob.ok(with(sync(json!({})), "tail", 4)).await;
    assert_eq!(reply["more"], false);
    // One's own account comes whole: it is what the client knows its conversations from.
    assert_eq!(numbers(&reply["logs"][0]), (vec![1, 2, 3], 1, 3));
    assert_eq!(numbers(&reply["logs"][1]), ((27..=30).collect(), 1, 30));
    let page = bob
        .ok(history(&conversation, json!({"before": 27, "limit": 2})))
        .await;
    assert_eq!(numbers(&page).0, [25, 26]);

    // A conversation that is named comes whole from there; and a tail of nothing still shows that there is something.
    let id = conversation.as_str().unwrap();
    let reply = bob.ok(with(sync(json!({id: 10})), "tail", 4)).await;
    assert_eq!(numbers(&reply["logs"][1]).0, (11..=30).collect::<Vec<_>>());
    let reply = bob.ok(with(sync(json!({})), "tail", 0)).await;
    assert_eq!(numbers(&reply["logs"][1]).0, [30]);

    // In small pages the tail is cut, not lost.
    let reply = bob.ok(with(with(sync(json!({})), "tail", 4), "limit", 5)).await;
    assert_eq!(
        (&reply["more"], numbers(&reply["logs"][1]).0),
        (&json!(true), vec![27, 28])
    );
    let rest = with(sync(json!({id: 28})), "tail", 4);
    assert_eq!(numbers(&bob.ok(rest).await["logs"][1]).0, [29, 30]);
}
