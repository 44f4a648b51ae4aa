use serde_json::json;

use super::{Story, failed, said};
use crate::support::{Authority, Identity, Server, hello_with};

#[tokio::test]
async fn exit_codes_tell_what_is_wrong() {
    let story = Story::begin().await;
    assert_eq!(story.run(&["fly"]).await.status.code(), Some(2));
    failed(&story.run(&["login", "alice"]).await, 2);
    assert!(
        failed(&story.run(&["send", "bob", "hi"]).await, 5).contains("kith-cli login USER --server HOST")
    );
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
    let told = failed(&story.run(&["contacts"]).await, 5);
    let again = format!(
        "alice is logged out; run `kith-cli login alice --server {}`",
        story.server.address
    );
    assert!(told.contains(&again), "{told}");
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
async fn sessions_are_listed_safely_and_ended() {
    let story = Story::alice().await;
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
