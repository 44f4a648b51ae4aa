//! Messages that make no sense: each gets an error that says what is wrong, and the connection lives.

use kith_common::limits;
use kith_tests::{Raw, Server};
use serde_json::{Value, json};

/// A guest and people, simple and native, of a server.
async fn everybody(server: &Server) -> [Raw; 4] {
    // A letter as the very first byte would begin HTTP.
    let mut guest = server.connect().await;
    guest.nothing().await;
    [
        guest,
        server.connect_native().await,
        server.user("alice").await,
        server.native_user("bob").await,
    ]
}

/// Sends a line as it is, which must be refused; returns code and field.
async fn refusal(raw: &mut Raw, line: &[u8]) -> (String, Value) {
    raw.send_bytes(line).await;
    raw.send_bytes(b"\n").await;
    let mut error = raw.refused(&String::from_utf8_lossy(line)).await;
    (error["code"].as_str().unwrap().to_owned(), error["field"].take())
}

#[tokio::test]
async fn what_is_no_json_is_malformed() {
    let server = Server::start();
    for mut raw in everybody(&server).await {
        for line in [
            &b"hello?"[..],
            b"{\"action\":\"ping\",}",
            b"{\"action\":\"ping\" \"id\":1}",
            b"{'action':'ping'}",
            b"{\"action\":\"ping\",\"id\":01}",
            b"{\"action\":\"\\x\"}",
            b"{\"action\":\"\\ud800\"}",
            b"[\"ping\"]",
            b"17",
            b"null",
            b"\xef\xbb\xbf\xff",
        ] {
            let (code, field) = refusal(&mut raw, line).await;
            // What is JSON up to the action is told by its field.
            assert!(
                code == "malformed" || (code == "bad_request" && field == "action"),
                "{code} {field} for {line:?}"
            );
            raw.nothing().await;
        }
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_malformed() {
    let server = Server::start();
    for mut raw in everybody(&server).await {
        for bytes in [
            &b"\xff"[..],
            b"\xc3\x28",
            b"\xed\xa0\x80",
            b"\xf8\x88\x80\x80\x80",
        ] {
            let line = [b"{\"action\":\"ping\",\"note\":\"", bytes, b"\"}"].concat();
            assert_eq!(
                refusal(&mut raw, &line).await,
                ("malformed".to_owned(), Value::Null)
            );
            raw.nothing().await;
        }
    }
}

#[tokio::test]
async fn nesting_has_an_end() {
    let server = Server::start();
    // The object itself is one.
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
        format!("{{\"action\":\"ping\",\"note\":{open}{close}}}")
    };
    let deepest = limits::NESTING as usize;
    for mut raw in everybody(&server).await {
        raw.send_bytes(format!("{}\n", nested(deepest)).as_bytes()).await;
        assert_eq!(raw.receive().await, json!({"status": "ok"}));
        for depth in [deepest + 1, 3000] {
            assert_eq!(refusal(&mut raw, nested(depth).as_bytes()).await.0, "malformed");
            raw.nothing().await;
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_by_its_field() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    for (request, code, field) in [
        (json!({}), "bad_request", "action"),
        (json!({"action": null}), "bad_request", "action"),
        (json!({"action": 7}), "bad_request", "action"),
        (json!({"action": ["ping"]}), "bad_request", "action"),
        (json!({"action": "fly"}), "unknown_action", "action"),
        (json!({"action": "PING"}), "unknown_action", "action"),
        (json!({"action": "ping", "id": {}}), "bad_request", "id"),
        (
            json!({"action": "ping", "id": "x".repeat(200)}),
            "bad_request",
            "id",
        ),
        (json!({"action": "message"}), "bad_request", "content"),
        (
            json!({"action": "message", "content": "hi"}),
            "bad_request",
            "receiver",
        ),
        (
            json!({"action": "message", "content": "hi", "receiver": "bob", "conversation": "x"}),
            "bad_request",
            "receiver",
        ),
        (
            json!({"action": "message", "content": "hi", "receiver": 7}),
            "bad_request",
            "receiver",
        ),
        (
            json!({"action": "message", "content": {"text": "hi"}, "receiver": "bob"}),
            "bad_request",
            "content",
        ),
        (
            json!({"action": "message", "content": "hi", "receiver": "bob", "expect": -1}),
            "bad_request",
            "expect",
        ),
        (
            json!({"action": "message", "content": "hi", "receiver": "bob", "client_id": 1}),
            "bad_request",
            "client_id",
        ),
        (
            json!({"action": "file", "receiver": "bob", "file_name": "a"}),
            "bad_request",
            "file_data",
        ),
        (
            json!({"action": "file", "receiver": "bob", "file_data": "aGk="}),
            "bad_request",
            "file_name",
        ),
        (json!({"action": "file_get"}), "bad_request", "file"),
        (json!({"action": "contacts"}), "bad_request", "contact_action"),
        (json!({"action": "sessions"}), "bad_request", "session_action"),
        (
            json!({"action": "sessions", "session_action": "revoke"}),
            "bad_request",
            "device",
        ),
        (
            json!({"action": "sessions", "session_action": "revoke", "device": "x"}),
            "bad_request",
            "device",
        ),
        (json!({"action": "sync", "logs": []}), "bad_request", "logs"),
        (
            json!({"action": "sync", "logs": {"x": "y"}}),
            "bad_request",
            "logs.x",
        ),
        (
            json!({"action": "password", "new_password": "x"}),
            "bad_request",
            "old_password",
        ),
        (
            json!({"action": "register", "username": "carol"}),
            "bad_request",
            "password",
        ),
        (
            json!({"action": "register", "username": {}, "password": "x"}),
            "bad_request",
            "username",
        ),
        (
            json!({"action": "login", "password": "x"}),
            "bad_request",
            "username",
        ),
        (
            json!({"action": "login", "username": "alice", "password": 12345678}),
            "bad_request",
            "password",
        ),
    ] {
        let error = alice.refusal(request.clone()).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!(code), &json!(field)),
            "{request}"
        );
        alice.nothing().await;
    }
    // What isn't known is ignored.
    assert_eq!(
        alice
            .ask(json!({"action": "ping", "id": 1, "mood": {"good": true}}))
            .await,
        json!({"status": "ok", "id": 1})
    );
}

#[tokio::test]
async fn an_error_repeats_the_id_and_little_else() {
    let server = Server::start();
    let mut guest = server.connect_native().await;
    for id in [json!(17), json!("a-1"), json!(-1)] {
        let reply = guest.ask(json!({"action": "fly", "id": id})).await;
        assert_eq!(
            (&reply["id"], &reply["error"]["code"]),
            (&id, &json!("unknown_action"))
        );
    }
    let password = "p".repeat(4000);
    for request in [
        json!({"action": "login", "username": "alice", "password": [password]}),
        json!({"action": "login", "username": {"x": password}, "password": "x"}),
        json!({"action": password}),
        json!({password.as_str(): 1}),
    ] {
        let error = guest.refusal(request).await.to_string();
        assert!(error.len() < 500, "{error}");
    }
}

#[tokio::test]
async fn a_line_has_an_end() {
    let server = Server::start();
    let line = |length: usize| {
        let frame = json!({"action": "ping", "note": ""}).to_string();
        frame.replace("\"\"", &format!("\"{}\"", "x".repeat(length - frame.len())))
    };
    let (guests, people) = (limits::FRAME_BEFORE_LOGIN, limits::FRAME);
    let [guest, native_guest, alice, bob] = everybody(&server).await;
    for (mut raw, longest) in [
        (guest, guests),
        (native_guest, guests),
        (alice, people),
        (bob, people),
    ] {
        raw.send_bytes(format!("{}\n", line(longest)).as_bytes()).await;
        assert_eq!(raw.receive().await, json!({"status": "ok"}));
        raw.send_bytes(line(longest + 1).as_bytes()).await;
        let said = raw.closed().await;
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0]["error"]["code"], "too_large");
    }
}

/// The word that a message is too long arrives, though much of the message is still under way.
#[tokio::test]
async fn who_sends_far_too_much_hears_why() {
    let server = Server::start();
    for mut raw in [server.connect().await, server.connect_native().await] {
        raw.send_bytes(&[b'{'; 200_000]).await;
        let said = raw.closed().await;
        assert_eq!(said.last().unwrap()["error"]["code"], "too_large");
    }
}

#[tokio::test]
async fn a_guest_who_makes_no_sense_has_to_go_and_people_may_stay() {
    let server = Server::start();
    let nonsense =
        b"{\"action\":\"fly\"}\nwhat?\n{\"action\":}\n{\"action\":\"ping\",\"id\":[]}\n".repeat(10);
    let [guest, native_guest, mut alice, _bob] = everybody(&server).await;
    for mut raw in [guest, native_guest] {
        raw.nothing().await;
        raw.send_bytes(&nonsense).await;
        let said = raw.closed().await;
        assert_eq!(said.len(), 17, "sixteen answers and the last word");
        assert!(said.iter().all(|line| line["status"] == "error"));
    }
    alice.send_bytes(&nonsense).await;
    for _ in 0..40 {
        assert_eq!(alice.receive().await["status"], "error");
    }
    alice.nothing().await;
}
