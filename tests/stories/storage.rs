//! The disk is full, the database is locked: nothing is acknowledged that isn't stored, and the server goes on.

use kith_tests::{Answer, Ask, Raw, Server};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::requests::{contacts, file, list_contacts, login, message, password, sync, with};
use crate::transfers::{fetch, noise, open, send};

/// The server's files can't grow any more, from here on.
pub(crate) fn fill_the_disk(server: &Server) {
    let log = std::fs::metadata(server.data().join("kith.db-wal")).unwrap();
    server.limit_files(Some(log.len()));
}

/// The texts of Bob's conversation with Alice, all of them.
async fn bobs_messages(server: &Server) -> Vec<String> {
    let mut bob = server.native_login("bob").await;
    let reply = bob.ok(sync(json!({}))).await;
    let logs = reply["logs"].as_array().unwrap();
    let events = logs.iter().flat_map(|log| log["events"].as_array().unwrap());
    let messages = events.filter(|event| event["event"] == "message").enumerate();
    messages
        .map(|(before, event)| {
            assert_eq!(event["number"], before + 1, "numbers have no gaps");
            event["body"]["content"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn a_full_disk_refuses_and_forgets_nothing() {
    let mut server = Server::builder().survives_file_limit().start();
    let mut bob = server.user("bob").await;
    let mut alice = server.native_user("alice").await;
    let mut said = Vec::new();
    for number in 0..20 {
        let text = format!("{number} {}", "x".repeat(20_000));
        alice.say("bob", &text).await;
        assert_eq!(bob.hear().await.1, text);
        said.push(text);
    }

    fill_the_disk(&server);
    let lost = with(
        message("bob", &"lost".repeat(5000)),
        "client_id",
        "kept for later",
    );
    for _ in 0..3 {
        assert_eq!(alice.error(lost.clone()).await, "storage");
    }
    // A burst fails as a whole, and each of it is told.
    for _ in 0..20 {
        alice.send(lost.clone()).await;
    }
    for _ in 0..20 {
        assert_eq!(alice.refused("a burst").await["code"], "storage");
    }
    let picture = file("bob", "picture.png", &vec![7; 2 * 1024 * 1024]);
    assert_eq!(alice.error(picture.clone()).await, "storage");
    assert_eq!(
        std::fs::read_dir(server.data().join("blobs")).unwrap().count(),
        0,
        "no half of a file"
    );
    for request in [
        contacts("add", "bob"),
        password(kith_tests::PASSWORD, "another good one"),
    ] {
        assert_eq!(alice.error(request).await, "storage");
    }
    let mut guest = server.connect_native().await;
    assert_eq!(guest.error(login("bob", kith_tests::PASSWORD)).await, "storage");
    assert_eq!(
        guest
            .error(crate::requests::register("carol", kith_tests::PASSWORD))
            .await,
        "storage"
    );
    // Whoever is here can still read.
    alice.nothing().await;
    bob.nothing().await;
    assert_eq!(alice.ok(list_contacts()).await["contacts"], json!([]));
    assert!(alice.ok(sync(json!({}))).await["logs"].as_array().unwrap().len() == 2);

    server.limit_files(None);
    let kept = alice.ok(lost.clone()).await;
    assert_eq!(kept["number"], 21, "what failed took no number");
    assert_eq!(bob.hear().await.1, "lost".repeat(5000));
    assert_eq!(alice.ok(lost).await, kept);
    alice.ok(picture).await;
    assert_eq!(bob.receive().await["event"], "file");
    guest.register("carol").await;
    bob.nothing().await;
    said.push("lost".repeat(5000));
    assert_eq!(bobs_messages(&server).await, said);
    server.kill();
    server.restart();
    assert_eq!(bobs_messages(&server).await, said);
    let log = server.log();
    assert!(log.contains("ERROR error: ") && !log.contains("lostlost"));
}

const MIB: usize = 1024 * 1024;

/// First there is no room for the file, but still for messages; then for nothing.
#[tokio::test]
async fn a_disk_that_fills_up_under_an_upload_takes_nothing_from_those_who_talk() {
    let mut server = Server::builder().survives_file_limit().start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    let mut said = Vec::new();
    let bytes = noise(4 * MIB);
    let uploaded = open(&mut alice, bytes.len()).await;
    uploaded.send(&server, 0, &bytes[..MIB]).await;
    let ask = Ask::patch(&uploaded.url, &uploaded.ticket, MIB as u64, &bytes[MIB..]).bytes();
    let (begun, rest) = ask.split_at(ask.len() - 5 * MIB / 2);
    let mut sending = server.connect().await;
    sending.send_bytes(begun).await;
    server.limit_files(Some(2 * MIB as u64));
    talk(&mut alice, &mut bob, &mut said).await;
    let ending = async {
        let _ = sending.try_send_bytes(rest).await;
        Answer::read(&mut sending).await
    };
    let (full, ()) = tokio::join!(ending, talk(&mut alice, &mut bob, &mut said));
    assert_eq!(full.refusal(), (507, "storage".to_owned()));
    talk(&mut alice, &mut bob, &mut said).await;
    let offset = uploaded.offset(&server).await;
    assert!((MIB as u64..=2 * MIB as u64).contains(&offset), "{offset}");

    fill_the_disk(&server);
    let text = "kept for later ".repeat(1000);
    let kept = with(message("bob", &text), "client_id", "later");
    let start = usize::try_from(offset).unwrap();
    let more = Ask::patch(&uploaded.url, &uploaded.ticket, offset, &bytes[start..]);
    let (full, refused) = tokio::join!(more.of(&server), alice.error(kept.clone()));
    assert_eq!(full.refusal(), (507, "storage".to_owned()));
    assert_eq!(refused, "storage");
    bob.nothing().await;
    assert_eq!(uploaded.offset(&server).await, offset);

    server.limit_files(None);
    alice.ok(kept).await;
    bob.event("message").await;
    said.push(text);
    talk(&mut alice, &mut bob, &mut said).await;
    let sent = uploaded.send(&server, offset, &bytes[start..]).await;
    assert_eq!(sent, (204, Some(bytes.len() as u64)));
    let hash = blake3::hash(&bytes).to_hex().to_string();
    alice
        .ok(with(send("bob", "a.bin", &uploaded), "hash", hash))
        .await;
    server.kill();
    server.restart();
    assert_eq!(bobs_messages(&server).await, said);
    let mut bob = server.native_login("bob").await;
    assert!(fetch(&server, &mut bob, &uploaded.id).await == bytes);
}

/// Some words, which are acknowledged and arrive.
async fn talk(alice: &mut Raw, bob: &mut Raw, said: &mut Vec<String>) {
    for _ in 0..5 {
        let text = format!("number {}", said.len() + 1);
        alice.say("bob", &text).await;
        assert_eq!(bob.event("message").await["body"]["content"], text);
        said.push(text);
    }
}

/// A backup program or a curious administrator holds the database's write lock.
#[tokio::test]
async fn a_lock_that_is_held_for_a_while_only_delays() {
    let server = Server::start();
    let mut bob = server.user("bob").await;
    let mut alice = server.user("alice").await;
    alice.say("bob", "before").await;
    bob.hear().await;
    let database = server.database().await;
    database.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    alice.send(message("bob", "wait for it")).await;
    // Meanwhile everything that only reads goes on.
    let list = bob.ok(list_contacts()).await;
    assert_eq!(list["contacts"], json!([]));
    bob.nothing().await;
    database.execute_unprepared("ROLLBACK").await.unwrap();
    assert_eq!(alice.receive().await["number"], 2);
    assert_eq!(bob.hear().await.1, "wait for it");
}

#[tokio::test]
async fn a_lock_that_is_held_too_long_refuses() {
    let server = Server::start();
    let mut bob = server.user("bob").await;
    let mut alice = server.user("alice").await;
    alice.say("bob", "before").await;
    bob.hear().await;
    let database = server.database().await;
    database.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    assert_eq!(alice.error(message("bob", "never stored")).await, "storage");
    bob.nothing().await;
    database.execute_unprepared("ROLLBACK").await.unwrap();
    assert_eq!(alice.say("bob", "after").await["number"], 2);
    assert_eq!(bob.hear().await.1, "after");
    assert_eq!(bobs_messages(&server).await, ["before", "after"]);
}

/// Everything a session gets after a failure adds up to what is stored.
#[tokio::test]
async fn what_failed_is_announced_to_nobody() {
    let server = Server::builder().survives_file_limit().start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    let text = "x".repeat(20_000);
    alice.say("bob", &text).await;
    bob.event("message").await;
    fill_the_disk(&server);
    for _ in 0..5 {
        assert_eq!(alice.error(message("bob", &text)).await, "storage");
        bob.nothing().await;
    }
    server.limit_files(None);
    for number in 2..5 {
        assert_eq!(alice.say("bob", &text).await["number"], number);
        assert_eq!(number_heard(&mut bob).await, number);
    }
}

async fn number_heard(raw: &mut Raw) -> Value {
    raw.event("message").await["number"].take()
}
