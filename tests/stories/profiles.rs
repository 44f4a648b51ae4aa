//! What people say of themselves.

use kith_tests::Server;
use serde_json::{Value, json};

use crate::requests::{base64, bytes, contacts, profile, set_profile, sync, with};

/// Bytes that begin as pictures of these kinds do.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand so on";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0and so on";
const WEBP: &[u8] = b"RIFF\x10\x00\x00\x00WEBPVP8 ";

#[tokio::test]
async fn a_profile_is_set_and_seen() {
    let server = Server::start();
    let mut alice = server.native_user("Alice").await;
    let mut bob = server.native_user("bob").await;
    let empty = json!({"status": "ok", "username": "Alice", "display_name": "Alice", "about": ""});
    assert_eq!(alice.ok(profile(None)).await, empty);
    assert_eq!(bob.ok(profile(Some("ALICE"))).await, empty);
    for picture in [PNG, JPEG, WEBP] {
        alice.ok(set_profile(json!({"avatar": base64(picture)}))).await;
        let seen = bob.ok(profile(Some("alice"))).await;
        assert_eq!(bytes(&seen["avatar_data"]), picture);
        assert_eq!(seen["avatar"], json!(blake3::hash(picture).to_hex().as_str()));
    }
    // What isn't given stays; empty removes it.
    alice
        .ok(set_profile(
            json!({"display_name": " Alice Liddell ", "about": "curiouser\nand curiouser"}),
        ))
        .await;
    let seen = bob.ok(profile(Some("alice"))).await;
    assert_eq!(
        (&seen["display_name"], &seen["about"]),
        (&json!("Alice Liddell"), &json!("curiouser\nand curiouser"))
    );
    assert_eq!(bytes(&seen["avatar_data"]), WEBP);
    alice.ok(set_profile(json!({"about": "", "avatar": ""}))).await;
    let bare = json!({"status": "ok", "username": "Alice", "display_name": "Alice Liddell", "about": ""});
    assert_eq!(bob.ok(profile(Some("alice"))).await, bare);
    // The name is the new one everywhere, also after a restart.
    assert_eq!(
        server.connect_native().await.login("alice").await["display_name"],
        "Alice Liddell"
    );
    let mut server = server;
    server.kill();
    server.restart();
    assert_eq!(
        server.connect_native().await.login("alice").await["display_name"],
        "Alice Liddell"
    );
}

#[tokio::test]
async fn who_sees_somebody_is_told_of_a_new_profile() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut phone = server.native_login("alice").await;
    alice.event("device").await;
    let mut bob = server.native_user("bob").await;
    let mut carol = server.native_user("carol").await;
    let mut eve = server.native_user("eve").await;
    let mut script = server.login("bob").await;
    bob.say("alice", "hi").await;
    script.hear().await;
    carol.ok(contacts("add", "alice")).await;
    for raw in [&mut alice, &mut phone] {
        raw.event("message").await;
    }
    alice
        .ok(set_profile(
            json!({"display_name": "Alice L.", "avatar": base64(PNG)}),
        ))
        .await;
    let hash = blake3::hash(PNG).to_hex().to_string();
    let person = json!({"event": "person", "username": "alice", "display_name": "Alice L.", "about": "", "avatar": hash});
    assert_eq!(bob.receive().await, person);
    assert_eq!(carol.receive().await, person);
    let event = phone.receive().await;
    assert_eq!(event["event"], "profile");
    assert_eq!(
        event["body"],
        json!({"display_name": "Alice L.", "about": "", "avatar": hash})
    );
    for raw in [&mut alice, &mut phone, &mut eve] {
        raw.nothing().await;
    }
    script.nothing().await;
    let reply = alice.ok(sync(json!({}))).await;
    let own = reply["logs"][0]["events"].as_array().unwrap();
    assert_eq!(own.last().unwrap()["event"], "profile");
}

#[tokio::test]
async fn profiles_that_will_not_do() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    server.native_user("bob").await;
    let large = [PNG, &[0; 65_536]].concat();
    for (fields, code, field) in [
        (json!({}), "bad_request", "display_name"),
        (json!({"display_name": "  "}), "bad_request", "display_name"),
        (
            json!({"display_name": "x".repeat(65)}),
            "bad_request",
            "display_name",
        ),
        (json!({"display_name": "a\nb"}), "bad_request", "display_name"),
        (json!({"about": "x".repeat(257)}), "bad_request", "about"),
        (json!({"about": "a\tb"}), "bad_request", "about"),
        (json!({"about": "a\u{0}b"}), "bad_request", "about"),
        (json!({"avatar": base64(b"<svg>")}), "bad_request", "avatar"),
        (
            json!({"avatar": base64(b"RIFF1234WAVE")}),
            "bad_request",
            "avatar",
        ),
        (json!({"avatar": base64(b"RIFF")}), "bad_request", "avatar"),
        (json!({"avatar": "?"}), "bad_request", "avatar"),
        (json!({"avatar": base64(&large)}), "too_large", "avatar"),
        (json!({"about": "hi", "username": "bob"}), "forbidden", "username"),
    ] {
        let error = alice.refusal(set_profile(fields.clone())).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!(code), &json!(field)),
            "{fields}"
        );
    }
    let unchanged = json!({"status": "ok", "username": "alice", "display_name": "alice", "about": ""});
    assert_eq!(alice.ok(profile(None)).await, unchanged);
    alice
        .ok(set_profile(
            json!({"about": "é".repeat(256), "avatar": base64(&large[..65_536])}),
        ))
        .await;
    for name in ["nobody", "", "no name!"] {
        let error = alice.refusal(profile(Some(name))).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("not_found"), &json!("username"))
        );
    }
    assert_eq!(
        server.connect_native().await.error(profile(Some("alice"))).await,
        "not_logged_in"
    );
}

#[tokio::test]
async fn a_profile_that_is_set_again_is_set_once() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let keyed = |fields: Value| with(set_profile(fields), "client_id", "p");
    alice.ok(keyed(json!({"about": "one"}))).await;
    alice.ok(set_profile(json!({"about": "two"}))).await;
    alice.ok(keyed(json!({"about": "one"}))).await;
    assert_eq!(
        alice.ok(profile(None)).await["about"],
        "two",
        "a repeat changes nothing"
    );
    for other in [
        json!({"about": "two"}),
        json!({"display_name": "one"}),
        json!({"about": "one", "avatar": ""}),
    ] {
        assert_eq!(alice.error(keyed(other)).await, "conflict");
    }
}

#[tokio::test]
async fn who_has_ended_their_account_has_no_profile() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    alice
        .ok(set_profile(json!({"about": "still here", "avatar": base64(PNG)})))
        .await;
    assert_eq!(bob.ok(profile(Some("alice"))).await["about"], "still here");
    server.must(&["user", "delete", "alice", "--yes"]);
    assert_eq!(bob.error(profile(Some("alice"))).await, "not_found");
}
