//! Answers, edits, deletions and reactions: what is said of messages that are there already.

use std::path::PathBuf;

use kith_tests::{Raw, Server};
use serde_json::{Value, json};

use crate::requests::{contacts, delete, edit, file, file_get, message, message_into, react, sync, with};

/// Alice and Bob, and a conversation in which each has said something: 1 is Alice's, 2 is Bob's.
async fn two(server: &Server) -> (Raw, Raw, Value) {
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    let conversation = alice.say("bob", "from alice").await["conversation"].clone();
    bob.ok_after_events(message("alice", "from bob")).await;
    alice.event("message").await;
    (alice, bob, conversation)
}

/// The bodies in a conversation, from a fresh sync.
async fn bodies(raw: &mut Raw, conversation: &Value) -> Vec<Value> {
    let reply = raw.ok_after_events(sync(json!({}))).await;
    let logs = reply["logs"].as_array().unwrap();
    let log = logs.iter().find(|log| log["conversation"] == *conversation);
    let events = log.unwrap()["events"].as_array().unwrap();
    events.iter().map(|event| event["body"].clone()).collect()
}

/// Code and field of the error that a request must get.
async fn refused(raw: &mut Raw, request: Value) -> (String, String) {
    let error = raw.refusal(request).await;
    let text = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
    (text("code"), text("field"))
}

fn is(code: &str, field: &str) -> (String, String) {
    (code.to_owned(), field.to_owned())
}

#[tokio::test]
async fn an_answer_says_what_it_answers() {
    let server = Server::start();
    let (mut alice, mut bob, c) = two(&server).await;
    let mut script = server.login("bob").await;
    assert_eq!(script.hear().await.1, "from alice");
    let answer = with(message_into(&c, "I mean this"), "reply_to", 1);
    assert_eq!(alice.ok(answer).await["number"], 3);
    let event = bob.event("message").await;
    assert_eq!(event["body"], json!({"content": "I mean this", "reply_to": 1}));
    // A simple client gets it as it gets any text.
    assert_eq!(
        script.hear().await,
        ("alice".to_owned(), "I mean this".to_owned())
    );
    let picture = with(file("alice", "a.txt", b"look"), "reply_to", 3);
    let sent = bob.ok(picture).await;
    let body =
        json!({"file": sent["file"], "file_name": "a.txt", "size": 4, "hash": sent["hash"], "reply_to": 3});
    assert_eq!(alice.event("file").await["body"], body);
    // What was erased can still be answered: the person may not have known.
    alice.ok(delete(&c, &[1])).await;
    bob.ok_after_events(with(message_into(&c, "oh"), "reply_to", 1))
        .await;
    assert_eq!(alice.event("message").await["body"]["content"], "oh");
    for number in [json!(0), json!(99), json!(u64::MAX), json!(5)] {
        // 5 is the deletion, which is nothing to answer.
        let request = with(message("bob", "what?"), "reply_to", number);
        assert_eq!(refused(&mut alice, request).await, is("not_found", "reply_to"));
    }
    let request = with(file("alice", "a.txt", b"look"), "reply_to", 99);
    assert_eq!(refused(&mut bob, request).await, is("not_found", "reply_to"));
    let files = std::fs::read_dir(server.data().join("blobs")).unwrap().count();
    assert_eq!(files, 1, "the bytes of what was refused are not kept");
}

#[tokio::test]
async fn an_edit_is_an_event_and_the_message_stays_as_it_was() {
    let server = Server::start();
    let (mut alice, mut bob, c) = two(&server).await;
    let mut script = server.login("bob").await;
    assert_eq!(script.hear().await.1, "from alice");
    let sent = alice.ok(edit(&c, 1, "from Alice, with love")).await;
    assert_eq!((&sent["conversation"], &sent["number"]), (&c, &json!(3)));
    let event = bob.event("edit").await;
    assert_eq!(
        event["body"],
        json!({"target": 1, "content": "from Alice, with love"})
    );
    assert_eq!((&event["number"], &event["sender"]), (&json!(3), &json!("alice")));
    alice.ok(edit(&c, 1, "again")).await;
    let all = bodies(&mut bob, &c).await;
    assert_eq!(all[0], json!({"content": "from alice"}));
    assert_eq!(all[3], json!({"target": 1, "content": "again"}));
    // Simple clients know no edits: they get neither these nor a gap.
    alice.ok(message_into(&c, "next")).await;
    assert_eq!(script.hear().await.1, "next");
    script.leave().await;
    alice.ok(edit(&c, 1, "unseen")).await;
    alice.ok(message_into(&c, "last")).await;
    let mut script = server.login("bob").await;
    assert_eq!(script.hear().await.1, "last");
    script.nothing().await;
}

