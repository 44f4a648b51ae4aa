//! Names and passwords.

use kith_tests::{PASSWORD, Server};
use serde_json::json;

use crate::requests::{login, message, password, register};

#[tokio::test]
async fn a_name_is_the_same_in_any_case_and_shown_as_it_was_typed() {
    let server = Server::start();
    let mut alice = server.connect().await;
    let registered = alice.ok(register("Alice_L", PASSWORD)).await;
    assert_eq!(registered["username"], "Alice_L");
    assert_eq!(alice.error(register("aLICE_l", PASSWORD)).await, "name_taken");
    let reply = alice.ok(login("ALICE_l", PASSWORD)).await;
    assert_eq!(
        (&reply["username"], &reply["admin"]),
        (&json!("Alice_L"), &json!(false))
    );
    let mut bob = server.user("bob").await;
    bob.say("alice_L", "hi").await;
    assert_eq!(alice.hear().await, ("bob".to_owned(), "hi".to_owned()));
    alice.say("BOB", "hello").await;
    assert_eq!(bob.hear().await, ("Alice_L".to_owned(), "hello".to_owned()));
}

#[tokio::test]
async fn names_that_will_not_do_are_refused() {
    let server = Server::start();
    let mut guest = server.connect().await;
    for name in [
        "",
        "al",
        "_al",
        "al ice",
        "ålice",
        "al/ice",
        "alice\u{0}",
        &"a".repeat(33),
    ] {
        let error = guest.refusal(register(name, PASSWORD)).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("bad_request"), &json!("username")),
            "{name:?}"
        );
    }
    guest.ok(register(&"a".repeat(32), PASSWORD)).await;
    guest.ok(register("a.b-c_1", PASSWORD)).await;
}

#[tokio::test]
async fn of_two_who_want_a_name_at_once_one_gets_it() {
    let server = Server::start();
    let (mut one, mut other) = (server.connect().await, server.connect().await);
    let first = register("alice", "the first password");
    let second = register("Alice", "the second password");
    let (first, second) = tokio::join!(one.ask(first), other.ask(second));
    let (winner, loser) = if first["status"] == "ok" {
        (first, second)
    } else {
        (second, first)
    };
    assert_eq!(winner["status"], "ok");
    assert_eq!(loser["error"]["code"], "name_taken");
}

#[tokio::test]
async fn a_name_is_never_given_to_somebody_else() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    let mut bob = server.user("Bob").await;
    bob.say("alice", "I am leaving").await;
    alice.hear().await;
    server.must(&["user", "delete", "bob", "--yes"]);
    assert_eq!(bob.receive().await, json!({"event": "session_ended"}));
    assert_eq!(bob.error(login("Bob", PASSWORD)).await, "bad_credentials");
    for name in ["Bob", "bob"] {
        assert_eq!(bob.error(register(name, PASSWORD)).await, "name_taken");
    }
    // For everybody else it is as if nobody had the name, however often they ask.
    let to_nobody = alice.refusal(message("nobody", "hi")).await;
    for _ in 0..2 {
        assert_eq!(alice.refusal(message("bob", "are you there?")).await, to_nobody);
        assert_eq!(
            alice.error(crate::requests::contacts("add", "bob")).await,
            "not_found"
        );
    }
}

#[tokio::test]
async fn weak_passwords_are_refused() {
    let server = Server::start();
    let mut guest = server.connect().await;
    let long = "p".repeat(1025);
    for weak in [
        "",
        "seven77",
        "password",
        "PASSWORD",
        "iloveyou",
        "Alice-Liddell",
        "bell\u{7}bell",
        &long,
    ] {
        let error = guest.refusal(register("alice-liddell", weak)).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("weak_password"), &json!("password")),
            "{weak:?}"
        );
    }
    // Nothing of it was kept.
    guest.register("alice-liddell").await;
    guest.login("alice-liddell").await;
    // The rules hold for a change too.
    for weak in ["seven77", "password", "alice-LIDDELL", &long] {
        let error = guest.refusal(password(PASSWORD, weak)).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("weak_password"), &json!("new_password")),
            "{weak:?}"
        );
    }
    server.login("alice-liddell").await;
}

#[tokio::test]
async fn a_password_counts_in_characters_and_no_character_of_it_is_lost() {
    let server = Server::start();
    let mut guest = server.connect().await;
    // 1024 characters, 3072 bytes: far beyond the 72 bytes that bcrypt looks at.
    let whole = "語".repeat(1023) + "末";
    guest.ok(register("alice", &whole)).await;
    let cut: String = whole.chars().take(1023).collect();
    let other_end = "語".repeat(1023) + "本";
    for wrong in [cut, other_end] {
        assert_eq!(guest.error(login("alice", &wrong)).await, "bad_credentials");
    }
    guest.ok(login("alice", &whole)).await;
    // Eight characters suffice, also where they take more bytes.
    let mut guest = server.connect().await;
    assert_eq!(
        guest.error(register("bob", "密码密码密码密")).await,
        "weak_password"
    );
    guest.ok(register("bob", "密码密码密码密码")).await;
}

#[tokio::test]
async fn a_password_is_the_same_from_every_keyboard() {
    let server = Server::start();
    let mut guest = server.connect().await;
    // RFC 8265: other spaces become plain ones, and composed and combining accents are the same; nothing else changes.
    guest.ok(register("alice", "straße\u{3000}cafe\u{301} Øre")).await;
    for wrong in ["strasse café Øre", "straße café øre", "straßecafé Øre"] {
        assert_eq!(
            guest.error(login("alice", wrong)).await,
            "bad_credentials",
            "{wrong}"
        );
    }
    guest.ok(login("alice", "straße caf\u{e9}\u{a0}Øre")).await;
    guest.ok(password("straße café Øre", "naïve\u{2003}résumé")).await;
    let mut guest = server.connect().await;
    guest
        .ok(login("alice", "nai\u{308}ve re\u{301}sume\u{301}"))
        .await;
}
