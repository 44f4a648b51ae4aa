//! Some syncs do nothing, as if the server had forgotten them: what is lost then is noticed.
//!
//! To the disk a sync that does nothing is the same as one that was never asked for: with those of the database ignored the
//! server is one with `synchronous=OFF`. So these tests show that the others would fail.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kith_tests::Raw;
use serde_json::json;

use crate::disk::{Disk, Unsynced};

/// Messages that are acknowledged before the power goes.
const MESSAGES: usize = 20;

/// What is left of what was acknowledged.
#[derive(Debug, PartialEq)]
struct Left {
    messages: usize,
    /// Whether the file that was announced is there and whole.
    file: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_without_a_sync_left_out_loses_nothing() {
    let left = power_cut(&[]).await;
    assert_eq!(
        left,
        Left {
            messages: MESSAGES,
            file: true
        }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_with_synchronous_off_is_noticed() {
    // The database, its write-ahead log, and the folder where it makes the names of both.
    let left = power_cut(&["data/kith.db*", "data"]).await;
    assert_eq!(
        left,
        Left {
            messages: 0,
            file: false
        }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_with_synchronous_normal_is_noticed() {
    // Then the write-ahead log is synced only before it is copied into the database.
    let left = power_cut(&["data/kith.db-wal"]).await;
    assert_eq!(left.messages, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_without_a_sync_of_files_is_noticed() {
    let left = power_cut(&["data/blobs/*"]).await;
    assert_eq!(
        left,
        Left {
            messages: MESSAGES,
            file: false
        }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_without_a_sync_of_the_files_folder_is_noticed() {
    let left = power_cut(&["data/blobs"]).await;
    assert_eq!(
        left,
        Left {
            messages: MESSAGES,
            file: false
        }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_with_a_setup_that_forgets_a_sync_is_noticed() {
    for (forgotten, lost) in [
        (".", "data"),
        ("data", "data/kith.toml"),
        ("data/certs", "data/certs/ca-key.pem"),
    ] {
        let (disk, builder) = Disk::new();
        let server = builder.bare();
        disk.ignore(&[forgotten]);
        server.must(&["setup"]);
        let lost = server.data().parent().unwrap().join(lost);
        assert!(lost.exists());
        disk.lose_power(Unsynced::Lost);
        assert!(!lost.exists(), "{} is there", lost.display());
    }
}

/// A power cut after everything was acknowledged, with a server that leaves out the syncs of what matches.
async fn power_cut(left_out: &[&str]) -> Left {
    let (disk, builder) = Disk::new();
    let mut server = builder.start();
    let mut alice = server.native_user("alice").await;
    server.native_user("bob").await;
    let hello = alice.say("bob", "Hello").await;
    // Up to here all is well.
    server.stop();
    disk.settle();
    disk.ignore(left_out);
    server.restart();

    let mut alice = server.native_login("alice").await;
    for number in 1..=MESSAGES {
        alice.say("bob", &number.to_string()).await;
    }
    let bytes = [7; 10_000];
    let data = STANDARD.encode(bytes);
    let sent = alice
        .ok(json!({"action": "file", "receiver": "bob", "file_name": "a.bin", "file_data": data}))
        .await;
    server.kill();
    disk.lose_power(Unsynced::Lost);
    server.restart();

    let mut bob = server.native_login("bob").await;
    let messages = messages(&mut bob, hello["conversation"].as_str().unwrap()).await;
    bob.send(json!({"action": "file_get", "file": sent["file"]}))
        .await;
    let file = bob.receive().await;
    let file = file["file_data"].as_str() == Some(&data);
    // Without the greeting.
    Left {
        messages: messages - 1,
        file,
    }
}

async fn messages(raw: &mut Raw, conversation: &str) -> usize {
    let synced = raw.ok(json!({"action": "sync", "logs": {conversation: 0}})).await;
    let logs = synced["logs"].as_array().unwrap().iter();
    let events = logs
        .filter(|log| log["conversation"] == conversation)
        .flat_map(|log| log["events"].as_array().unwrap());
    events.filter(|event| event["event"] == "message").count()
}