#[tokio::test]
async fn an_edit_is_refused_where_there_is_nothing_of_ones_own_to_edit() {
    let server = Server::start();
    let (mut alice, mut bob, c) = two(&server).await;
    bob.ok(file("alice", "a.txt", b"hi")).await;
    alice.ok_after_events(edit(&c, 1, "edited")).await;
    let not_found = is("not_found", "target");
    assert_eq!(
        refused(&mut alice, edit(&c, 2, "hers")).await,
        is("forbidden", "target")
    );
    for number in [0, 99, u64::MAX] {
        assert_eq!(refused(&mut alice, edit(&c, number, "x")).await, not_found);
    }
    // A file has no text, and an edit is not edited again.
    for number in [3, 4] {
        assert_eq!(
            refused(&mut alice, edit(&c, number, "x")).await,
            is("bad_request", "target")
        );
    }
    assert_eq!(
        refused(&mut alice, edit(&c, 1, "")).await,
        is("bad_request", "content")
    );
    let long = "x".repeat(65_537);
    assert_eq!(
        refused(&mut alice, edit(&c, 1, &long)).await,
        is("too_large", "content")
    );
    assert_eq!(
        refused(&mut alice, edit(&json!("nothing"), 1, "x")).await,
        is("not_found", "conversation")
    );
    let mut eve = server.native_user("eve").await;
    for request in [edit(&c, 1, "x"), delete(&c, &[1]), react(&c, 1, "x", true)] {
        assert_eq!(refused(&mut eve, request).await, is("not_found", "conversation"));
    }
    alice.ok(delete(&c, &[1])).await;
    assert_eq!(refused(&mut alice, edit(&c, 1, "back")).await, not_found);
    bob.ok_after_events(contacts("block", "alice")).await;
    assert_eq!(refused(&mut alice, edit(&c, 1, "x")).await.0, "blocked");
    assert_eq!(refused(&mut bob, edit(&c, 2, "x")).await.0, "blocked");
    assert_eq!(refused(&mut bob, react(&c, 2, "x", true)).await.0, "blocked");
}

#[tokio::test]
async fn a_deletion_takes_the_content_and_leaves_the_number() {
    let server = Server::start();
    let (mut alice, mut bob, c) = two(&server).await;
    alice.ok(edit(&c, 1, "more of it")).await;
    let secret = alice.ok(file("bob", "secret.txt", b"secret")).await;
    let kept = alice.ok(file("bob", "kept.txt", b"kept")).await;
    bob.ok_after_events(file_get(&secret["file"])).await;
    let sent = alice.ok(delete(&c, &[4, 1, 3, 3])).await;
    assert_eq!(sent["number"], 6);
    let event = bob.event("delete").await;
    assert_eq!(event["body"], json!({"targets": [1, 3, 4]}));
    assert_eq!((&event["number"], &event["sender"]), (&json!(6), &json!("alice")));
    let all = bodies(&mut bob, &c).await;
    for gone in [0, 2, 3] {
        assert_eq!(all[gone], Value::Null);
    }
    assert_eq!(all[1], json!({"content": "from bob"}));
    assert_eq!(all[4]["file"], kept["file"]);
    // The bytes are gone from the disk too; those of the other file are there.
    assert_eq!(bob.error(file_get(&secret["file"])).await, "not_found");
    bob.ok(file_get(&kept["file"])).await;
    let blobs = std::fs::read_dir(server.data().join("blobs")).unwrap();
    let names: Vec<Value> = blobs
        .map(|entry| json!(entry.unwrap().file_name().to_str().unwrap()))
        .collect();
    assert_eq!(names, [kept["file"].clone()]);
    server
        .logged(1, &["INFO transfer: file deleted", "user=\"alice\""])
        .await;
    // Who was away meanwhile and knows no deletions gets what is left.
    let mut script = server.login("bob").await;
    assert_eq!(script.receive().await["file_name"], "kept.txt");
    script.nothing().await;
}

