//! Logging in: what strangers learn from it, and how often they may try.

use futures_util::future::join_all;
use kith_tests::{PASSWORD, Server};
use serde_json::Value;

use crate::requests::{login, register};

const WRONG: &str = "not the password";

/// Somebody at this address tries to log in.
async fn try_from(server: &Server, source: [u8; 4], name: &str, password: &str) -> Value {
    server.connect_from(source).await.ask(login(name, password)).await
}

fn outcome(reply: &Value) -> &str {
    reply["error"]["code"].as_str().unwrap_or("ok")
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    let server = Server::start();
    for name in ["alice", "disabled", "deleted"] {
        server.user(name).await;
    }
    server.must(&["user", "disable", "disabled"]);
    server.must(&["user", "delete", "deleted", "--yes"]);
    let mut guest = server.connect().await;
    let wrong = guest.ask(login("alice", WRONG)).await;
    assert_eq!(outcome(&wrong), "bad_credentials");
    for (name, password) in [
        ("nobody", WRONG),
        ("disabled", PASSWORD),
        ("deleted", PASSWORD),
        ("deleted", ""),
        ("no name at all \u{1F600}", PASSWORD),
        ("", ""),
        ("alice", ""),
        ("alice", "\u{7}"),
    ] {
        assert_eq!(guest.ask(login(name, password)).await, wrong, "{name}");
    }
}

/// The time of the answer is that of hashing, which is done whether anybody has the name or not.
#[tokio::test]
async fn an_unknown_name_costs_as_much_work_as_a_wrong_password() {
    let server = Server::builder().set("KITH_PASSWORDS__BCRYPT_COST", "11").start();
    let mut guest = server.user("alice").await;
    server.user("disabled").await;
    server.must(&["user", "disable", "disabled"]);
    guest.ok(crate::requests::logout()).await;
    let mut work = Vec::new();
    for name in ["alice", "nobody", "disabled", "no name!"] {
        let before = server.processor_time();
        for _ in 0..3 {
            assert_eq!(guest.error(login(name, WRONG)).await, "bad_credentials");
        }
        work.push(server.processor_time() - before);
    }
    let (least, most) = (work.iter().min().unwrap(), work.iter().max().unwrap());
    assert!(least * 2 > *most, "{work:?}");
}

#[tokio::test]
async fn strangers_share_a_limit_that_does_not_lock_the_owner_out() {
    let server = Server::builder()
        .set(
            "KITH_LIMITS__LOGIN_FAILURES_PER_ACCOUNT",
            "{ burst = 3, per_minute = 1 }",
        )
        .start();
    server.user("alice").await;
    for stranger in 2..5 {
        let reply = try_from(&server, [127, 0, 0, stranger], "alice", WRONG).await;
        assert_eq!(outcome(&reply), "bad_credentials");
    }
    // From further addresses not even the right password is tried.
    let reply = try_from(&server, [127, 0, 0, 9], "ALICE", PASSWORD).await;
    assert_eq!(outcome(&reply), "rate_limited");
    assert!((1..=60).contains(&reply["error"]["retry_after"].as_u64().unwrap()));
    // Alice is where she has been before, and others are not concerned.
    assert_eq!(
        outcome(&try_from(&server, [127, 0, 0, 1], "alice", PASSWORD).await),
        "ok"
    );
    server.user("bob").await;
    assert_eq!(
        outcome(&try_from(&server, [127, 0, 0, 2], "bob", PASSWORD).await),
        "ok"
    );
}

#[tokio::test]
async fn guesses_from_one_address_at_one_account_are_limited() {
    let server = Server::builder()
        .set(
            "KITH_LIMITS__LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS",
            "{ burst = 2, per_minute = 1 }",
        )
        .start();
    server.user("alice").await;
    server.user("bob").await;
    // Whether somebody has the name makes no difference.
    for name in ["alice", "nobody"] {
        for _ in 0..2 {
            assert_eq!(
                outcome(&try_from(&server, [127, 0, 0, 1], name, WRONG).await),
                "bad_credentials"
            );
        }
        assert_eq!(
            outcome(&try_from(&server, [127, 0, 0, 1], name, PASSWORD).await),
            "rate_limited"
        );
    }
    assert_eq!(
        outcome(&try_from(&server, [127, 0, 0, 1], "bob", PASSWORD).await),
        "ok"
    );
    assert_eq!(
        outcome(&try_from(&server, [127, 0, 0, 2], "alice", PASSWORD).await),
        "ok"
    );
}

