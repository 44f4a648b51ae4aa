use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use super::{Story, failed, page, said};
use crate::support::message;

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