#[tokio::test]
async fn a_deletion_is_for_what_is_ones_own_and_there() {
    let server = Server::start();
    let (mut alice, mut bob, c) = two(&server).await;
    alice.ok(react(&c, 2, "+1", true)).await;
    alice.ok(message_into(&c, "four")).await;
    assert_eq!(
        refused(&mut alice, delete(&c, &[2])).await,
        is("forbidden", "targets")
    );
    assert_eq!(
        refused(&mut alice, delete(&c, &[1, 2])).await,
        is("forbidden", "targets")
    );
    assert_eq!(
        refused(&mut alice, delete(&c, &[3])).await,
        is("bad_request", "targets")
    );
    for none in [0, 99, u64::MAX] {
        assert_eq!(
            refused(&mut alice, delete(&c, &[1, none])).await,
            is("not_found", "targets")
        );
    }
    assert_eq!(
        refused(&mut alice, delete(&c, &[])).await,
        is("bad_request", "targets")
    );
    let many: Vec<u64> = (1..=101).collect();
    assert_eq!(
        refused(&mut alice, delete(&c, &many)).await,
        is("too_large", "targets")
    );
    assert_eq!(
        bodies(&mut alice, &c).await[0],
        json!({"content": "from alice"}),
        "nothing is gone"
    );
    // What is gone already is passed over, unless that is all of it.
    alice.ok(delete(&c, &[1])).await;
    assert_eq!(
        refused(&mut alice, delete(&c, &[1])).await,
        is("not_found", "targets")
    );
    alice.ok(delete(&c, &[1, 4])).await;
    bob.event("delete").await;
    assert_eq!(bob.event("delete").await["body"], json!({"targets": [4]}));
    // A deletion itself can't be deleted.
    assert_eq!(
        refused(&mut alice, delete(&c, &[5])).await,
        is("bad_request", "targets")
    );
}

#[tokio::test]
async fn a_block_does_not_keep_anybody_from_deleting() {
    let server = Server::start();
    let (mut alice, mut bob, c) = two(&server).await;
    bob.ok_after_events(contacts("block", "alice")).await;
    assert_eq!(alice.error(message_into(&c, "sorry")).await, "blocked");
    alice.ok(delete(&c, &[1])).await;
    assert_eq!(bob.event("delete").await["body"], json!({"targets": [1]}));
    bob.ok(delete(&c, &[2])).await;
    assert_eq!(alice.event("delete").await["body"], json!({"targets": [2]}));
}

#[tokio::test]
async fn reactions_go_on_and_off() {
    let server = Server::start();
    let (mut alice, mut bob, c) = two(&server).await;
    let family = "👨‍👩‍👧‍👦";
    for (reaction, on) in [(family, true), (family, true), (family, false), ("ok", false)] {
        let sent = bob.ok_after_events(react(&c, 1, reaction, on)).await;
        let event = alice.event("reaction").await;
        assert_eq!(event["number"], sent["number"]);
        assert_eq!(
            event["body"],
            json!({"target": 1, "reaction": reaction, "on": on})
        );
    }
    // On is what is meant where nothing is said.
    bob.ok(json!({"action": "react", "conversation": c, "target": 2, "reaction": "x"}))
        .await;
    assert_eq!(alice.event("reaction").await["body"]["on"], true);
    for reaction in ["", "a\nb", "\u{0}", &"x".repeat(65), &"é".repeat(33)] {
        let request = react(&c, 1, reaction, true);
        assert_eq!(
            refused(&mut bob, request).await,
            is("bad_request", "reaction"),
            "{reaction:?}"
        );
    }
    for number in [0, 99] {
        assert_eq!(
            refused(&mut bob, react(&c, number, "x", true)).await,
            is("not_found", "target")
        );
    }
    assert_eq!(
        refused(&mut bob, react(&c, 3, "x", true)).await,
        is("bad_request", "target")
    );
    alice.ok_after_events(delete(&c, &[1])).await;
    bob.event("delete").await;
    assert_eq!(
        refused(&mut bob, react(&c, 1, "x", true)).await,
        is("not_found", "target")
    );
}

