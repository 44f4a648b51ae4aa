//! `server.log`: who did what from where, and never a secret.

use std::fs;

use kith_tests::{PASSWORD, Server};
use serde_json::json;

use crate::requests::{
    contacts, file, file_get, login, message, password, register, register_with, resume, with,
};

const TEXT: &str = "the text of a message is nobody's business";
const FILE: &[u8] = b"nor is what is in a file";
const NEW_PASSWORD: &str = "a new and better password";
const WRONG_PASSWORD: &str = "a password that was mistyped";
const WEAK_PASSWORD: &str = "weakpw1";

/// What looks like this stands in some line of the log.
#[track_caller]
fn has(log: &str, words: &[&str]) {
    let found = log
        .lines()
        .any(|line| words.iter().all(|word| line.contains(word)));
    assert!(found, "no line with {words:?} in\n{log}");
}

#[tokio::test]
async fn the_log_has_the_five_kinds_and_no_secrets() {
    let mut server = Server::builder().survives_file_limit().start();
    let invite = server.admin_link.split("invite=").nth(1).unwrap().to_owned();
    let mut bob = server.user("bob").await;
    let mut alice = server.connect_native().await;
    assert_eq!(
        alice.error(register("alice", WEAK_PASSWORD)).await,
        "weak_password"
    );
    alice.ok(register_with("alice", PASSWORD, &invite)).await;
    assert_eq!(
        alice.error(login("alice", WRONG_PASSWORD)).await,
        "bad_credentials"
    );
    let token = alice.login("alice").await["token"].clone();
    assert_eq!(
        server.connect_native().await.ok(resume(&token)).await["username"],
        "alice"
    );
    assert_eq!(
        server
            .connect_native()
            .await
            .error(resume(&json!("a made-up token")))
            .await,
        "session_ended"
    );
    alice.say("bob", TEXT).await;
    let sent = alice
        .ok(with(file("bob", "plan.txt", FILE), "client_id", "c-1"))
        .await;
    alice.ok(file_get(&sent["file"])).await;
    bob.hear().await;
    bob.ok_after_events(contacts("block", "alice")).await;
    assert_eq!(alice.error(message("bob", TEXT)).await, "blocked");
    assert_eq!(
        alice
            .error(with(file("bob", "plan.txt", FILE), "expect", 9))
            .await,
        "blocked"
    );
    alice.ok(password(PASSWORD, NEW_PASSWORD)).await;
    bob.send_bytes(format!("{{\"action\":\"message\",\"content\":\"{TEXT}\n").as_bytes())
        .await;
    bob.refused("half a message").await;
    crate::storage::fill_the_disk(&server);
    assert_eq!(alice.error(contacts("add", "bob")).await, "storage");
    server.limit_files(None);
    bob.leave().await;
    let output = server.command_with(&["user", "passwd", "bob"], &[("KITH_NEW_PASSWORD", NEW_PASSWORD)]);
    assert!(output.status.success());
    server.stop();

    let log = server.log();
    let (alice, here) = ("user=\"alice\"", "address=\"127.0.0.1\"");
    has(&log, &["INFO connection: connected", here, "protocol=\"kith/1\""]);
    has(
        &log,
        &[
            "INFO connection: disconnected",
            "user=\"bob\"",
            here,
            "closed by the client",
        ],
    );
    has(&log, &["INFO authentication: registered", alice, here]);
    has(&log, &["INFO authentication: logged in", alice, here, "device="]);
    has(&log, &["INFO authentication: resumed", alice, here, "device="]);
    has(
        &log,
        &[
            "WARN authentication: login refused",
            alice,
            here,
            "BadCredentials",
        ],
    );
    has(&log, &["WARN authentication: resume refused", "user=\"-\"", here]);
    has(&log, &["INFO authentication: password changed", alice, here]);
    has(
        &log,
        &[
            "INFO routing: routed",
            alice,
            here,
            "to=\"bob\"",
            sent["conversation"].as_str().unwrap(),
        ],
    );
    has(
        &log,
        &[
            "INFO transfer: file stored",
            alice,
            here,
            "size=24",
            sent["file"].as_str().unwrap(),
        ],
    );
    has(
        &log,
        &[
            "INFO transfer: file fetched",
            alice,
            here,
            sent["file"].as_str().unwrap(),
        ],
    );
    has(&log, &["WARN transfer: file refused", alice, here, "Blocked"]);
    has(&log, &["ERROR error: ", alice, here]);
    let secrets = [
        TEXT,
        PASSWORD,
        NEW_PASSWORD,
        WRONG_PASSWORD,
        WEAK_PASSWORD,
        "a made-up token",
        &invite,
    ];
    for secret in
        secrets
            .into_iter()
            .chain([token.as_str().unwrap(), "nor is what", "bm9yIGlzIHdoYXQ", "$2b$"])
    {
        assert!(!log.contains(secret), "{secret:?} stands in the log");
    }
    // Time in UTC, importance and kind stand first in every line.
    for line in log.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert!(words[0].ends_with('Z') && words[0].contains('T'), "{line}");
        assert!(["INFO", "WARN", "ERROR"].contains(&words[1]), "{line}");
    }
}

#[tokio::test]
async fn there_is_a_file_a_day_a_link_to_the_newest_and_an_end_to_them() {
    let mut server = Server::builder().set("KITH_LOG__FILES", "3").start();
    server.stop();
    let logs = server.data().join("logs");
    let link = fs::read_link(logs.join("server.log")).unwrap();
    let today = link.file_name().unwrap().to_str().unwrap();
    let day = today
        .strip_prefix("server.")
        .and_then(|name| name.strip_suffix(".log"))
        .unwrap();
    assert!(
        day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'),
        "{today}"
    );
    for old in 1..=9 {
        fs::write(logs.join(format!("server.2020-01-0{old}.log")), "").unwrap();
    }
    fs::write(logs.join("notes.txt"), "mine").unwrap();
    server.restart();
    let mut names: Vec<String> = fs::read_dir(&logs)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("server.2"))
        .collect();
    names.sort();
    assert!(names.len() <= 3, "{names:?}");
    assert_eq!(names.last().unwrap(), today);
    assert!(logs.join("notes.txt").exists());
}

#[tokio::test]
async fn routing_can_be_kept_out_of_the_log() {
    let mut server = Server::builder().set("KITH_LOG__ROUTING", "false").start();
    let mut bob = server.user("bob").await;
    server.user("alice").await.say("bob", TEXT).await;
    bob.hear().await;
    server.stop();
    let log = server.log();
    assert!(
        log.contains("authentication:") && !log.contains("routing:"),
        "{log}"
    );
}
