use kith_tests::{PASSWORD, Server};
use serde_json::json;

use super::{Person, heard, text};

#[tokio::test]
async fn two_people_chat() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let bob = Person::registered("bob", &server).await;
    assert_eq!(
        alice.does(&["contacts", "add", "bob"]).await,
        "bob is among your contacts.\n"
    );
    assert_eq!(alice.does(&["contacts"]).await, "bob\n");
    assert_eq!(
        alice.asks(&["contacts"]).await,
        json!({"contacts": ["bob"], "blocked": []})
    );

    let mut listener = bob.listens();
    assert_eq!(
        alice.does(&["send", "bob", "hi", "there"]).await,
        "Sent to bob.\n"
    );
    assert_eq!(text(&heard(&mut listener).await), ("alice", "hi there"));
    alice
        .does_with(&["send", "bob"], "two lines\nof Zoë \u{1f44b}\n".as_bytes())
        .await;
    assert_eq!(
        text(&heard(&mut listener).await),
        ("alice", "two lines\nof Zoë \u{1f44b}")
    );
    alice.does_with(&["send", "bob", "-"], b"from a pipe").await;
    assert_eq!(text(&heard(&mut listener).await), ("alice", "from a pipe"));
    alice.does(&["send", "bob", "--", "--force", "of", "habit"]).await;
    assert_eq!(text(&heard(&mut listener).await), ("alice", "--force of habit"));

    // A person's own messages from elsewhere are shown too; what this computer sent is not missed here.
    bob.does(&["send", "alice", "hello"]).await;
    assert_eq!(text(&heard(&mut listener).await), ("bob", "hello"));
    let missed = alice.missed().await;
    assert_eq!(missed.iter().map(text).collect::<Vec<_>>(), [("bob", "hello")]);
    assert_eq!(alice.missed().await, Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn a_person_without_json_reads_lines() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let bob = Person::registered("bob", &server).await;
    bob.does(&["listen", "--once"]).await;
    alice.does(&["send", "bob", "hi"]).await;
    let shown = bob.does(&["listen", "--once"]).await;
    assert!(shown.ends_with(" alice: hi\n"), "{shown}");
    assert_eq!(shown.lines().count(), 1, "{shown}");
}

#[tokio::test]
async fn a_client_of_the_seed_and_kith_cli_understand_each_other() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let mut listener = alice.listens();
    let mut seed = server.user("carol").await;

    seed.say("alice", "from 2024").await;
    assert_eq!(text(&heard(&mut listener).await), ("carol", "from 2024"));
    seed.ok(json!({"action": "file", "receiver": "alice", "file_name": "a.bin", "file_data": "AP8="}))
        .await;
    let event = heard(&mut listener).await;
    assert_eq!(
        (&event["event"], &event["body"]["file_name"]),
        (&json!("file"), &json!("a.bin"))
    );
    alice
        .does(&["get-file", event["body"]["file"].as_str().unwrap()])
        .await;
    assert_eq!(std::fs::read(alice.home.path().join("a.bin")).unwrap(), [0, 255]);

    alice.does(&["send", "carol", "welcome"]).await;
    assert_eq!(seed.hear().await, ("alice".to_owned(), "welcome".to_owned()));
    std::fs::write(alice.home.path().join("b.bin"), [1, 254]).unwrap();
    alice.does(&["send-file", "carol", "b.bin"]).await;
    let event = seed.receive().await;
    assert_eq!(
        (&event["file_name"], &event["file_data"]),
        (&json!("b.bin"), &json!("Af4="))
    );

    // And for somebody who was away.
    seed.leave().await;
    alice.does(&["send", "carol", "see you"]).await;
    let mut seed = server.login("carol").await;
    assert_eq!(seed.hear().await, ("alice".to_owned(), "see you".to_owned()));
}

#[tokio::test]
async fn two_accounts_share_a_computer_and_two_computers_an_account() {
    let server = Server::start();
    let both = Person::registered("alice", &server).await;
    // The server is known already, so that nothing vouches for it anew.
    both.does(&["register", "bob", "--server", &server.address.to_string()])
        .await;
    both.does(&["--account", "alice", "send", "bob", "to myself, nearly"])
        .await;
    let missed = both.asks(&["--account", "bob", "contacts"]).await;
    assert_eq!(missed["contacts"], json!([]));
    let shown = both.does(&["--account", "bob", "listen", "--once"]).await;
    assert!(shown.ends_with(" alice: to myself, nearly\n"), "{shown}");

    let other = Person::new();
    let address = server.address.to_string();
    other
        .does(&["login", "Alice", "--server", &address, "--pin", &server.pin])
        .await;
    let missed = other.missed().await;
    assert_eq!(
        missed.iter().map(text).collect::<Vec<_>>(),
        [("alice", "to myself, nearly")]
    );
    let shared = both.home.path().join("kith/profile.json");
    assert!(!std::fs::read_to_string(shared).unwrap().contains(PASSWORD));
}
