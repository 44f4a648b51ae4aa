//! The protocol over a WebSocket, as browsers speak it.

use futures_util::SinkExt as _;
use kith_tests::{PASSWORD, Raw, Server, Socket};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::requests::{list_sessions, message, revoke, sync};

/// A part of a message.
fn part(opcode: Data, is_final: bool, bytes: &[u8]) -> Message {
    Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(opcode), is_final))
}

#[tokio::test]
async fn a_browser_and_a_program_write_to_each_other() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut bob = Socket::open(&server).await;
    assert_eq!(bob.protocol.as_deref(), Some("kith.v1"));
    assert_eq!(bob.hello().await["version"], "kith/1");
    bob.join("bob").await;
    let sent = alice.say("bob", "hello, browser").await;
    assert_eq!(bob.receive().await["event"], "conversation");
    let heard = bob.receive().await;
    assert_eq!(heard["body"], json!({"content": "hello, browser"}));
    assert_eq!(heard["number"], sent["number"]);
    // Several at once, in order; a file as large as the protocol allows is one message.
    for number in 2..=50 {
        bob.send(message("alice", &format!("message {number}"))).await;
    }
    for number in 2..=50 {
        assert_eq!(bob.receive().await["number"], number);
    }
    let bytes = vec![7; 8 * 1024 * 1024];
    let file = crate::requests::file("alice", "large.bin", &bytes);
    assert_eq!(bob.ok(file).await["number"], 51);
    for number in 2..=50 {
        assert_eq!(alice.event("message").await["number"], number);
    }
    let announced = alice.event("file").await;
    let request = json!({"action": "file_get", "file": announced["body"]["file"]});
    assert_eq!(alice.ok(request.clone()).await, bob.ok(request).await);
    server
        .logged(1, &["INFO connection", "upgraded", "protocol=\"ws\""])
        .await;
    server
        .logged(1, &["INFO authentication", "user=\"bob\"", "logged in"])
        .await;
}

#[tokio::test]
async fn only_pages_of_this_server_and_those_allowed_may_connect() {
    let server = Server::builder()
        .set("KITH_WEB__ORIGINS", "[\"https://chat.example.org\"]")
        .start();
    let port = server.address.port();
    let own = format!("https://localhost:{port}");
    let with_case = format!("https://LOCALHOST:{port}");
    for origin in [
        &*own,
        &*with_case,
        "https://chat.example.org",
        "https://chat.example.org:443",
    ] {
        let mut socket = Socket::try_open(&server, &[("origin", origin)]).await.unwrap();
        assert_eq!(socket.protocol, None, "nobody offered one");
        socket.hello().await;
    }
    let (plain, other_port) = (format!("http://localhost:{port}"), "https://localhost:1");
    let inside = format!("https://localhost:{port}.evil.example");
    let mut refused = 0;
    for origins in [
        &[][..],
        &["null"],
        &["https://evil.example"],
        &[&*plain],
        &[other_port],
        &[&*inside],
        &["http://chat.example.org"],
        &["https://sub.chat.example.org"],
        &[&*own, "https://evil.example"],
        &["not an origin"],
    ] {
        let headers: Vec<_> = origins.iter().map(|origin| ("origin", *origin)).collect();
        let Err((status, text)) = Socket::try_open(&server, &headers).await else {
            panic!("{origins:?} was let in");
        };
        assert_eq!(status, 403, "{origins:?}: {text}");
        assert!(text.contains("[web]"), "{text}");
        refused += 1;
    }
    server
        .logged(refused, &["WARN connection", "foreign page", "127.0.0.1"])
        .await;
}

#[tokio::test]
async fn among_the_protocols_offered_ours_is_chosen() {
    let server = Server::start();
    let origin = format!("https://localhost:{}", server.address.port());
    let offered = [("origin", &*origin), ("sec-websocket-protocol", "other, kith.v1")];
    let socket = Socket::try_open(&server, &offered).await.unwrap();
    assert_eq!(socket.protocol.as_deref(), Some("kith.v1"));
}

