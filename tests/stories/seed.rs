//! The seed's features, in the seed's own words.

use kith_tests::Server;
use serde_json::json;

#[tokio::test]
async fn alice_and_bob_chat() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    let mut bob = server.user("bob").await;
    alice
        .ok(json!({"action": "contacts", "contact_action": "add", "contact_username": "bob"}))
        .await;
    let list = alice
        .ok(json!({"action": "contacts", "contact_action": "list"}))
        .await;
    assert_eq!(list["contacts"], json!(["bob"]));
    alice.say("bob", "hi").await;
    assert_eq!(bob.hear().await, ("alice".to_owned(), "hi".to_owned()));
    bob.say("alice", "hello").await;
    assert_eq!(alice.hear().await, ("bob".to_owned(), "hello".to_owned()));
}

#[tokio::test]
async fn what_was_missed_comes_once_at_the_next_login() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    server.user("bob").await.leave().await;
    for number in 0..120 {
        alice.say("bob", &format!("message {number}")).await;
    }
    let mut bob = server.login("bob").await;
    for number in 0..120 {
        assert_eq!(
            bob.hear().await,
            ("alice".to_owned(), format!("message {number}"))
        );
    }
    bob.nothing().await;
    alice.say("bob", "and now live").await;
    assert_eq!(bob.hear().await.1, "and now live");
    bob.leave().await;
    server.login("bob").await.nothing().await;
}
