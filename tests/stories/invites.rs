//! Who may register, and what makes an administrator.

use kith_common::InviteLink;
use kith_tests::{PASSWORD, Server};
use sea_orm::ConnectionTrait as _;
use serde_json::json;

use crate::requests::{login, register, register_with};

/// The code in an invite link.
fn code(link: &str) -> String {
    link.trim().parse::<InviteLink>().unwrap().code.unwrap()
}

#[tokio::test]
async fn who_redeems_the_invite_of_setup_administrates() {
    let server = Server::builder().registration("invite").start();
    let link: InviteLink = server.admin_link.parse().unwrap();
    assert_eq!(link.pin.unwrap().to_string(), server.pin);
    let mut alice = server.connect().await;
    alice
        .ok(register_with("alice", PASSWORD, &link.code.unwrap()))
        .await;
    assert_eq!(alice.login("alice").await["admin"], true);
    // There is an administrator now; another one isn't made by setting up again.
    assert!(!server.must(&["setup"]).contains("invite="));
}

#[tokio::test]
async fn an_invite_is_redeemed_once_by_one_of_many() {
    let server = Server::builder().registration("invite").start();
    let code = code(&server.admin_link);
    let tries = (0..8).map(|person| {
        let (server, request) = (
            &server,
            register_with(&format!("person{person}"), PASSWORD, &code),
        );
        async move { server.connect().await.ask(request).await }
    });
    let replies = futures_util::future::join_all(tries).await;
    let mut winners = 0;
    for (person, reply) in replies.iter().enumerate() {
        let mut raw = server.connect().await;
        let login = raw.ask(login(&format!("person{person}"), PASSWORD)).await;
        if reply["status"] == "ok" {
            winners += 1;
            assert_eq!(login["admin"], true);
        } else {
            assert_eq!(reply["error"]["code"], "bad_invite");
            assert_eq!(
                login["error"]["code"], "bad_credentials",
                "no account without an invite"
            );
        }
    }
    assert_eq!(winners, 1);
    let mut late = server.connect().await;
    assert_eq!(
        late.error(register_with("late", PASSWORD, &code)).await,
        "bad_invite"
    );
}

#[tokio::test]
async fn nothing_else_makes_an_administrator() {
    let server = Server::start();
    let mut first = server.connect().await;
    for (name, extra) in [
        ("admin", json!(null)),
        ("root", json!(true)),
        ("alice", json!("true")),
    ] {
        let mut request = register(name, PASSWORD);
        request["admin"] = extra;
        first.ok(request).await;
    }
    first
        .ok(register_with("bob", PASSWORD, &code(&server.must(&["invite"]))))
        .await;
    for name in ["admin", "root", "alice", "bob"] {
        let mut raw = server.connect().await;
        assert_eq!(raw.login(name).await["admin"], false, "{name}");
    }
    assert!(!server.must(&["user", "list"]).contains("yes"));
    first
        .ok(register_with(
            "carol",
            PASSWORD,
            &code(&server.must(&["invite", "--admin"])),
        ))
        .await;
    assert_eq!(first.login("carol").await["admin"], true);
}

#[tokio::test]
async fn by_invite_only() {
    let server = Server::builder().registration("invite").start();
    let mut guest = server.connect().await;
    assert_eq!(guest.hello().await["registration"], "invite");
    assert_eq!(guest.error(register("bob", PASSWORD)).await, "invite_required");
    for wrong in ["", "guess", &"x".repeat(22), &server.pin] {
        assert_eq!(
            guest.error(register_with("bob", PASSWORD, wrong)).await,
            "bad_invite"
        );
    }
    // What is wrong with the rest of the request doesn't use the invite up.
    let invite = code(&server.must(&["invite"]));
    assert_eq!(
        guest.error(register_with("b", PASSWORD, &invite)).await,
        "bad_request"
    );
    assert_eq!(
        guest.error(register_with("bob", "short", &invite)).await,
        "weak_password"
    );
    guest.ok(register_with("bob", PASSWORD, &invite)).await;
    assert_eq!(
        guest.error(register_with("carol", PASSWORD, &invite)).await,
        "bad_invite"
    );
    let invite = code(&server.must(&["invite"]));
    assert_eq!(
        guest.error(register_with("bob", PASSWORD, &invite)).await,
        "name_taken"
    );
    guest.ok(register_with("carol", PASSWORD, &invite)).await;
}

#[tokio::test]
async fn without_an_invite_nobody_learns_who_is_here() {
    let server = Server::builder().registration("invite").start();
    let mut guest = server.connect().await;
    guest
        .ok(register_with("alice", PASSWORD, &code(&server.admin_link)))
        .await;
    let of_alice = guest.ask(register_with("alice", PASSWORD, "a guess")).await;
    let of_nobody = guest.ask(register_with("nobody", PASSWORD, "a guess")).await;
    assert_eq!(of_alice, of_nobody);
    assert_eq!(of_alice["error"]["code"], "bad_invite");
}

#[tokio::test]
async fn guesses_at_invites_are_limited() {
    let server = Server::builder()
        .registration("invite")
        .set(
            "KITH_LIMITS__REGISTRATIONS_PER_ADDRESS",
            "{ burst = 3, per_minute = 1 }",
        )
        .start();
    let mut guest = server.connect().await;
    for guess in 0..3 {
        assert_eq!(
            guest
                .error(register_with("bob", PASSWORD, &format!("guess {guess}")))
                .await,
            "bad_invite"
        );
    }
    let error = guest
        .refusal(register_with("bob", PASSWORD, &code(&server.admin_link)))
        .await;
    assert_eq!(error["code"], "rate_limited");
    assert!((1..=60).contains(&error["retry_after"].as_u64().unwrap()));
    let mut elsewhere = server.connect_from([127, 0, 0, 2]).await;
    elsewhere
        .ok(register_with("bob", PASSWORD, &code(&server.admin_link)))
        .await;
}

#[tokio::test]
async fn an_invite_expires() {
    let server = Server::builder().registration("invite").start();
    let invite = code(&server.must(&["invite", "--hours", "1"]));
    let database = server.database().await;
    let an_hour_ago = "UPDATE invites SET expires_at = created_at - 1";
    database.execute_unprepared(an_hour_ago).await.unwrap();
    let mut guest = server.connect().await;
    for expired in [invite, code(&server.admin_link)] {
        assert_eq!(
            guest.error(register_with("bob", PASSWORD, &expired)).await,
            "bad_invite"
        );
    }
}

#[tokio::test]
async fn a_closed_server_takes_nobody_but_who_is_invited() {
    let server = Server::builder().registration("closed").start();
    let mut guest = server.connect().await;
    assert_eq!(guest.hello().await["registration"], "closed");
    assert_eq!(
        guest.error(register("bob", PASSWORD)).await,
        "registration_closed"
    );
    guest
        .ok(register_with("alice", PASSWORD, &code(&server.admin_link)))
        .await;
}
