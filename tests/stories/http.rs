//! HTTP on the same port.

use kith_tests::{Raw, Server};
use serde_json::json;

/// The answer to a request, head and body.
async fn get(mut raw: Raw, path: &str) -> (String, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    raw.send_bytes(request.as_bytes()).await;
    let said = String::from_utf8(raw.rest().await).unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[tokio::test]
async fn a_monitor_asks_whether_all_is_well() {
    let server = Server::start();
    // By ALPN, and by the first byte where the client offers none.
    for alpn in [&[&b"http/1.1"[..]][..], &[]] {
        let raw = Raw::connect(server.address, &server.ca(), alpn).await;
        let (head, body) = get(raw, "/healthz").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert_eq!(body, "ok\n");
    }
    let (head, _) = get(server.connect().await, "/nothing-here").await;
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
}

#[tokio::test]
async fn a_browser_finds_a_page_that_may_do_nothing() {
    let server = Server::start();
    let (head, body) = get(server.connect().await, "/").await;
    let head = head.to_lowercase();
    assert!(
        head.starts_with("http/1.1 200 ") && head.contains("content-type: text/html"),
        "{head}"
    );
    assert!(
        head.contains("content-security-policy: default-src 'none'"),
        "{head}"
    );
    assert!(head.contains("x-content-type-options: nosniff"), "{head}");
    assert!(body.contains("Kith"), "{body}");
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let server = Server::start();
    let mut raw = server.connect().await;
    raw.send_bytes(
        format!(
            "GET / HTTP/1.1\r\nHost: localhost\r\nCookie: {}",
            "x".repeat(17 * 1024)
        )
        .as_bytes(),
    )
    .await;
    let said = String::from_utf8(raw.rest().await).unwrap();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431 "), "{said}");
}

#[tokio::test]
async fn each_language_keeps_to_its_connection() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    // Who has agreed on kith/1 isn't heard as a browser.
    let mut native = Raw::connect(server.address, &server.ca(), &[b"kith/1"]).await;
    native.send_bytes(b"GET /healthz HTTP/1.1\r\n\r\n").await;
    assert_eq!(native.receive().await["error"]["code"], "malformed");
    native.hello().await;
    // And who has agreed on HTTP isn't heard as a client.
    let mut browser = Raw::connect(server.address, &server.ca(), &[b"http/1.1"]).await;
    browser
        .send_bytes(format!("{}\r\n\r\n", json!({"action": "ping"})).as_bytes())
        .await;
    let said = String::from_utf8(browser.rest().await).unwrap();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 400 "), "{said}");
    alice.nothing().await;
}
