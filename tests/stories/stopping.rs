//! The server stops when it is told to: politely, at once, and without losing anything.

use std::time::{Duration, Instant};

use kith_tests::Server;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::requests::message;

const IN_TIME: Duration = Duration::from_secs(5);

fn bye() -> Value {
    json!({"event": "bye", "reason": "the server stops"})
}

/// Stops the server, which has to end well and in time.
fn stop(server: &mut Server) {
    let began = Instant::now();
    let status = server.stop();
    assert_eq!(status.code(), Some(0), "{status}");
    assert!(began.elapsed() < IN_TIME, "it took {:?}", began.elapsed());
}

#[tokio::test]
async fn everybody_is_told_goodbye() {
    let mut server = Server::start();
    let mut everybody = [
        server.connect().await,
        server.connect_native().await,
        server.user("alice").await,
        server.native_user("bob").await,
    ];
    for raw in &mut everybody {
        raw.nothing().await;
    }
    stop(&mut server);
    for mut raw in everybody {
        assert_eq!(raw.closed().await, [bye()]);
    }
    assert!(
        TcpStream::connect(server.address).await.is_err(),
        "nobody listens any more"
    );
    let log = server.log();
    assert!(log.trim_end().ends_with("INFO server: stopped"), "{log}");
}

#[tokio::test]
async fn what_is_under_way_is_answered_and_only_what_is_stored() {
    let mut server = Server::start();
    server.user("bob").await.leave().await;
    let mut alice = server.native_user("alice").await;
    for number in 1..=300 {
        alice.send(message("bob", &format!("message {number}"))).await;
    }
    // In the middle of it.
    assert_eq!(alice.receive().await["number"], 1);
    stop(&mut server);
    let said = alice.closed().await;
    assert_eq!(said.last(), Some(&bye()));
    let answered = said.len();
    for (before, reply) in said.iter().take(answered - 1).enumerate() {
        assert_eq!(reply["number"], before + 2, "{reply}");
    }
    server.restart();
    let mut bob = server.login("bob").await;
    for number in 1..=answered {
        assert_eq!(bob.hear().await.1, format!("message {number}"));
    }
    bob.nothing().await;
}

/// Neither who doesn't read, nor who doesn't finish, can hold the server up.
#[tokio::test]
async fn nobody_can_hold_it_up() {
    let mut server = Server::start();
    let mut alice = server.user("alice").await;
    let mut deaf = server.connect_narrow().await;
    deaf.register("bob").await;
    deaf.login("bob").await;
    for _ in 0..100 {
        alice.say("bob", &"x".repeat(60_000)).await;
    }
    let mut half_a_message = server.connect().await;
    half_a_message.send_bytes(b"{\"action\":").await;
    let mut half_a_handshake = TcpStream::connect(server.address).await.unwrap();
    half_a_handshake.write_all(&[0x16, 3, 1]).await.unwrap();
    let _nothing = TcpStream::connect(server.address).await.unwrap();
    let _no_request = server.connect().await;
    let mut half_a_head = server.connect().await;
    half_a_head.send_bytes(b"GET / HTTP/1.1\r\n").await;
    stop(&mut server);
    assert_eq!(half_a_message.closed().await, [bye()]);
    server.restart();
    let mut bob = server.login("bob").await;
    for _ in 0..100 {
        bob.hear().await;
    }
}

#[tokio::test]
async fn a_server_that_stopped_starts_again() {
    let mut server = Server::start();
    for round in 0..3 {
        let mut raw = server.connect().await;
        raw.register(&format!("person{round}")).await;
        stop(&mut server);
        server.restart();
        raw = server.login(&format!("person{round}")).await;
        raw.nothing().await;
    }
}