#[tokio::test]
async fn who_asks_for_a_page_there_is_told_what_it_is() {
    let server = Server::start();
    for (method, status) in [("GET", "426"), ("POST", "405")] {
        let mut raw = Raw::connect(server.address, &server.ca(), &[b"http/1.1"]).await;
        let request = format!(
            "{method} /ws HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        raw.send_bytes(request.as_bytes()).await;
        let said = String::from_utf8(raw.rest().await).unwrap();
        assert!(said.starts_with(&format!("HTTP/1.1 {status} ")), "{said}");
    }
}

#[tokio::test]
async fn a_message_may_come_in_parts_and_with_line_breaks() {
    let server = Server::start();
    let mut alice = Socket::open(&server).await;
    for (opcode, is_final, bytes) in [
        (Data::Text, false, &b"{\n  \"action\": \"pi"[..]),
        (Data::Continue, false, b""),
        (Data::Continue, true, b"ng\",\n  \"id\": 7\n}\n"),
    ] {
        alice.send_raw(part(opcode, is_final, bytes)).await;
    }
    assert_eq!(alice.receive().await, json!({"status": "ok", "id": 7}));
    // Two in one are none.
    let two = "{\"action\": \"ping\"}\n{\"action\": \"ping\"}";
    alice.send_raw(Message::text(two)).await;
    assert_eq!(alice.receive().await["error"]["code"], "malformed");
    alice.send_raw(Message::text("{\"action\": ")).await;
    assert_eq!(alice.receive().await["error"]["code"], "malformed");
    alice.send_raw(Message::text("")).await;
    assert_eq!(
        alice.ask(json!({"action": "ping"})).await,
        json!({"status": "ok"})
    );
}

#[tokio::test]
async fn what_is_no_message_ends_it_with_the_reason() {
    let server = Server::start();
    let too_long = json!({"action": "ping", "padding": "x".repeat(8192)}).to_string();
    for (message, code, error) in [
        (Message::binary(&b"{}"[..]), 1003, "malformed"),
        (Message::text(too_long), 1009, "too_large"),
        (part(Data::Text, true, b"{\"a\": \"\xe9\"}"), 1007, "malformed"),
        (part(Data::Continue, true, b"{}"), 1002, "malformed"),
    ] {
        let mut socket = Socket::open(&server).await;
        socket.hello().await;
        socket.send_raw(message).await;
        let (said, lines) = socket.closed().await;
        assert_eq!(said, code);
        let codes: Vec<_> = lines.iter().map(|line| &line["error"]["code"]).collect();
        assert_eq!(codes, [error], "{code}");
    }
    // After a login a message may be larger, but not without end.
    let mut alice = Socket::open(&server).await;
    alice.hello().await;
    alice.join("alice").await;
    let sending = alice
        .stream
        .send(Message::text("x".repeat(12 * 1024 * 1024)))
        .await;
    // The server may have closed before all was sent.
    if sending.is_ok() {
        assert_eq!(alice.closed().await.0, 1009);
    }
    server
        .logged(1, &["user=\"alice\"", "the message is too long"])
        .await;
}

#[tokio::test]
async fn the_slow_and_the_silent_are_sent_away() {
    let server = Server::builder().set("KITH_LIMITS__FRAME_SECONDS", "1").start();
    let mut slow = Socket::open(&server).await;
    slow.hello().await;
    slow.send_raw(part(Data::Text, false, b"{\"action\":")).await;
    let (code, said) = slow.closed().await;
    assert_eq!((code, &said[0]["error"]["code"]), (1008, &json!("timeout")));

    let server = Server::builder().set("KITH_LIMITS__LOGIN_SECONDS", "1").start();
    let mut silent = Socket::open(&server).await;
    let (code, said) = silent.closed().await;
    assert_eq!((code, &said[0]["error"]["code"]), (1008, &json!("timeout")));
}

#[tokio::test]
async fn a_ping_gets_its_pong_and_is_no_message() {
    let server = Server::start();
    let mut alice = Socket::open(&server).await;
    alice.hello().await;
    alice.join("alice").await;
    for _ in 0..3 {
        alice.send_raw(Message::Ping("hello?".into())).await;
        assert_eq!(alice.next_raw().await, Some(Message::Pong("hello?".into())));
    }
    alice.send_raw(Message::Pong("unasked".into())).await;
    assert_eq!(
        alice.ask(json!({"action": "ping"})).await,
        json!({"status": "ok"})
    );
}

#[tokio::test]
async fn a_session_that_is_revoked_elsewhere_ends() {
    let server = Server::start();
    let mut phone = server.native_user("alice").await;
    let mut browser = Socket::open(&server).await;
    browser.hello().await;
    let device = browser.log_in("alice").await["device"].clone();
    phone.event("device").await;
    let listed = phone.ok(list_sessions()).await;
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 2);
    phone.ok(revoke(&device)).await;
    while browser.receive().await != json!({"event": "session_ended"}) {}
    // The connection is a guest's again, as any other would be.
    assert_eq!(
        browser.ask(sync(json!({}))).await["error"]["code"],
        "not_logged_in"
    );
    browser.log_in("alice").await;
}

