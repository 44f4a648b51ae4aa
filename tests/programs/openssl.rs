//! The seed's protocol through `openssl s_client`, which knows nothing of Kith.

use kith_tests::{PASSWORD, Server};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::process::Process;

/// Somebody with openssl and nothing else.
struct Person {
    process: Process,
    /// What stands between objects.
    gap: &'static str,
}

impl Person {
    fn connect(server: &Server, gap: &'static str) -> Self {
        let mut command = Command::new("openssl");
        command
            .args(["s_client", "-quiet", "-verify_return_error"])
            .args(["-servername", "localhost", "-verify_hostname", "localhost"])
            .args(["-connect", &server.address.to_string()])
            .arg("-CAfile")
            .arg(server.ca());
        let process = Process::start(&mut command);
        Self { process, gap }
    }

    async fn ask(&mut self, request: Value) -> Value {
        self.process.write(&format!("{request}{}", self.gap)).await;
        let reply = self.process.json().await;
        assert_eq!(reply["status"], "ok", "{request} -> {reply}");
        reply
    }

    async fn log_in(&mut self, action: &str, name: &str) {
        self.ask(json!({"action": action, "username": name, "password": PASSWORD}))
            .await;
    }

    /// Closes the connection; returns what the server had still said.
    async fn leave(self) -> Vec<String> {
        self.process.stop().await.1
    }
}

#[tokio::test]
async fn the_seeds_protocol_with_newlines_between_objects() {
    chat("\n").await;
}

#[tokio::test]
async fn the_seeds_protocol_with_nothing_between_objects() {
    chat("").await;
}

/// Everything that the seed's README says its program does.
async fn chat(gap: &'static str) {
    let server = Server::start();
    let mut alice = Person::connect(&server, gap);
    alice.log_in("register", "alice").await;
    alice.log_in("login", "alice").await;
    let mut bob = Person::connect(&server, gap);
    bob.log_in("register", "bob").await;
    bob.log_in("login", "bob").await;

    alice
        .ask(json!({"action": "contacts", "contact_action": "add", "contact_username": "bob"}))
        .await;
    let list = alice
        .ask(json!({"action": "contacts", "contact_action": "list"}))
        .await;
    assert_eq!(list["contacts"], json!(["bob"]));

    let text = "Hallo Bob \u{1f44b} \"{[\\";
    alice
        .ask(json!({"action": "message", "receiver": "bob", "content": text}))
        .await;
    let event = bob.process.json().await;
    assert_eq!(event["event"], "message");
    assert_eq!(
        (&event["sender"], &event["content"]),
        (&json!("alice"), &json!(text))
    );

    let file = json!({"action": "file", "receiver": "alice", "file_name": "a.bin", "file_data": "AAECA//+"});
    bob.ask(file).await;
    let event = alice.process.json().await;
    assert_eq!(event["event"], "file");
    assert_eq!(event["sender"], "bob");
    assert_eq!(
        (&event["file_name"], &event["file_data"]),
        (&json!("a.bin"), &json!("AAECA//+"))
    );

    assert_eq!(bob.leave().await, Vec::<String>::new());
    for number in 1..=3 {
        alice
            .ask(json!({"action": "message", "receiver": "bob", "content": format!("missed {number}")}))
            .await;
    }
    alice
        .ask(json!({"action": "file", "receiver": "bob", "file_name": "b.bin", "file_data": "/w=="}))
        .await;
    let mut bob = Person::connect(&server, gap);
    bob.log_in("login", "bob").await;
    // A connection that was cut may bring again what it brought before.
    let mut event = bob.process.json().await;
    if event["content"] == text {
        event = bob.process.json().await;
    }
    for number in 1..=3 {
        assert_eq!(event["content"], format!("missed {number}"));
        event = bob.process.json().await;
    }
    assert_eq!(
        (&event["file_name"], &event["file_data"]),
        (&json!("b.bin"), &json!("/w=="))
    );
}

#[tokio::test]
async fn openssl_refuses_another_authority() {
    let (server, other) = (Server::start(), Server::start());
    let mut command = Command::new("openssl");
    command
        .args(["s_client", "-quiet", "-verify_return_error", "-connect"])
        .arg(server.address.to_string())
        .arg("-CAfile")
        .arg(other.ca());
    let (status, lines) = Process::start(&mut command).end().await;
    assert!(!status.success());
    assert_eq!(lines, Vec::<String>::new());
}
