//! Connections that lead nowhere: each is refused within its time, with one line in the log.

use std::time::Duration;

use kith_tests::{PATIENCE, Raw, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What the server says to these bytes without TLS, until it closes.
async fn in_the_clear(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut said = Vec::new();
    let reading = stream.read_to_end(&mut said);
    timeout(PATIENCE, reading)
        .await
        .expect("the server didn't close")
        .unwrap();
    String::from_utf8(said).unwrap()
}

#[tokio::test]
async fn without_tls_nothing_is_said_but_why() {
    let server = Server::start();
    let page = in_the_clear(&server, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert!(
        page.starts_with("HTTP/1.1 400 ") && page.contains("https://"),
        "{page}"
    );
    let request = json!({"action": "login", "username": "alice", "password": "my open secret"});
    let line = in_the_clear(&server, format!("{request}\n").as_bytes()).await;
    let reply: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(reply["error"]["code"], "malformed");
    assert!(reply["error"]["message"].as_str().unwrap().contains("TLS"));
    assert_eq!(in_the_clear(&server, &[0; 100]).await, "");
    server
        .logged(3, &["WARN connection", "no TLS", "user=\"-\"", "127.0.0.1"])
        .await;
    assert!(!server.log().contains("my open secret"));
}

#[tokio::test]
async fn a_handshake_that_does_not_come_to_an_end_is_given_up() {
    let server = Server::builder()
        .set("KITH_LIMITS__HANDSHAKE_SECONDS", "1")
        .start();
    let silent = in_the_clear(&server, b"");
    // The beginning of a handshake of 512 bytes, and no more of it.
    let half = in_the_clear(&server, &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
    let (silent, half) = tokio::join!(silent, half);
    assert_eq!((&*silent, &*half), ("", ""));
    // Something that isn't a handshake after all is refused at once.
    in_the_clear(&server, &[0x16; 100]).await;
    server.logged(2, &["WARN connection", "took too long"]).await;
    server
        .logged(1, &["WARN connection", "TLS handshake failed"])
        .await;
}

/// Sends a byte now and then, never finishing a message, until the server has had enough.
async fn trickle(mut raw: Raw) -> Vec<Value> {
    let message = [b"{\"action\":\"ping\",\"note\":\"".to_vec(), vec![b'x'; 10_000]].concat();
    let mut pace = tokio::time::interval(Duration::from_millis(50));
    for byte in message {
        pace.tick().await;
        if raw.try_send_bytes(&[byte]).await.is_err() || raw.has_more(Duration::ZERO).await {
            break;
        }
    }
    raw.closed().await
}

#[tokio::test]
async fn a_byte_at_a_time_is_too_slow() {
    let server = Server::builder().set("KITH_LIMITS__FRAME_SECONDS", "1").start();
    let mut quiet = server.user("carol").await;
    let (alice, bob) = (server.user("alice").await, server.native_user("bob").await);
    let (guest, native_guest) = (server.connect().await, server.connect_native().await);
    let all = tokio::join!(
        trickle(guest),
        trickle(native_guest),
        trickle(alice),
        trickle(bob)
    );
    for said in [all.0, all.1, all.2, all.3] {
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0]["error"]["code"], "timeout");
    }
    // Who says nothing at all meanwhile is no trouble.
    quiet.nothing().await;
    server
        .logged(1, &["INFO connection", "too slowly", "user=\"alice\""])
        .await;
    server.logged(4, &["too slowly"]).await;
}

#[tokio::test]
async fn what_makes_no_sense_leaves_one_line_a_connection() {
    let server = Server::start();
    let (mut alice, mut guest) = (server.user("alice").await, server.connect_native().await);
    for raw in [&mut alice, &mut guest] {
        for line in [
            &b"{\"secret\":\"\xff\"}\n"[..],
            b"not for the log\n",
            b"{\"action\":\"not for the log\"}\n",
        ] {
            raw.send_bytes(line).await;
            raw.refused("nonsense").await;
        }
    }
    let deep = format!("{{\"a\":{}{}}}\n", "[".repeat(20), "]".repeat(20));
    let mut bob = server.user("bob").await;
    bob.send_bytes(deep.as_bytes()).await;
    bob.refused(&deep).await;
    server
        .logged(2, &["WARN connection", "makes no sense", "not valid UTF-8"])
        .await;
    server
        .logged(
            1,
            &[
                "WARN connection",
                "nested too deeply",
                "user=\"bob\"",
                "address=\"127.0.0.1\"",
            ],
        )
        .await;
    let log = server.log();
    assert_eq!(log.matches("makes no sense").count(), 3);
    assert!(!log.contains("secret") && !log.contains("not for the log"));
}
