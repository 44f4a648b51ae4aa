//! Power cuts while SQLite copies its write-ahead log into the database and begins it anew.

use kith_common::limits;
use kith_tests::{Dice, Server};
use serde_json::json;

use crate::disk::{Disk, Unsynced};

/// Syncs from a commit that makes the log long enough to be copied up to the next commit: of the commit, of the log before
/// it is copied, of the database after that, of the log's new beginning, of the next commit.
const STEPS: u64 = 5;

/// More of the largest messages than the log takes before it is copied.
const MANY: usize = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn crash_by_a_power_cut_while_the_log_is_copied_loses_nothing() {
    let seed = kith_tests::seed();
    let (disk, builder) = Disk::new();
    let mut server = builder.start();
    server.native_user("bob").await;
    let mut alice = server.connect_native().await;
    alice.register("alice").await;
    // Resuming changes nothing in the database, where a login does.
    let login = alice.login("alice").await;
    let token = login["token"].as_str().unwrap();
    let conversation = alice.say("bob", "Hello").await["conversation"].clone();
    let mut acknowledged = 0;
    // The first time it takes many messages until the log is copied. After each cut but the last it is still as long.
    for step in 0..=STEPS {
        let mut alice = server.native_resume(token).await;
        if step == 0 {
            disk.cut_at(1, "data/kith.db");
        } else {
            disk.cut_at(step, "data/kith.db*");
        }
        loop {
            let content = content(acknowledged + 1);
            let message = json!({"action": "message", "receiver": "bob", "content": content});
            let _ = alice.try_send_bytes(format!("{message}\n").as_bytes()).await;
            let Some(reply) = alice.next().await else { break };
            assert_eq!(reply["status"], "ok", "{reply}");
            acknowledged += 1;
            assert!(acknowledged < MANY, "the log is never copied");
        }
        server.ended().await;
        server.kill();
        disk.lose_power(if step == 0 {
            Unsynced::Lost
        } else {
            Unsynced::Scattered(Dice::new(seed + step))
        });
        server.restart();
        acknowledged = holds(&server, token, conversation.as_str().unwrap(), acknowledged).await;
    }
    assert!(disk.synced("data/kith.db") > 0, "the log was never copied");
}

/// The largest text, one of its own for each number.
fn content(number: usize) -> String {
    let number = number.to_string();
    "x".repeat(limits::MESSAGE_BYTES - number.len()) + &number
}

/// Looks at all messages after the greeting. One more may be there than was acknowledged. Returns how many there are.
async fn holds(server: &Server, token: &str, conversation: &str, acknowledged: usize) -> usize {
    let mut alice = server.native_resume(token).await;
    let mut held = 1;
    loop {
        let page = alice
            .ok(json!({"action": "sync", "logs": {conversation: held}}))
            .await;
        for log in page["logs"].as_array().unwrap() {
            if log["conversation"] != conversation {
                continue;
            }
            for event in log["events"].as_array().unwrap() {
                assert_eq!(event["number"], held + 1);
                assert!(
                    event["body"]["content"] == content(held),
                    "message {held} is another one"
                );
                held += 1;
            }
        }
        if page["more"] == false {
            break;
        }
    }
    let there = held - 1;
    assert!(
        (acknowledged..=acknowledged + 1).contains(&there),
        "{there} messages are there of {acknowledged}"
    );
    there
}
