//! What the administrator does on the command line, while the server runs.

use kith_tests::{PASSWORD, Raw, Server};
use serde_json::json;

use crate::requests::{file, file_get, login, message, resume, sync};

/// A new password for an account, as the command line sets it.
fn set_password(server: &Server, name: &str, password: &str) -> Result<(), String> {
    let output = server.command_with(&["user", "passwd", name], &[("KITH_NEW_PASSWORD", password)]);
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

async fn both_ways(server: &Server) -> (Raw, Raw) {
    let native = server.native_user("bob").await;
    (native, server.login("bob").await)
}

/// Waits until both connections were told, and are guests.
async fn ended((native, script): &mut (Raw, Raw)) {
    for raw in [native, script] {
        raw.event("session_ended").await;
        assert_eq!(raw.error(message("alice", "am I here?")).await, "not_logged_in");
    }
}

#[tokio::test]
async fn accounts_are_listed() {
    let server = Server::start();
    server.user("carol").await;
    server.connect().await.register("Bob").await;
    server.must(&["user", "disable", "carol"]);
    let list = server.must(&["user", "list"]);
    let words: Vec<Vec<&str>> = list
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(words[1][..2], ["Bob", "active"]);
    assert_eq!(words[1].last(), Some(&"never"));
    assert_eq!(words[2][..2], ["carol", "disabled"]);
    assert_ne!(words[2].last(), Some(&"never"));
    assert_eq!(words.len(), 3);
}

#[tokio::test]
async fn a_disabled_account_is_out_at_once_and_comes_back_when_it_is_enabled() {
    let server = Server::start();
    let mut bob = both_ways(&server).await;
    let mut phone = server.connect_native().await;
    let token = phone.login("bob").await["token"].clone();
    let mut alice = server.user("alice").await;
    server.must(&["user", "disable", "BOB"]);
    ended(&mut bob).await;
    let (mut native, mut script) = bob;
    assert_eq!(native.error(login("bob", PASSWORD)).await, "bad_credentials");
    assert_eq!(native.error(resume(&token)).await, "session_ended");
    // What is said to him waits.
    alice.say("bob", "see you later").await;
    server.must(&["user", "enable", "bob"]);
    native.login("bob").await;
    assert_eq!(native.error(resume(&token)).await, "conflict");
    script.login("bob").await;
    assert_eq!(script.hear().await.1, "see you later");
    // The sessions of before stay ended.
    assert_eq!(
        server.connect_native().await.error(resume(&token)).await,
        "session_ended"
    );
}

#[tokio::test]
async fn a_password_set_by_the_administrator_ends_all_sessions() {
    let server = Server::start();
    let mut bob = both_ways(&server).await;
    assert!(
        set_password(&server, "bob", "short")
            .unwrap_err()
            .contains("8 to 1024")
    );
    assert!(set_password(&server, "bob", "bob").is_err());
    assert!(
        set_password(&server, "nobody", "a new good one")
            .unwrap_err()
            .contains("no user nobody")
    );
    bob.0.nothing().await;
    set_password(&server, "bob", "a new good one").unwrap();
    ended(&mut bob).await;
    let (mut native, _) = bob;
    assert_eq!(native.error(login("bob", PASSWORD)).await, "bad_credentials");
    native.ok(login("bob", "a new good one")).await;
}

#[tokio::test]
async fn a_deleted_account_takes_its_words_along() {
    let server = Server::start();
    let mut bob = both_ways(&server).await;
    let mut alice = server.native_user("alice").await;
    let sent = bob.0.ok_after_events(file("alice", "mine.txt", b"mine")).await;
    bob.0.ok_after_events(message("alice", "remember this")).await;
    alice.event("message").await;
    alice.say("bob", "I will").await;
    let refused = server.command(&["user", "delete", "bob"]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--yes"));
    assert!(
        server
            .must(&["user", "delete", "bob", "--yes"])
            .contains("has ended")
    );
    ended(&mut bob).await;

    let all = alice.ok(sync(json!({}))).await;
    let log = all["logs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|log| log["conversation"] == sent["conversation"])
        .unwrap();
    let events: Vec<_> = log["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (&event["number"], &event["body"]))
        .collect();
    assert_eq!(
        events,
        [
            (&json!(1), &json!(null)),
            (&json!(2), &json!(null)),
            (&json!(3), &json!({"content": "I will"}))
        ]
    );
    assert_eq!(alice.error(file_get(&sent["file"])).await, "not_found");
    assert_eq!(std::fs::read_dir(server.data().join("blobs")).unwrap().count(), 0);
    assert_eq!(alice.error(message("bob", "are you there?")).await, "not_found");
    assert_eq!(
        alice
            .error(crate::requests::message_into(
                &sent["conversation"],
                "are you there?"
            ))
            .await,
        "not_found"
    );
}

#[tokio::test]
async fn unknown_people_are_named() {
    let server = Server::start();
    for command in [
        &["user", "disable", "nobody"][..],
        &["user", "enable", "nobody"],
        &["user", "delete", "nobody", "--yes"],
    ] {
        assert_eq!(server.fails(command), "kith-server: there is no user nobody");
    }
}

#[tokio::test]
async fn check_says_a_line_for_each_thing() {
    let mut server = Server::start();
    server.user("alice").await;
    server.stop();
    let said = server.must(&["check", "--listen", "127.0.0.1:0"]);
    for thing in [
        "configuration",
        "certificate",
        "key",
        "pepper",
        "database",
        "disk",
        "port",
    ] {
        let begins = format!("ok    {thing}");
        let is_there = said.lines().any(|line| line.starts_with(&begins));
        assert!(is_there, "nothing about the {thing}:\n{said}");
    }
    for line in said.lines() {
        assert!(line.starts_with("ok") || line.starts_with("warn"), "{line}");
    }
    assert!(said.contains("1 accounts"), "{said}");
    std::fs::write(server.data().join("kith.toml"), "colour = \"blue\"\n").unwrap();
    let output = server.command(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    let failed = said.lines().find(|line| line.starts_with("FAIL")).unwrap();
    assert!(
        failed.contains("line 1") && failed.contains("colour") && failed.contains(" — "),
        "{failed}"
    );
}
