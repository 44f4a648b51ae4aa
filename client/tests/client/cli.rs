//! `kith-cli` as people and scripts run it.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::support::{Authority, Identity, Peer, Server, hello_with, login, message};

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

    /// Runs a command of somebody who is logged in, with what the server does meanwhile.
    async fn run_with(&self, arguments: &[&str], script: impl AsyncFnOnce(&mut Peer)) -> Output {
        let script = async {
            let mut peer = self.resumed().await;
            script(&mut peer).await;
            assert_eq!(peer.next().await, None);
        };
        let ((), output) = tokio::join!(script, self.run(arguments));
        output
    }

    async fn resumed(&self) -> Peer {
        let mut peer = self.server.resumed().await;
        peer.serve("hello", hello_with(&[self.authority.pin()])).await;
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

#[tokio::test]
async fn exit_codes_tell_what_is_wrong() {
    let story = Story::begin().await;
    assert_eq!(story.run(&["fly"]).await.status.code(), Some(2));
    failed(&story.run(&["login", "alice"]).await, 2);
    assert!(failed(&story.run(&["send", "bob", "hi"]).await, 5).contains("kith-cli --server HOST login"));
    let nobody = ["--server", "127.0.0.1:1", "login", "alice"];
    assert!(failed(&story.run(&nobody).await, 3).contains("can't reach 127.0.0.1:1"));
    std::fs::create_dir_all(story.home.path().join("kith")).unwrap();
    std::fs::write(story.home.path().join("kith/profile.json"), "{").unwrap();
    assert!(failed(&story.run(&["contacts"]).await, 6).contains("is damaged"));
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_told_nothing() {
    let story = Story::begin().await;
    let address = story.server.address.to_string();
    let visit = async |arguments: &[&str], server: &Server| {
        let (peer, output) = tokio::join!(server.accept(), story.run(arguments));
        assert!(peer.is_none());
        failed(&output, 4)
    };
    // Nobody is at a terminal to be asked.
    let told = visit(&["--server", &address, "login", "alice"], &story.server).await;
    assert!(
        told.contains(&format!("--pin {}", story.authority.pin())),
        "{told}"
    );
    let other = Authority::new();
    let told = visit(
        &[
            "--server",
            &address,
            "--pin",
            &other.pin().to_string(),
            "login",
            "alice",
        ],
        &story.server,
    )
    .await;
    assert!(told.contains("not the one that was pinned"), "{told}");

    let old = Server::start(
        &story
            .authority
            .issue(|params| params.not_after = rcgen::date_time_ymd(2021, 1, 1)),
    )
    .await;
    let pin = story.authority.pin().to_string();
    let told = visit(
        &[
            "--server",
            &old.address.to_string(),
            "--pin",
            &pin,
            "login",
            "alice",
        ],
        &old,
    )
    .await;
    assert!(told.contains("expired on 2021-01-01"), "{told}");

    let chain = story.authority.server().chain;
    let key = rcgen::KeyPair::generate().unwrap();
    let thief = Server::start(&Identity { chain, key }).await;
    let told = visit(
        &[
            "--server",
            &thief.address.to_string(),
            "--pin",
            &pin,
            "login",
            "alice",
        ],
        &thief,
    )
    .await;
    assert!(told.contains("whose key it doesn't hold"), "{told}");
}

#[tokio::test]
async fn public_authorities_are_those_of_the_machine() {
    let story = Story::begin().await;
    let roots = story.home.path().join("roots.pem");
    std::fs::write(&roots, story.authority.pem()).unwrap();
    let script = async {
        let mut peer = story.server.accept().await.unwrap();
        let request = peer.expect("login").await;
        assert_eq!(request["password"], "hunter22");
        peer.refuse(
            &request,
            "bad_credentials",
            "user name and password don't belong together",
        )
        .await;
    };
    let address = story.server.address.to_string();
    let mut command = story.command(&["--server", &address, "login", "alice"]);
    let ((), output) = tokio::join!(script, command.env("SSL_CERT_FILE", &roots).output());
    assert!(failed(&output.unwrap(), 1).contains("don't belong together"));
}

#[tokio::test]
async fn a_login_is_remembered_for_its_owner_alone() {
    let story = Story::alice().await;
    let profile = story.profile();
    let account = format!("alice@{}", story.server.address);
    assert_eq!(profile["last"], json!(account));
    assert_eq!(profile["accounts"][&account]["token"], "secret");
    let pins = &profile["servers"][story.server.address.to_string()]["pins"];
    assert_eq!(*pins, json!([story.authority.pin()]));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::fs::metadata(story.home.path().join("kith/profile.json")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
    let output = story
        .run_with(&["logout"], async |peer| {
            drop(peer.serve("logout", json!({})).await);
        })
        .await;
    said(&output);
    assert!(story.profile()["accounts"][&account].get("token").is_none());
    failed(&story.run(&["contacts"]).await, 5);
}

#[tokio::test]
async fn a_session_that_ended_is_forgotten() {
    let story = Story::alice().await;
    let script = async {
        let mut peer = story.server.accept().await.unwrap();
        let request = peer.expect("resume").await;
        peer.refuse(&request, "session_ended", "this session has ended")
            .await;
        let request = peer.expect("hello").await;
        peer.ok(&request, hello_with(&[])).await;
    };
    let ((), output) = tokio::join!(script, story.run(&["contacts"]));
    assert!(failed(&output, 5).contains("log in again"));
    failed(&story.run(&["contacts"]).await, 5);
}

#[tokio::test]
async fn texts_are_sent_from_words_or_standard_input() {
    let story = Story::alice().await;
    let sent = json!({"conversation": "c", "number": 1, "time": 5});
    let output = story
        .run_with(&["--json", "send", "bob", "hi", "there"], async |peer| {
            let request = peer.serve("message", sent.clone()).await;
            assert_eq!(
                (&request["receiver"], &request["content"]),
                (&json!("bob"), &json!("hi there"))
            );
        })
        .await;
    assert_eq!(serde_json::from_str::<Value>(&said(&output)).unwrap(), sent);

    let script = async {
        let mut peer = story.resumed().await;
        let request = peer
            .serve("message", json!({"conversation": "c", "number": 2, "time": 6}))
            .await;
        assert_eq!(request["content"], "two\nlines");
        peer
    };
    let mut child = story
        .command(&["send", "bob"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"two\nlines\n")
        .await
        .unwrap();
    let (_peer, output) = tokio::join!(script, child.wait_with_output());
    assert_eq!(said(&output.unwrap()), "Sent to bob.\n");

    // What one sent oneself isn't missed; and it is known now with whom the conversation is.
    let output = story
        .run_with(&["listen", "--once"], async |peer| {
            let request = peer.serve("sync", page(&[])).await;
            assert_eq!(request["logs"], json!({"c": 2}));
        })
        .await;
    assert_eq!(said(&output), "");
    failed(&story.run(&["send", "bob", " "]).await, 2);
}

#[tokio::test]
async fn what_was_missed_is_shown_once_and_safely() {
    let story = Story::alice().await;
    let events = [
        message("c", 1, "bob", "\u{1b}[2J\u{202e}evil\nsecond line"),
        message("c", 2, "alice", "from my phone"),
    ];
    let output = story
        .run_with(&["listen", "--once"], async |peer| {
            drop(peer.serve("sync", page(&events)).await);
        })
        .await;
    let shown = said(&output);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(
        lines[0].ends_with(" bob: \u{fffd}[2J\u{fffd}evil ⏎ second line"),
        "{shown:?}"
    );
    assert!(lines[1].ends_with(" alice to bob: from my phone"), "{shown:?}");

    let output = story
        .run_with(&["listen", "--once", "--json"], async |peer| {
            let request = peer
                .serve("sync", page(&[message("c", 3, "bob", "\u{1b}new")]))
                .await;
            assert_eq!(request["logs"], json!({"c": 2}));
        })
        .await;
    assert_eq!(
        serde_json::from_str::<Value>(&said(&output)).unwrap()["body"]["content"],
        "\u{1b}new"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn listening_survives_a_cut_and_ends_on_a_signal() {
    let story = Story::alice().await;
    let mut child = story.command(&["listen"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut peer = story.resumed().await;
    peer.serve("sync", json!({"logs": [], "more": false})).await;
    let opened = json!({"conversation": "c", "with": "bob"});
    let mut event = message("a1", 1, "bob", "");
    (event["event"], event["body"]) = (json!("conversation"), opened);
    peer.push(&event).await;
    peer.push(&message("c", 1, "bob", "one")).await;
    peer.push(&message("c", 2, "alice", "two")).await;
    assert!(lines.next_line().await.unwrap().unwrap().ends_with(" bob: one"));
    assert!(
        lines
            .next_line()
            .await
            .unwrap()
            .unwrap()
            .ends_with(" alice to bob: two")
    );
    drop(peer);

    let mut peer = story.server.resumed().await;
    let request = peer.serve("sync", page(&[message("c", 3, "bob", "three")])).await;
    assert_eq!(request["logs"], json!({"a1": 1, "c": 2}));
    assert!(lines.next_line().await.unwrap().unwrap().ends_with(" bob: three"));
    // The new connection may have missed something, so the client asks once more.
    peer.serve("sync", json!({"logs": [], "more": false})).await;
    // A gap is filled before anything beyond it is shown.
    peer.push(&message("c", 5, "bob", "five")).await;
    let fill = page(&[message("c", 4, "bob", "four"), message("c", 5, "bob", "five")]);
    peer.serve("sync", fill).await;
    assert!(lines.next_line().await.unwrap().unwrap().ends_with(" bob: four"));
    assert!(lines.next_line().await.unwrap().unwrap().ends_with(" bob: five"));

    signal(&child, "TERM").await;
    let (end, status) = tokio::join!(peer.next(), child.wait());
    assert_eq!(end, None);
    assert_eq!(status.unwrap().code(), Some(0));
    let account = format!("alice@{}", story.server.address);
    assert_eq!(story.profile()["accounts"][&account]["logs"]["c"]["number"], 5);
}

async fn signal(child: &Child, name: &str) {
    let id = child.id().unwrap().to_string();
    let sent = Command::new("kill")
        .args(["-s", name, &id])
        .status()
        .await
        .unwrap();
    assert!(sent.success());
}

#[tokio::test]
async fn files_are_sent_and_fetched_but_never_laid_over_others() {
    let story = Story::alice().await;
    let folder = story.home.path();
    std::fs::write(folder.join("a.txt"), "hi").unwrap();
    let output = story
        .run_with(&["send-file", "bob", "a.txt", "--name", "b.txt"], async |peer| {
            let reply = json!({"conversation": "c", "number": 1, "time": 5, "file": "f1"});
            let request = peer.serve("file", reply).await;
            assert_eq!(
                (&request["file_name"], &request["file_data"]),
                (&json!("b.txt"), &json!("aGk="))
            );
        })
        .await;
    assert_eq!(said(&output), "Sent b.txt to bob (file f1).\n");
    std::fs::write(folder.join("large"), vec![0; 100_001]).unwrap();
    let output = story.run_with(&["send-file", "bob", "large"], async |_| {}).await;
    assert!(failed(&output, 1).contains("100000 bytes"));
    failed(&story.run(&["send-file", "bob", "missing"]).await, 6);

    let get = async |arguments: &[&str], name: &str| {
        let reply = json!({"file_name": name, "file_data": "aGVsbG8="});
        let mut all = vec!["get-file", "f1"];
        all.extend(arguments);
        story
            .run_with(&all, async |peer| drop(peer.serve("file_get", reply).await))
            .await
    };
    let content = |path: &Path| std::fs::read_to_string(path).unwrap();
    said(&get(&[], "b.txt").await);
    assert_eq!(content(&folder.join("b.txt")), "hello");
    assert!(failed(&get(&[], "a.txt").await, 6).contains("--force"));
    failed(&story.run(&["get-file", "f1", "--output", "a.txt"]).await, 6);
    assert_eq!(content(&folder.join("a.txt")), "hi");
    said(&get(&["--force"], "a.txt").await);
    assert_eq!(content(&folder.join("a.txt")), "hello");
    said(&get(&[], ".bashrc").await);
    assert_eq!(content(&folder.join("_bashrc")), "hello");
    assert_eq!(said(&get(&["--output", "-"], "c.txt").await), "hello");
    failed(&get(&[], "../c.txt").await, 3);
    assert!(!folder.join("c.txt").exists());
}

#[tokio::test]
async fn contacts_and_sessions_are_listed_and_changed() {
    let story = Story::alice().await;
    let list = json!({"contacts": ["bob"], "blocked": ["mallory"]});
    let output = story
        .run_with(&["contacts"], async |peer| {
            drop(peer.serve("contacts", list).await);
        })
        .await;
    assert_eq!(said(&output), "bob\nmallory (blocked)\n");
    let output = story
        .run_with(&["contacts", "block", "eve"], async |peer| {
            let request = peer.serve("contacts", json!({})).await;
            assert_eq!(
                (&request["contact_action"], &request["contact_username"]),
                (&json!("block"), &json!("eve"))
            );
        })
        .await;
    assert_eq!(said(&output), "eve is blocked.\n");
    let session = json!({
        "device": 7, "name": "lap\u{1b}top", "created": 1, "last_seen": 1, "address": "192.0.2.1", "connected": true,
        "current": true
    });
    let output = story
        .run_with(&["sessions"], async |peer| {
            drop(peer.serve("sessions", json!({"sessions": [session]})).await);
        })
        .await;
    assert_eq!(said(&output), "   7  lap\u{fffd}top, this one, from 192.0.2.1\n");
    let output = story
        .run_with(&["sessions", "revoke", "3"], async |peer| {
            assert_eq!(peer.serve("sessions", json!({})).await["device"], 3);
        })
        .await;
    said(&output);
}
