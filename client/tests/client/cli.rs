//! `kith-cli` as people and scripts run it.

mod accounts;
mod files;
mod texts;

use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use crate::support::{Authority, Peer, Server, hello_with, login};

/// A person at a computer, beside a server.
struct Story {
    home: TempDir,
    server: Server,
    authority: Authority,
}

impl Story {
    async fn begin() -> Self {
        let authority = Authority::new();
        let server = Server::start(&authority.server()).await;
        let home = tempfile::tempdir().unwrap();
        Self {
            home,
            server,
            authority,
        }
    }

    /// Alice, logged in from an invite link.
    async fn alice() -> Self {
        let story = Self::begin().await;
        let link = format!("{}&invite=code", story.link());
        let script = async {
            let mut peer = story.server.accept().await.unwrap();
            let request = peer.serve("register", json!({})).await;
            assert_eq!(request["invite"], "code");
            let mut reply = login();
            reply["token"] = json!("secret");
            peer.serve("login", reply).await;
            peer.serve("hello", hello_with(&[story.authority.pin()])).await;
            peer
        };
        let arguments = ["register", "alice", "--invite", &link];
        let (_peer, output) = tokio::join!(script, story.run(&arguments));
        let shown = said(&output);
        assert_eq!(
            shown,
            format!("Logged in as alice at {}.\n", story.server.address)
        );
        story
    }

    fn link(&self) -> String {
        format!("kith://{}/#pin={}", self.server.address, self.authority.pin())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kith-cli"));
        command
            .args(arguments)
            .current_dir(self.home.path())
            .env_remove("KITH_SERVER")
            .env_remove("KITH_NEW_PASSWORD")
            .env("KITH_HOME", self.home.path().join("kith"))
            .env("KITH_PASSWORD", "hunter22")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.unwrap()
    }

    /// Runs a command of somebody who is logged in, with what the server does once it is asked for more than what is new.
    async fn run_with(&self, arguments: &[&str], script: impl AsyncFnOnce(&mut Peer)) -> Output {
        let script = async {
            let mut peer = self.synced().await;
            script(&mut peer).await;
            peer.serve_engine().await;
        };
        let ((), output) = tokio::join!(script, self.run(arguments));
        output
    }

    async fn resumed(&self) -> Peer {
        let mut peer = self.server.resumed().await;
        peer.serve("hello", hello_with(&[self.authority.pin()])).await;
        peer
    }

    /// The same, when there is nothing new.
    async fn synced(&self) -> Peer {
        let mut peer = self.resumed().await;
        peer.serve("sync", json!({"logs": [], "more": false})).await;
        peer
    }

    fn profile(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.home.path().join("kith/profile.json")).unwrap()).unwrap()
    }
}

/// What a command that succeeded printed.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// What a command that failed told the person; it must have failed with this code.
fn failed(output: &Output, code: i32) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

fn page(events: &[Value]) -> Value {
    let newest = events.len();
    let page = json!({"conversation": "c", "members": ["alice", "bob"], "first": 1, "newest": newest, "events": events});
    json!({"logs": [page], "more": false})
}