#[tokio::test]
async fn guesses_from_one_address_at_all_accounts_are_limited() {
    let server = Server::builder()
        .set(
            "KITH_LIMITS__LOGIN_FAILURES_PER_ADDRESS",
            "{ burst = 3, per_minute = 1 }",
        )
        .start();
    server.user("alice").await;
    for name in ["one", "two", "three"] {
        assert_eq!(
            outcome(&try_from(&server, [127, 0, 0, 2], name, WRONG).await),
            "bad_credentials"
        );
    }
    assert_eq!(
        outcome(&try_from(&server, [127, 0, 0, 2], "alice", PASSWORD).await),
        "rate_limited"
    );
    assert_eq!(
        outcome(&try_from(&server, [127, 0, 0, 1], "alice", PASSWORD).await),
        "ok"
    );
}

#[tokio::test]
async fn a_right_password_counts_against_nobody() {
    let two = "{ burst = 2, per_minute = 1 }";
    let server = Server::builder()
        .set("KITH_LIMITS__LOGIN_FAILURES_PER_ADDRESS", two)
        .set("KITH_LIMITS__LOGIN_FAILURES_PER_ACCOUNT", two)
        .set("KITH_LIMITS__LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS", two)
        .start();
    server.user("alice").await;
    for source in [1, 1, 1, 1, 2, 3, 4, 5] {
        assert_eq!(
            outcome(&try_from(&server, [127, 0, 0, source], "alice", PASSWORD).await),
            "ok"
        );
    }
}

/// What the server had no time to look at was no failure.
#[tokio::test]
async fn a_login_that_found_the_server_busy_does_not_count() {
    let server = Server::builder()
        .set("KITH_PASSWORDS__THREADS", "1")
        .set("KITH_PASSWORDS__QUEUE", "1")
        .set(
            "KITH_LIMITS__LOGIN_FAILURES_PER_ADDRESS",
            "{ burst = 12, per_minute = 1 }",
        )
        .set(
            "KITH_LIMITS__LOGIN_FAILURES_PER_ACCOUNT_AND_ADDRESS",
            "{ burst = 12, per_minute = 1 }",
        )
        .start();
    server.user("alice").await;
    for _ in 0..4 {
        let replies = join_all((0..10).map(|_| try_from(&server, [127, 0, 0, 1], "alice", PASSWORD))).await;
        for reply in &replies {
            assert!(matches!(outcome(reply), "ok" | "busy"), "{reply}");
        }
    }
}

#[tokio::test]
async fn sixty_people_behind_one_address_register_and_log_in_at_once() {
    let server = Server::builder().set("KITH_PASSWORDS__THREADS", "2").start();
    let people = (0..60).map(|person| {
        let server = &server;
        async move {
            let name = format!("person{person}");
            let mut raw = server.connect().await;
            raw.register(&name).await;
            raw.login(&name).await;
            raw
        }
    });
    let mut people = join_all(people).await;
    people[0].say("person59", "are we all here?").await;
    assert_eq!(people[59].hear().await.0, "person0");
}

#[tokio::test]
async fn new_accounts_from_one_address_are_limited() {
    let server = Server::builder()
        .set(
            "KITH_LIMITS__REGISTRATIONS_PER_ADDRESS",
            "{ burst = 2, per_minute = 1 }",
        )
        .start();
    let mut guest = server.connect().await;
    guest.register("alice").await;
    guest.register("bob").await;
    assert_eq!(guest.error(register("carol", PASSWORD)).await, "rate_limited");
    // Only what would make an account counts, so a mistake is still told.
    assert_eq!(guest.error(register("carol", "short")).await, "weak_password");
    server.connect_from([127, 0, 0, 2]).await.register("carol").await;
}
