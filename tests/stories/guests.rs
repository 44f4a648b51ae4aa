//! Before a login.

use kith_tests::{PASSWORD, Server};
use serde_json::{Value, json};

use crate::requests::{
    contacts, file, file_get, list_contacts, list_sessions, login, logout, message, message_into, password,
    revoke, sync,
};

/// Everything that wants a login.
fn for_people_only() -> Vec<Value> {
    vec![
        message("alice", "hi"),
        message_into(&json!("conversation"), "hi"),
        file("alice", "a.txt", b"hi"),
        file_get(&json!("file")),
        list_contacts(),
        contacts("add", "alice"),
        contacts("block", "alice"),
        sync(json!({})),
        list_sessions(),
        revoke(&json!(1)),
        password(PASSWORD, "another good one"),
        logout(),
    ]
}

#[tokio::test]
async fn a_guest_may_ask_for_little() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    let mut ended = server.native_login("alice").await;
    ended.ok(logout()).await;
    // A token is only taken from those who said hello.
    let guests = [
        (server.connect().await, "conflict"),
        (server.connect_native().await, "session_ended"),
        (ended, "session_ended"),
    ];
    for (mut guest, resumed) in guests {
        for request in for_people_only() {
            assert_eq!(guest.error(request.clone()).await, "not_logged_in", "{request}");
        }
        guest.nothing().await;
        assert_eq!(
            guest
                .error(json!({"action": "resume", "token": "nobody's"}))
                .await,
            resumed
        );
        assert_eq!(
            guest.error(login("alice", "a wrong one")).await,
            "bad_credentials"
        );
        guest.login("alice").await;
        assert_eq!(guest.error(login("alice", PASSWORD)).await, "conflict");
    }
    alice.nothing().await;
}

#[tokio::test]
async fn hello_says_what_the_server_can_do_and_to_people_what_to_pin() {
    let server = Server::start();
    let mut raw = server.connect().await;
    let hello = raw.hello().await;
    assert_eq!(
        (&hello["version"], &hello["registration"]),
        (&json!("kith/1"), &json!("open"))
    );
    assert_eq!(hello["limits"]["frame_before_login"], 8192);
    assert_eq!(hello["limits"]["inline_file"], 8 * 1024 * 1024);
    assert!(hello["pins"].is_null(), "{hello}");
    raw.register("alice").await;
    raw.login("alice").await;
    assert_eq!(raw.hello().await["pins"], json!([server.pin]));
    let error = raw.refusal(json!({"action": "hello", "version": "kith/9"})).await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("bad_request"), &json!("version"))
    );
}

#[tokio::test]
async fn nobody_stays_a_guest_for_ever() {
    let server = Server::builder().set("KITH_LIMITS__LOGIN_SECONDS", "1").start();
    let mut alice = server.user("alice").await;
    let mut guest = server.connect_native().await;
    let said = guest.closed().await;
    assert_eq!(said.len(), 1);
    assert_eq!(said[0]["error"]["code"], "timeout");
    // Who was logged in for longer than that has the whole time again.
    alice.ok(logout()).await;
    alice.login("alice").await;
}

#[tokio::test]
async fn guests_of_one_address_are_limited_and_people_are_not() {
    let server = Server::builder()
        .set("KITH_LIMITS__CONNECTIONS_BEFORE_LOGIN_PER_ADDRESS", "2")
        .start();
    let mut alice = server.user("alice").await;
    let mut again = server.login("alice").await;
    let (_one, mut two) = (server.connect().await, server.connect().await);
    let refused = tokio::net::TcpStream::connect(server.address).await.unwrap();
    refused.readable().await.unwrap();
    assert_eq!(
        refused.try_read(&mut [0]).unwrap_or(0),
        0,
        "closed without a word"
    );
    server.connect_from([127, 0, 0, 2]).await.nothing().await;
    two.login("alice").await;
    server.connect().await.nothing().await;
    again.nothing().await;
    alice.nothing().await;
}
