//! Files inside a frame.

use kith_tests::{Raw, Server};
use serde_json::{Value, json};

use crate::requests::{base64, bytes, file, file_get, sync};

const LARGEST: usize = 8 * 1024 * 1024;

/// The next event, which must be a file in the seed's form: who sent it, its name and its bytes.
async fn receive_file(raw: &mut Raw) -> (String, String, Vec<u8>) {
    let event = raw.receive().await;
    assert_eq!(event["event"], "file");
    let text = |field: &Value| field.as_str().unwrap().to_owned();
    (
        text(&event["sender"]),
        text(&event["file_name"]),
        bytes(&event["file_data"]),
    )
}

/// Bytes in which every value occurs, and no pattern of base64's.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[tokio::test]
async fn a_file_arrives_as_it_was_sent() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    let mut bob = server.user("bob").await;
    let mut script = server.login("alice").await;
    let mut desktop = server.native_login("bob").await;
    for (name, content) in [
        ("photo.png", noise(100_000)),
        ("日本語 …\u{301}.tar.gz", (0..=255).collect()),
        ("..hidden", vec![0]),
        ("empty", Vec::new()),
    ] {
        let sent = alice.ok(file("bob", name, &content)).await;
        let hash = blake3::hash(&content).to_hex().to_string();
        assert_eq!(sent["hash"], hash);
        let expected = ("alice".to_owned(), name.to_owned(), content.clone());
        assert_eq!(receive_file(&mut bob).await, expected);
        assert_eq!(
            receive_file(&mut script).await,
            expected,
            "her other connection gets a copy"
        );
        let event = desktop.event("file").await;
        assert_eq!(
            event["body"],
            json!({"file": sent["file"], "file_name": name, "size": content.len(), "hash": hash})
        );
        let fetched = desktop.ok(file_get(&sent["file"])).await;
        assert_eq!(
            (&fetched["file_name"], bytes(&fetched["file_data"])),
            (&json!(name), content)
        );
    }
    alice.nothing().await;
}

#[tokio::test]
async fn a_file_waits_for_who_is_away() {
    let mut server = Server::start();
    let mut alice = server.user("alice").await;
    server.user("bob").await.leave().await;
    let content = noise(300_000);
    alice.say("bob", "look:").await;
    let sent = alice.ok(file("bob", "photo.png", &content)).await;
    alice.say("bob", "nice?").await;
    server.kill();
    server.restart();
    let mut bob = server.login("bob").await;
    assert_eq!(bob.hear().await.1, "look:");
    assert_eq!(
        receive_file(&mut bob).await,
        ("alice".to_owned(), "photo.png".to_owned(), content.clone())
    );
    assert_eq!(bob.hear().await.1, "nice?");
    let mut desktop = server.native_login("bob").await;
    let missed = desktop.ok(sync(json!({}))).await.to_string();
    assert!(missed.contains("photo.png") && missed.contains(sent["file"].as_str().unwrap()));
    assert_eq!(
        bytes(&desktop.ok(file_get(&sent["file"])).await["file_data"]),
        content
    );
}

#[tokio::test]
async fn the_largest_file_goes_through_and_one_byte_more_does_not() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    let mut bob = server.user("bob").await;
    let mut desktop = server.native_login("bob").await;
    let mut content = noise(LARGEST);
    let sent = alice.ok(file("bob", "large.bin", &content)).await;
    assert_eq!(receive_file(&mut bob).await.2, content);
    assert_eq!(desktop.event("file").await["body"]["size"], LARGEST);
    assert_eq!(
        bytes(&desktop.ok(file_get(&sent["file"])).await["file_data"]),
        content
    );

    content.push(0);
    let error = alice.refusal(file("bob", "larger.bin", &content)).await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("too_large"), &json!("file_data"))
    );
    assert_eq!(std::fs::read_dir(server.data().join("blobs")).unwrap().count(), 1);
    alice.say("bob", "it was too large").await;
    assert_eq!(bob.hear().await.1, "it was too large");
}

#[tokio::test]
async fn a_file_name_is_never_a_path() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    let mut bob = server.user("bob").await;
    for name in [
        "",
        ".",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "a/b",
        "C:\\Windows\\x.dll",
        "..\\x",
        "a\u{0}.txt",
        "a\nb",
        "photo\u{202E}gpj.exe",
        &"x".repeat(256),
    ] {
        let error = alice.refusal(file("bob", name, b"hi")).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("bad_request"), &json!("file_name")),
            "{name:?}"
        );
    }
    bob.nothing().await;
    // On the server a file is called by its id, whatever its sender called it.
    alice.ok(file("bob", "kith.db", b"hi")).await;
    let stored: Vec<_> = std::fs::read_dir(server.data().join("blobs")).unwrap().collect();
    assert_eq!(stored.len(), 1);
    let stored = stored[0].as_ref().unwrap();
    assert_ne!(stored.file_name(), "kith.db");
    assert_eq!(std::fs::read(stored.path()).unwrap(), b"hi");
}

#[tokio::test]
async fn what_is_not_base64_is_refused_and_padding_is_optional() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    let mut bob = server.user("bob").await;
    let mut request = file("bob", "a.txt", b"");
    for bad in [
        json!("?"),
        json!("aGk=aGk="),
        json!("a b"),
        json!("aGk-_"),
        json!("a"),
        json!(7),
        json!(["aGk="]),
        json!(null),
    ] {
        request["file_data"] = bad.clone();
        let error = alice.refusal(request.clone()).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("bad_request"), &json!("file_data")),
            "{bad}"
        );
    }
    for good in [base64(b"hi"), json!("aGk")] {
        request["file_data"] = good;
        alice.ok(request.clone()).await;
        assert_eq!(receive_file(&mut bob).await.2, b"hi");
    }
}
