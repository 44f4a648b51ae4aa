//! What isn't yours might as well not exist.

use kith_tests::{Raw, Server};
use serde_json::{Value, json};

use crate::requests::{base64, file, file_get, message_into, revoke, sync, with};

/// An id that nothing has.
const NO_ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";

struct Secrets {
    conversation: Value,
    file: Value,
    device: Value,
    account: Value,
}

/// Alice and Bob share a message and a file; Mallory knows every id of it.
async fn a_secret(server: &Server) -> (Raw, Raw, Secrets) {
    let mut bob = server.native_user("bob").await;
    let mut alice = server.connect_native().await;
    alice.register("alice").await;
    let login = alice.login("alice").await;
    let sent = alice.ok(file("bob", "secret.txt", b"the secret")).await;
    alice.say("bob", "keep it").await;
    bob.event("message").await;
    let secrets = Secrets {
        conversation: sent["conversation"].clone(),
        file: sent["file"].clone(),
        device: login["device"].clone(),
        account: login["account"].clone(),
    };
    (alice, bob, secrets)
}

/// Both requests get the same error.
async fn no_difference(mallory: &mut Raw, real: Value, made_up: Value, code: &str) {
    let to_real = mallory.refusal(real.clone()).await;
    assert_eq!(to_real["code"], code, "{real}");
    assert_eq!(to_real, mallory.refusal(made_up).await, "{real}");
}

#[tokio::test]
async fn a_conversation_of_others_can_not_be_written_to() {
    let server = Server::start();
    let (mut alice, mut bob, secrets) = a_secret(&server).await;
    for mut mallory in [server.user("mallory").await, server.native_user("eve").await] {
        let nowhere = json!(NO_ID);
        for requests in [
            [&secrets.conversation, &nowhere].map(|id| message_into(id, "hi")),
            // Nor can its length be found out by `expect`.
            [&secrets.conversation, &nowhere].map(|id| with(message_into(id, "hi"), "expect", 3)),
            [&secrets.conversation, &nowhere].map(|id| with(message_into(id, "hi"), "expect", 4)),
            [&secrets.conversation, &nowhere].map(|id| with(message_into(id, "hi"), "client_id", "key")),
            [&secrets.conversation, &nowhere].map(|id| {
                json!({"action": "file", "conversation": id, "file_name": "a.txt", "file_data": base64(b"hi")})
            }),
            // An account's log isn't written to by anybody, its owner neither.
            [&secrets.account, &nowhere].map(|id| message_into(id, "hi")),
        ] {
            let [real, made_up] = requests;
            no_difference(&mut mallory, real, made_up, "not_found").await;
        }
    }
    assert_eq!(
        alice.error(message_into(&secrets.account, "hi")).await,
        "not_found"
    );
    bob.nothing().await;
    alice.nothing().await;
    // What came with the attempts is gone too.
    let files = std::fs::read_dir(server.data().join("blobs")).unwrap().count();
    assert_eq!(files, 1);
}

#[tokio::test]
async fn a_conversation_of_others_can_not_be_read_or_counted() {
    let server = Server::start();
    let (_alice, _bob, secrets) = a_secret(&server).await;
    let mut mallory = server.native_user("mallory").await;
    let own = mallory.ok(sync(json!({}))).await;
    assert_eq!(own["logs"].as_array().unwrap().len(), 1, "her own log");
    for id in [&secrets.conversation, &secrets.account, &json!(NO_ID)] {
        for held in [0, 1, 2, 99] {
            let reply = mallory.ok(sync(json!({id.as_str().unwrap(): held}))).await;
            assert_eq!(reply, own, "{id}");
        }
    }
}

#[tokio::test]
async fn a_file_of_others_can_not_be_fetched() {
    let server = Server::start();
    let (mut alice, mut bob, secrets) = a_secret(&server).await;
    let mut mallory = server.native_user("mallory").await;
    for guess in [
        NO_ID,
        "",
        "../pepper",
        "..",
        "kith.db",
        "\u{0}",
        &secrets.file.as_str().unwrap().to_lowercase(),
        secrets.conversation.as_str().unwrap(),
    ] {
        no_difference(
            &mut mallory,
            file_get(&secrets.file),
            file_get(&json!(guess)),
            "not_found",
        )
        .await;
        assert_eq!(bob.error(file_get(&json!(guess))).await, "not_found");
    }
    for raw in [&mut alice, &mut bob] {
        let reply = raw.ok(file_get(&secrets.file)).await;
        assert_eq!(
            (&reply["file_name"], &reply["file_data"]),
            (&json!("secret.txt"), &base64(b"the secret"))
        );
    }
}

#[tokio::test]
async fn a_session_of_others_can_not_be_ended() {
    let server = Server::start();
    let (mut alice, _bob, secrets) = a_secret(&server).await;
    let mut mallory = server.native_user("mallory").await;
    no_difference(
        &mut mallory,
        revoke(&secrets.device),
        revoke(&json!(987_654_321)),
        "not_found",
    )
    .await;
    alice.nothing().await;
}

#[tokio::test]
async fn nobody_sees_the_keys_of_others() {
    let server = Server::start();
    let mut bob = server.native_user("bob").await;
    let mut alice = server.native_user("alice").await;
    let mut desktop = server.native_login("alice").await;
    alice.event("device").await;
    alice
        .ok(with(
            crate::requests::message("bob", "hi"),
            "client_id",
            "alice's own key",
        ))
        .await;
    assert!(!bob.event("message").await.to_string().contains("own key"));
    let to_bob = bob.ok(sync(json!({}))).await.to_string();
    assert!(to_bob.contains("hi") && !to_bob.contains("own key"));
    assert!(
        desktop
            .ok_after_events(sync(json!({})))
            .await
            .to_string()
            .contains("alice's own key")
    );
}
