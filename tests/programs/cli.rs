//! `kith-cli` as people and scripts run it, against the real server.

mod at_a_terminal;
mod chat;
mod errors;
mod export;
mod files;
mod history;
mod invites;
mod listen;
mod outbox;
mod profile;
mod sessions;
mod shells;

use std::fs;
use std::net::SocketAddr;
use std::process::{Output, Stdio};

use kith_tests::{PASSWORD, Server, program};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::process::Process;

/// Somebody with a computer of their own: a home folder, and a server that they know.
pub(crate) struct Person {
    pub(crate) home: TempDir,
}

impl Person {
    /// A computer that has never seen Kith.
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { home }
    }

    /// Registered and logged in, with the server's fingerprint on a slip of paper.
    pub(crate) async fn registered(name: &str, server: &Server) -> Self {
        Self::registered_at(name, server.address, &server.pin).await
    }

    /// The same, at an address that leads to the server.
    pub(crate) async fn registered_at(name: &str, address: SocketAddr, pin: &str) -> Self {
        let person = Self::new();
        let address = address.to_string();
        person
            .does(&["register", name, "--server", &address, "--pin", pin])
            .await;
        person
    }

    /// `kith-cli` with these arguments, in the home folder, with the password of everybody.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program("kith-cli", "KITH_CLI_BIN"));
        command
            .args(arguments)
            .current_dir(self.home.path())
            .env_remove("KITH_SERVER")
            .env_remove("KITH_NEW_PASSWORD")
            .env("KITH_HOME", self.home.path().join("kith"))
            .env("KITH_PASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command that must succeed and say nothing of errors; returns what it printed.
    pub(crate) async fn does(&self, arguments: &[&str]) -> String {
        succeeded(arguments, self.command(arguments).output().await.unwrap())
    }

    /// The same with something on standard input.
    async fn does_with(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).await.unwrap();
        succeeded(arguments, child.wait_with_output().await.unwrap())
    }

    /// Runs a command that must succeed and print JSON.
    async fn asks(&self, arguments: &[&str]) -> Value {
        let printed = self.does(&[&["--json"], arguments].concat()).await;
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    }

    /// Runs a command that must fail with this exit code; returns the sentence that says why.
    pub(crate) async fn fails(&self, code: i32, arguments: &[&str]) -> String {
        failed(code, arguments, self.command(arguments).output().await.unwrap())
    }

    /// `kith-cli listen --json`.
    pub(crate) fn listens(&self) -> Process {
        // What it says of lost connections is nothing to check, and something to see when the test fails.
        Process::start(self.command(&["listen", "--json"]).stderr(Stdio::inherit()))
    }

    /// What was missed since the last time, without what concerns only the account itself.
    async fn missed(&self) -> Vec<Value> {
        let printed = self.does(&["--json", "listen", "--once"]).await;
        let events = printed.lines().map(|line| serde_json::from_str(line).unwrap());
        events.filter(is_of_a_conversation).collect()
    }

    /// What a command prints for programs, line by line.
    async fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let printed = self.does(&[&["--json"], arguments].concat()).await;
        let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        printed.lines().map(line).collect()
    }

    /// Runs a command that must succeed and has something to say beside its output, which is returned.
    async fn notes(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().await.unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {told}");
        told
    }

    /// What is in the profile.
    fn profile(&self) -> Value {
        serde_json::from_slice(&fs::read(self.home.path().join("kith/profile.json")).unwrap()).unwrap()
    }
}

fn succeeded(arguments: &[&str], output: Output) -> String {
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    assert_eq!(complaint, "", "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn failed(code: i32, arguments: &[&str], output: Output) -> String {
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {complaint}");
    assert_eq!(output.stdout, b"", "{arguments:?}");
    assert_eq!(complaint.lines().count(), 1, "{arguments:?}: {complaint}");
    let sentence = complaint.trim_end().strip_prefix("kith-cli: ");
    sentence.unwrap_or_else(|| panic!("{complaint}")).to_owned()
}

/// Whether it is a message or a file, rather than a login or a contact.
pub(crate) fn is_of_a_conversation(event: &Value) -> bool {
    event["event"] == "message" || event["event"] == "file"
}

/// The next message or file.
pub(crate) async fn heard(listener: &mut Process) -> Value {
    loop {
        let event = listener.json().await;
        if is_of_a_conversation(&event) {
            return event;
        }
    }
}

/// Who said what.
fn text(event: &Value) -> (&str, &str) {
    assert_eq!(event["event"], "message", "{event}");
    (
        event["sender"].as_str().unwrap(),
        event["body"]["content"].as_str().unwrap(),
    )
}
