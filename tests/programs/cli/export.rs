use std::fs;
use std::path::{Path, PathBuf};

use kith_tests::Server;
use serde_json::{Value, json};

use super::Person;

/// All files below a folder, and what they hold.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn an_export_goes_on_where_it_ended_and_replaces_nothing() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let bob = Person::registered("bob", &server).await;
    let mut many = server.login("alice").await;
    for number in 1..=80 {
        many.say("bob", &number.to_string()).await;
    }
    many.leave().await;
    fs::write(alice.home.path().join("plan.txt"), "the plan").unwrap();
    alice.does(&["send-file", "bob", "plan.txt"]).await;

    let done = bob.asks(&["export", "backup"]).await;
    assert_eq!((&done["files"], &done["missing"]), (&json!(1), &json!(0)));
    let folder = bob.home.path().join("backup");
    let conversation = |name: &str| {
        let found = files(&folder.join("conversations"));
        let (path, bytes) = found
            .iter()
            .find(|(path, _)| path.file_name().unwrap().to_str().unwrap().starts_with(name))
            .unwrap();
        let events = String::from_utf8(bytes.clone()).unwrap();
        let numbers = events.lines().map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["number"]
                .as_u64()
                .unwrap()
        });
        (path.clone(), numbers.collect::<Vec<_>>())
    };
    let (path, numbers) = conversation("alice-");
    assert_eq!(numbers, (1..=81).collect::<Vec<_>>());
    let exported: Vec<_> = files(&folder.join("files"));
    assert_eq!(exported[0].1, b"the plan");

    // Nothing is new.
    let before = files(&folder);
    let done = bob.asks(&["export", "backup"]).await;
    assert_eq!((&done["events"], &done["files"]), (&json!(0), &json!(0)));
    assert_eq!(files(&folder), before);

    // A run was cut off in the middle of a line, and before the file came; meanwhile there is more.
    let text = fs::read_to_string(&path).unwrap();
    let cut = text.len() - 150;
    fs::write(&path, &text.as_bytes()[..cut]).unwrap();
    fs::remove_file(&exported[0].0).unwrap();
    alice.does(&["send", "bob", "later"]).await;
    let done = bob.asks(&["export", "backup"]).await;
    assert_eq!(done["files"], 1);
    assert_eq!(conversation("alice-").1, (1..=82).collect::<Vec<_>>());
    assert!(fs::read_to_string(&path).unwrap().starts_with(&text));

    // It is nobody else's, and what lies there stays.
    fs::create_dir(alice.home.path().join("mine")).unwrap();
    fs::copy(
        folder.join("export.json"),
        alice.home.path().join("mine/export.json"),
    )
    .unwrap();
    let told = alice.fails(6, &["export", "mine"]).await;
    assert!(told.contains("another account's export"), "{told}");
    fs::write(&path, "my diary\n").unwrap();
    bob.fails(6, &["export", "backup"]).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), "my diary\n");
}
