//! What the README tells people to type works.

mod picture;

use std::path::{Path, PathBuf};

use kith_tests::{PASSWORD, Server};
use tempfile::TempDir;
use tokio::process::Command;

use crate::process::Process;
use crate::terminal::Terminal;

/// The two terminals of the README's first chat.
struct FirstChat {
    server: Server,
    _folder: TempDir,
    alice: Terminal,
    bob: Terminal,
}

impl FirstChat {
    /// Types what the README's section says, block by block, and waits for what it promises.
    async fn play() -> Self {
        let server = Server::start();
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(root().join("README.md"), folder.path().join("README.md")).unwrap();
        let mut alice = Terminal::open(folder.path()).await;
        let mut bob = Terminal::open(folder.path()).await;

        let blocks = blocks("## A first chat at the terminal", "sh");
        let [first, second, third, fourth] = &blocks[..] else {
            panic!("the first chat has four blocks: {blocks:?}");
        };
        type_in(&mut alice, first, &server).await;
        type_in(&mut bob, second, &server).await;
        alice.wait_for(&["bob: Hello Alice"]).await;
        alice.wait_for(&["bob: [file] README.md"]).await;
        alice.interrupt().await;
        type_in(&mut alice, third, &server).await;
        type_in(&mut bob, fourth, &server).await;
        Self {
            server,
            _folder: folder,
            alice,
            bob,
        }
    }
}

/// Types a block. The server of a test is not on the port that the README's is on.
async fn type_in(terminal: &mut Terminal, block: &str, server: &Server) {
    for line in block.lines() {
        let listens = line == "kith-cli listen";
        let until = listens.then_some("Ctrl+C ends\n");
        let address = format!("--server localhost:{}", server.address.port());
        let line = line.replace("--server localhost", &address);
        terminal.run(&line, PASSWORD, until).await;
    }
}

#[tokio::test]
async fn the_first_chat_can_be_copied_line_by_line() {
    let mut chat = FirstChat::play().await;
    let (alice, bob) = (chat.alice.transcript(), chat.bob.transcript());
    for (who, said, transcript) in [("alice", "Bob", alice), ("bob", "Alice", bob)] {
        // The fingerprint to compare is the one that the server's terminal shows.
        assert!(transcript.contains(&chat.server.pin), "{transcript}");
        assert!(
            transcript.contains(&format!("Logged in as {who} at")),
            "{transcript}"
        );
        assert!(!transcript.contains("kith-cli: can't"), "{transcript}");
        assert!(!transcript.contains(PASSWORD), "{transcript}");
        assert!(!said.is_empty());
    }
    assert!(bob.contains(" alice: "), "{bob}");
    chat.alice.run("kith-cli contacts", PASSWORD, None).await;
}

#[tokio::test]
async fn scripts_can_be_copied_line_by_line() {
    let server = Server::start();
    let _bob = server.user("bob").await;
    let folder = tempfile::tempdir().unwrap();
    let mut alice = Terminal::open(folder.path()).await;
    let register = format!(
        "kith-cli register alice --server localhost:{}",
        server.address.port()
    );
    alice.run(&register, PASSWORD, None).await;
    for line in blocks("## kith-cli in scripts", "sh").concat().lines() {
        let line = line.split("  #").next().unwrap().trim_end();
        alice.enter(&format!("{line}; echo code $?")).await;
        alice.wait_for(&["code 0\n"]).await;
        alice.wait_for(&["$ "]).await;
    }
    let there = |path: &str| std::fs::read(folder.path().join(path)).unwrap().len();
    assert!(there(".local/share/bash-completion/completions/kith-cli") > 1_000);
    assert!(there(".local/share/man/man1/kith-cli.1") > 1_000);
    assert!(there("my-messages/account.jsonl") > 0);
    assert!(
        alice.transcript().contains("\"text\":\"backup done\""),
        "{}",
        alice.transcript()
    );
}

#[tokio::test]
async fn the_script_speaks_the_protocol() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    let script = blocks("## The protocol", "python").concat();
    let password = script
        .split("password=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert!(script.lines().count() <= 10, "the README promises ten lines");
    let mut guest = server.connect().await;
    guest
        .ok(serde_json::json!({"action": "register", "username": "bob", "password": password}))
        .await;

    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("certs")).unwrap();
    std::fs::copy(server.ca(), folder.path().join("certs/ca.pem")).unwrap();
    let script = script.replace("7443", &server.address.port().to_string());
    let file = folder.path().join("chat.py");
    std::fs::write(&file, script).unwrap();
    let mut command = Command::new("python3");
    command
        .arg(file)
        .current_dir(&folder)
        .env("PYTHONUNBUFFERED", "1");
    let mut script = Process::start(&mut command);
    assert_eq!(script.json().await["status"], "ok");
    assert_eq!(script.json().await["status"], "ok");
    assert_eq!(alice.hear().await.0, "bob");
    alice.say("bob", "hello, script").await;
    assert_eq!(script.json().await["content"], "hello, script");
}

#[test]
fn what_the_readme_links_to_is_there() {
    let text = readme();
    let links = text
        .split("](")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap());
    let sources = text
        .split("src=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap());
    for link in links.chain(sources).filter(|link| !link.contains("://")) {
        let file = link.split('#').next().unwrap();
        assert!(file.is_empty() || root().join(file).exists(), "{link}");
    }
}

/// The checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).unwrap()
}

/// The fenced blocks in this language of a section.
fn blocks(section: &str, language: &str) -> Vec<String> {
    let text = readme();
    let heading = format!("\n{section}\n");
    let (_, section) = text.split_once(&heading).expect("the README has that section");
    let section = section.split("\n## ").next().unwrap();
    let mut blocks = Vec::new();
    for part in section.split(&format!("\n```{language}\n")).skip(1) {
        blocks.push(part.split("\n```").next().unwrap().to_owned() + "\n");
    }
    blocks
}
