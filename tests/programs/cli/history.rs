use kith_tests::Server;
use serde_json::json;

use super::Person;

#[tokio::test]
async fn history_goes_back_over_several_pages() {
    let mut server = Server::start();
    let bob = Person::registered("bob", &server).await;
    let mut alice = server.user("alice").await;
    for number in 1..=130 {
        alice.say("bob", &format!("message {number}")).await;
    }
    alice.leave().await;

    let numbers = async |arguments: &[&str]| -> Vec<u64> {
        let messages = bob.lines(&[&["history", "alice"], arguments].concat()).await;
        messages
            .iter()
            .map(|message| message["number"].as_u64().unwrap())
            .collect()
    };
    // What a new device fetches first is the end; the rest comes when it is asked for.
    assert_eq!(numbers(&[]).await, (111..=130).collect::<Vec<_>>());
    assert_eq!(numbers(&["--limit", "3"]).await, [128, 129, 130]);
    assert_eq!(
        numbers(&["--before", "111", "--limit", "60"]).await,
        (51..=110).collect::<Vec<_>>()
    );
    assert_eq!(numbers(&["--before", "3"]).await, [1, 2]);
    assert_eq!(numbers(&["--before", "1"]).await, [0; 0]);
    assert_eq!(numbers(&["-n", "1000"]).await, (1..=130).collect::<Vec<_>>());

    let shown = bob.does(&["history", "alice", "-n", "1"]).await;
    assert!(
        shown.starts_with(" 130  ") && shown.ends_with(" alice: message 130\n"),
        "{shown:?}"
    );
    let nothing = bob
        .command(&["history", "alice", "--limit", "0"])
        .output()
        .await
        .unwrap();
    assert_eq!(nothing.status.code(), Some(2));
    let told = bob.fails(1, &["history", "carol"]).await;
    assert_eq!(told, "there is no conversation with carol yet");

    // Without the server, this machine's copy does.
    server.kill();
    let output = bob
        .command(&["--json", "history", "alice", "-n", "130"])
        .output()
        .await
        .unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 130);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("this is as of the last time"), "{told}");
}

#[tokio::test]
async fn messages_are_answered_changed_reacted_to_and_erased_by_number() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let bob = Person::registered("bob", &server).await;
    let sent = alice.asks(&["send", "bob", "see you at four"]).await;
    assert_eq!(sent["number"], 1);
    assert_eq!(
        alice
            .does(&["edit", "bob", "1", "see", "you", "at", "five"])
            .await,
        "Message 1 is changed.\n"
    );
    bob.does(&["react", "alice", "1", "👍"]).await;
    bob.does(&["send", "--reply-to", "1", "alice", "gladly"]).await;

    let both = alice.lines(&["history", "bob"]).await;
    let [first, second] = &both[..] else {
        panic!("{both:?}")
    };
    assert_eq!(first["text"], "see you at five");
    assert!(first["edited"].is_i64(), "{first}");
    assert_eq!(first["reactions"], json!({"👍": ["bob"]}));
    assert_eq!(
        (&second["text"], &second["reply_to"]),
        (&json!("gladly"), &json!(1))
    );
    // Bob's program has told that it has it; that he has read it is his to say.
    assert_eq!(first["state"], "delivered");
    bob.does(&["listen", "--once", "--read"]).await;
    assert_eq!(alice.lines(&["history", "bob"]).await[0]["state"], "read");
    let shown = alice.does(&["history", "bob"]).await;
    let lines: Vec<&str> = shown.lines().collect();
    assert!(
        lines[0].ends_with("alice: see you at five (edited)  [👍 bob]"),
        "{shown}"
    );
    assert!(lines[1].ends_with("bob: (answers 1) gladly"), "{shown}");

    bob.does(&["react", "alice", "1", "👍", "--remove"]).await;
    let told = bob.fails(1, &["edit", "alice", "1", "never"]).await;
    assert_eq!(told, "this is somebody else's");
    alice.does(&["delete", "bob", "1"]).await;
    let messages = bob.lines(&["history", "alice"]).await;
    assert_eq!(
        (&messages[0]["kind"], &messages[0]["reactions"]),
        (&json!("erased"), &json!({}))
    );
    alice.does(&["delete", "bob", "1"]).await;
    bob.fails(1, &["delete", "alice", "1"]).await;
    // What was refused while somebody waited for it is in nobody's way.
    assert_eq!(alice.does(&["outbox"]).await, "");

    let shown = bob.does(&["listen", "--once"]).await;
    assert!(shown.ends_with("* alice erased 1, 2\n"), "{shown}");
}