#[tokio::test]
async fn each_of_them_takes_effect_once() {
    let server = Server::start();
    let (mut alice, mut bob, c) = two(&server).await;
    let keyed = |request: Value, key: &str| with(request, "client_id", key);
    let answer = keyed(with(message_into(&c, "yes"), "reply_to", 2), "a");
    let change = keyed(edit(&c, 1, "edited"), "e");
    let smile = keyed(react(&c, 2, ":)", true), "r");
    let erase = keyed(delete(&c, &[1]), "d");
    let mut firsts = Vec::new();
    for request in [&answer, &change, &smile, &erase] {
        let first = alice.ok(request.clone()).await;
        assert_eq!(alice.ok(request.clone()).await, first, "{request}");
        firsts.push(first);
    }
    // Also after what they were about is gone, after a block, and on another connection.
    bob.ok_after_events(delete(&c, &[2])).await;
    bob.ok(contacts("block", "alice")).await;
    let mut phone = server.native_login("alice").await;
    for (request, first) in [&answer, &change, &smile, &erase].into_iter().zip(&firsts) {
        assert_eq!(phone.ok(request.clone()).await, *first, "{request}");
    }
    bob.ok(contacts("unblock", "alice")).await;
    for other in [
        with(answer.clone(), "reply_to", 1),
        keyed(message_into(&c, "yes"), "a"),
        keyed(edit(&c, 1, "edited again"), "e"),
        keyed(react(&c, 2, ":)", false), "r"),
        keyed(delete(&c, &[1, 3]), "d"),
        keyed(delete(&c, &[1]), "e"),
    ] {
        assert_eq!(phone.error(other.clone()).await, "conflict", "{other}");
    }
    let numbers: Vec<&Value> = firsts.iter().map(|first| &first["number"]).collect();
    assert_eq!(numbers, [3, 4, 5, 6]);
}

#[tokio::test]
async fn an_edit_can_expect_its_number() {
    let server = Server::start();
    let (mut alice, _bob, c) = two(&server).await;
    let expecting = |number: u64| with(edit(&c, 1, "edited"), "expect", number);
    assert_eq!(alice.error(expecting(2)).await, "conflict");
    assert_eq!(alice.ok(expecting(3)).await["number"], 3);
    assert_eq!(alice.error(expecting(3)).await, "conflict");
}

/// Answers in one burst, some to what the burst itself says: as if they had come one by one.
#[tokio::test]
async fn a_burst_may_answer_itself() {
    let server = Server::start();
    let (mut alice, _bob, c) = two(&server).await;
    let text = |content: &str| message_into(&c, content);
    let burst = [
        text("3"),
        with(text("4, to 3"), "reply_to", 3),
        with(text("to itself"), "reply_to", 5),
        with(text("5, to 4"), "reply_to", 4),
        with(text("to what comes next"), "reply_to", 7),
        with(text("expects too much"), "expect", 9),
        with(text("6, to 5"), "reply_to", 5),
    ];
    let lines: String = burst.iter().map(|request| format!("{request}\n")).collect();
    alice.send_bytes(lines.as_bytes()).await;
    for expected in [
        json!(3),
        json!(4),
        json!("not_found"),
        json!(5),
        json!("not_found"),
        json!("conflict"),
        json!(6),
    ] {
        let reply = alice.receive().await;
        let found = if reply["status"] == "ok" {
            &reply["number"]
        } else {
            &reply["error"]["code"]
        };
        assert_eq!(*found, expected, "{reply}");
    }
}

/// The files of the server's data that hold a text.
fn files_with(server: &Server, text: &str) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![server.data()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if memchr::memmem::find(&std::fs::read(&path).unwrap(), text.as_bytes()).is_some() {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test]
async fn what_was_erased_is_not_on_the_disk_any_more() {
    let mut server = Server::start();
    let (mut alice, _bob, c) = two(&server).await;
    let (words, bytes) = ("the words to be erased", "the bytes to be erased");
    for number in 0..50 {
        let others = format!("something else {number}");
        alice.ok_after_events(message_into(&c, &others)).await;
    }
    // Many times, as a part of the room may be used again at once.
    let sent = alice.ok(message_into(&c, &words.repeat(50))).await;
    let sent_file = alice.ok(file("bob", "secret.txt", bytes.as_bytes())).await;
    alice.ok(message_into(&c, "the words to be kept")).await;
    assert!(!files_with(&server, words).is_empty() && !files_with(&server, bytes).is_empty());
    let targets = [&sent, &sent_file].map(|reply| reply["number"].as_u64().unwrap());
    alice.ok(delete(&c, &targets)).await;
    // The write-ahead log goes with a stop in good order.
    server.stop();
    assert!(!files_with(&server, "the words to be kept").is_empty());
    for erased in [words, bytes] {
        assert_eq!(files_with(&server, erased), Vec::<PathBuf>::new());
    }
}
