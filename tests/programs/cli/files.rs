use std::fs;
use std::path::{Path, PathBuf};

use kith_tests::Server;

use super::Person;

#[tokio::test]
async fn files_arrive_to_the_byte_and_replace_nothing() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let bob = Person::registered("bob", &server).await;
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| ((n * 7) >> 3) as u8).collect();
    fs::write(alice.home.path().join("holiday.bin"), &bytes).unwrap();
    let said = alice.does(&["send-file", "bob", "holiday.bin"]).await;
    let id = said
        .split_once("(file ")
        .unwrap()
        .1
        .trim_end_matches(").\n")
        .to_owned();

    let events = bob.missed().await;
    assert_eq!(events.len(), 1);
    let body = &events[0]["body"];
    assert_eq!(
        (&body["file_name"], &body["size"], &body["file"]),
        (&"holiday.bin".into(), &bytes.len().into(), &id.as_str().into())
    );
    assert_eq!(
        bob.does(&["get-file", &id]).await,
        "Saved holiday.bin (3000000 bytes).\n"
    );
    let there = bob.home.path().join("holiday.bin");
    assert!(fs::read(&there).unwrap() == bytes);

    // What is there stays, unless it is said otherwise.
    fs::write(&there, "mine").unwrap();
    let told = bob.fails(6, &["get-file", &id]).await;
    assert_eq!(
        told,
        "holiday.bin is there already; name another PATH, or say --force"
    );
    bob.fails(6, &["get-file", &id, "--output", "holiday.bin"]).await;
    assert_eq!(fs::read(&there).unwrap(), b"mine");
    bob.does(&["get-file", &id, "other.bin"]).await;
    assert!(fs::read(bob.home.path().join("other.bin")).unwrap() == bytes);
    let printed = bob
        .command(&["get-file", &id, "--output", "-"])
        .output()
        .await
        .unwrap();
    assert!(printed.status.success() && printed.stdout == bytes);
    bob.does(&["get-file", &id, "--force"]).await;
    assert!(fs::read(&there).unwrap() == bytes);
}

#[tokio::test]
async fn what_is_no_file_or_not_for_oneself_is_refused() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let bob = Person::registered("bob", &server).await;
    let eve = Person::registered("eve", &server).await;
    fs::write(alice.home.path().join("secret.txt"), "secret").unwrap();
    let sent = alice
        .asks(&["send-file", "bob", "secret.txt", "--name", "plan.txt"])
        .await;
    let id = sent["file"].as_str().unwrap();
    // An id may begin like an option.
    for unknown in ["AAAAAAAAAAAAAAAAAAAAAA", "-LAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(
            eve.fails(1, &["get-file", id]).await,
            eve.fails(1, &["get-file", unknown]).await
        );
    }
    bob.does(&["get-file", id]).await;
    assert_eq!(fs::read(bob.home.path().join("plan.txt")).unwrap(), b"secret");

    assert_eq!(
        alice.fails(6, &["send-file", "bob", "nowhere.txt"]).await,
        "nowhere.txt: No such file or directory"
    );
    assert!(
        alice
            .fails(6, &["send-file", "bob", "."])
            .await
            .contains("is a folder")
    );
    let hostile = alice
        .fails(2, &["send-file", "bob", "secret.txt", "--name", "../x"])
        .await;
    assert!(hostile.contains("--name"), "{hostile}");
}

#[tokio::test]
async fn a_file_of_any_size_goes_over_and_goes_on_where_it_was() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let bob = Person::registered("bob", &server).await;
    let mut bytes: Vec<u8> = (0..12_000_000_u32).map(|n| ((n * 7) >> 3) as u8).collect();
    bytes[..8].copy_from_slice(b"\x89PNG\r\n\x1a\n");
    fs::write(alice.home.path().join("large.png"), &bytes).unwrap();
    // It is killed in the middle, and the same command goes on with it.
    let slow = ["send-file", "bob", "large.png", "--limit-rate", "3M"];
    let mut child = alice.command(&slow).spawn().unwrap();
    server.logged(1, &["upload opened"]).await;
    server.logged(1, &["connected", "http/1.1"]).await;
    child.kill().await.unwrap();
    let sent = alice.asks(&["send-file", "bob", "large.png"]).await;
    let id = sent["file"].as_str().unwrap();
    server.logged(1, &["upload opened"]).await;

    let events = bob.missed().await;
    assert_eq!(events.len(), 1, "it was sent once");
    let body = &events[0]["body"];
    assert_eq!(
        (&body["file_name"], &body["size"], &body["media_type"]),
        (&"large.png".into(), &bytes.len().into(), &"image/png".into())
    );
    let mut child = bob
        .command(&["get-file", id, "--limit-rate", "3M"])
        .spawn()
        .unwrap();
    server.logged(3, &["connected", "http/1.1"]).await;
    child.kill().await.unwrap();
    assert_eq!(
        bob.does(&["get-file", id]).await,
        "Saved large.png (12000000 bytes).\n"
    );
    let there = bob.home.path().join("large.png");
    assert!(fs::read(&there).unwrap() == bytes);
    assert_eq!(parts(bob.home.path()).len(), 0);
    fs::write(&there, "mine").unwrap();
    bob.fails(6, &["get-file", id]).await;
    assert_eq!(fs::read(&there).unwrap(), b"mine");
    bob.does(&["get-file", id, "--force"]).await;
    assert!(fs::read(&there).unwrap() == bytes);
    let printed = bob.command(&["get-file", id, "-"]).output().await.unwrap();
    assert!(printed.status.success() && printed.stdout == bytes);
    bob.does(&["export", "all"]).await;
    let exported = bob.home.path().join("all/files").join(id).join("large.png");
    assert!(fs::read(exported).unwrap() == bytes);
}

/// What has come of files that aren't there yet.
fn parts(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "part"))
        .collect()
}