#[tokio::test]
async fn a_client_that_closes_is_answered_and_what_it_sent_is_stored() {
    let server = Server::start();
    server.native_user("bob").await.leave().await;
    let mut alice = Socket::open(&server).await;
    alice.hello().await;
    alice.join("alice").await;
    alice.send(message("bob", "and goodbye")).await;
    alice.stream.close(None).await.unwrap();
    let (code, said) = alice.closed().await;
    assert_eq!((code, said.len()), (1000, 1));
    assert_eq!(alice.next_raw().await, None);
    let mut bob = server.native_login("bob").await;
    let synced = bob.ok(sync(json!({}))).await;
    assert!(synced.to_string().contains("and goodbye"), "{synced}");
    server
        .logged(1, &["user=\"alice\"", "closed by the client"])
        .await;
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let mut server = Server::start();
    let mut everybody = [Socket::open(&server).await, Socket::open(&server).await];
    everybody[0].hello().await;
    everybody[0].join("alice").await;
    everybody[1].ask(json!({"action": "ping"})).await;
    // Whoever answers the close is waited for, so the clients have to listen while the server ends.
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    for socket in &mut everybody {
        let (code, said) = socket.closed().await;
        assert_eq!(code, 1001);
        assert_eq!(said, [json!({"event": "bye", "reason": "the server stops"})]);
        assert_eq!(socket.next_raw().await, None);
    }
    assert_eq!(stopped.await.unwrap().code(), Some(0));
}

/// Without `hello` the seed's protocol is spoken here too, and so is waiting for who was away.
#[tokio::test]
async fn a_page_may_be_a_client_of_the_seed() {
    let server = Server::start();
    server.user("bob").await.leave().await;
    let mut alice = Socket::open(&server).await;
    alice.join("alice").await;
    alice.ok(message("bob", "while you were away")).await;
    let mut bob = Socket::open(&server).await;
    let login = json!({"action": "login", "username": "bob", "password": PASSWORD});
    bob.ok(login.clone()).await;
    assert_eq!(bob.receive().await["content"], "while you were away");
    bob.stream.close(None).await.unwrap();
    bob.closed().await;
    // It has certainly arrived, so it isn't sent again.
    server.logged(2, &["user=\"bob\"", "disconnected"]).await;
    let mut bob = Socket::open(&server).await;
    bob.ok(login).await;
    assert_eq!(
        bob.ask(json!({"action": "ping", "id": 1})).await,
        json!({"status": "ok", "id": 1})
    );
}
