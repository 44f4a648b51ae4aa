use std::fs;

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
    fs::write(alice.home.path().join("large"), vec![0; 8 * 1024 * 1024 + 1]).unwrap();
    let large = alice.fails(1, &["send-file", "bob", "large"]).await;
    assert!(
        large.contains("large is too large: at most 8388608 bytes can be sent"),
        "{large}"
    );
}
