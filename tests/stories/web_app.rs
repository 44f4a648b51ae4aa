//! The web app's files, and what else a browser asks for.

use std::path::Path;

use kith_tests::{Raw, Server};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What was answered.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn of(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        Self {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
    }

    fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

/// Makes a request of these lines, but for what every request has.
async fn ask(server: &Server, first: &str, headers: &[&str]) -> Answer {
    let mut raw = Raw::connect(server.address, &server.ca(), &[b"http/1.1"]).await;
    let mut request = format!("{first} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for header in headers {
        request += header;
        request += "\r\n";
    }
    raw.send_bytes((request + "\r\n").as_bytes()).await;
    Answer::of(&raw.rest().await)
}

/// A folder like that which `cargo xtask web` makes.
fn app() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("index.html", "<title>the app</title>"),
        ("index.html.br", "brotli of index"),
        ("index.html.gz", "gzip of index"),
        ("manifest.webmanifest", "{}"),
        ("sw.js", "// worker"),
        ("icons/icon.png", "png"),
        ("assets/app-1.wasm", "wasm"),
        ("assets/app-1.wasm.br", "brotli of wasm"),
        ("assets/app-1.wasm.gz", "gzip of wasm"),
    ] {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    directory
}

fn with_app(app: &Path) -> Server {
    let directory = app.to_str().unwrap();
    Server::builder().set("KITH_WEB__DIRECTORY", directory).start()
}

#[tokio::test]
async fn a_browser_gets_the_app_compressed_and_for_good() {
    let app = app();
    let server = with_app(app.path());
    let browser = "Accept-Encoding: gzip, deflate, br, zstd";
    let index = ask(&server, "GET /", &[browser, "Accept: text/html"]).await;
    assert_eq!((index.status, index.text()), (200, "brotli of index"));
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("content-encoding", "br"),
        ("content-length", "15"),
        ("cache-control", "no-cache"),
        ("vary", "Accept-Encoding"),
    ] {
        assert_eq!(index.header(name), Some(value), "{}", index.head);
    }
    let tag = index.header("etag").unwrap();
    let held = ask(&server, "GET /", &[browser, &format!("If-None-Match: {tag}")]).await;
    assert_eq!((held.status, held.body.len()), (304, 0), "{}", held.head);
    assert_eq!(held.header("etag"), Some(tag));
    let other = ask(
        &server,
        "GET /",
        &["Accept-Encoding: gzip", &format!("If-None-Match: {tag}")],
    )
    .await;
    assert_eq!((other.status, other.text()), (200, "gzip of index"));

    let wasm = ask(&server, "GET /assets/app-1.wasm", &[browser]).await;
    assert_eq!((wasm.status, wasm.text()), (200, "brotli of wasm"));
    assert_eq!(wasm.header("content-type"), Some("application/wasm"));
    assert_eq!(
        wasm.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    let plain = ask(&server, "GET /assets/app-1.wasm", &[]).await;
    assert_eq!((plain.text(), plain.header("content-encoding")), ("wasm", None));

    let head = ask(&server, "HEAD /assets/app-1.wasm", &[browser]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some("14"), "{}", head.head);
    for (path, kind) in [
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/icons/icon.png", "image/png"),
    ] {
        let answer = ask(&server, &format!("GET {path}"), &[browser]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)));
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_the_app_to_people_and_nothing_to_programs() {
    let app = app();
    let server = with_app(app.path());
    let page = ask(&server, "GET /conversation/7", &["Accept: text/html,*/*;q=0.8"]).await;
    assert_eq!((page.status, page.text()), (200, "<title>the app</title>"));
    let accept = &["Accept: */*"];
    for path in ["/conversation/7", "/assets/app-0.wasm", "/file/1", "/favicon.ico"] {
        let answer = ask(&server, &format!("GET {path}"), accept).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let old = ask(&server, "GET /assets/app-0.js", &["Accept: text/html"]).await;
    assert_eq!(old.status, 404);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
        let answer = ask(&server, &format!("{method} /"), &["Content-Length: 0"]).await;
        assert_eq!(answer.status, 405, "{method}: {}", answer.head);
        assert_eq!(answer.header("allow"), Some("GET,HEAD"));
    }
}

#[tokio::test]
async fn no_path_leads_out_of_the_app() {
    let app = app();
    std::fs::write(app.path().join(".secret"), "a secret").unwrap();
    let outside = app.path().with_file_name("kith-outside-of-the-app.txt");
    std::fs::write(&outside, "a secret").unwrap();
    let server = with_app(app.path());
    for path in [
        "/../kith-outside-of-the-app.txt",
        "/assets/../../kith-outside-of-the-app.txt",
        "/%2e%2e/kith-outside-of-the-app.txt",
        "/%2e%2e%2fkith-outside-of-the-app.txt",
        "/..%5ckith-outside-of-the-app.txt",
        "/..\\kith-outside-of-the-app.txt",
        "//etc/passwd",
        "/.secret",
        "/%2esecret",
        "/assets/./app-1.wasm",
        "/assets%2fapp-1.wasm",
        "/index.html%00",
        "/index.html\0",
        "/assets/",
        "*",
        "http://localhost/../.secret",
    ] {
        for accept in ["Accept: */*", "Accept: text/html"] {
            let answer = ask(&server, &format!("GET {path}"), &[accept]).await;
            assert!([400, 404].contains(&answer.status), "{path:?}: {}", answer.head);
            assert!(!answer.text().contains("secret"), "{path:?}");
        }
    }
    std::fs::remove_file(outside).unwrap();
    // The same things by other names are no trick.
    assert_eq!(ask(&server, "GET /?invite", &[]).await.status, 200);
    assert_eq!(
        ask(&server, "GET http://localhost/index.html", &[]).await.status,
        200
    );
}

#[tokio::test]
async fn every_answer_tells_browsers_what_they_may_do() {
    let app = app();
    let server = with_app(app.path());
    for path in [
        "/",
        "/assets/app-1.wasm",
        "/nothing",
        "/healthz",
        "/about.json",
        "/ca.crt",
        "/ws",
    ] {
        let answer = ask(&server, &format!("GET {path}"), &[]).await;
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; font-src 'self'; \
                 img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; \
                 manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
            ),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}: {}", answer.head);
        }
        assert!(answer.header("permissions-policy").is_some(), "{path}");
        // The certificate is of the server's own CA.
        assert_eq!(answer.header("strict-transport-security"), None, "{path}");
    }
}

/// What is public about a server is what its certificate's chain ends with.
#[tokio::test]
async fn a_public_certificate_is_told_to_browsers_and_its_ca_is_not_ours_to_give() {
    for (hsts, expected) in [("true", Some("max-age=15552000")), ("false", None)] {
        let mut server = Server::builder().set("KITH_WEB__HSTS", hsts).start();
        server.stop();
        // A chain that ends below its root, as those of public CAs do.
        let chain = server.data().join("certs/server.pem");
        let pem = std::fs::read_to_string(&chain).unwrap();
        let end = "-----END CERTIFICATE-----\n";
        let leaf = pem.split_inclusive(end).next().unwrap();
        std::fs::write(&chain, leaf).unwrap();
        server.restart();
        assert_eq!(server.pin, "");
        let about = ask(&server, "GET /about.json", &[]).await;
        assert_eq!(about.header("strict-transport-security"), expected);
        let about: Value = serde_json::from_slice(&about.body).unwrap();
        assert_eq!(about["certificate"], "public");
        assert!(about["fingerprint"].is_null());
        assert_eq!(ask(&server, "GET /ca.crt", &[]).await.status, 404);
    }
}

#[tokio::test]
async fn a_page_learns_whom_it_would_have_to_trust() {
    let server = Server::builder()
        .registration("invite")
        .host("chat.example.org")
        .start();
    let about = ask(&server, "GET /about.json", &[]).await;
    assert_eq!(about.header("content-type"), Some("application/json"));
    assert_eq!(about.header("cache-control"), Some("no-cache"));
    let about: Value = serde_json::from_slice(&about.body).unwrap();
    let version = concat!("kith-server ", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        about,
        json!({"server": version, "host": "chat.example.org", "registration": "invite", "certificate": "own",
            "fingerprint": server.pin})
    );
    let certificate = ask(&server, "GET /ca.crt", &[]).await;
    assert_eq!(
        certificate.header("content-type"),
        Some("application/x-x509-ca-cert")
    );
    let expected = CertificateDer::from_pem_file(server.ca()).unwrap();
    assert_eq!(certificate.body, expected.as_ref());
}

#[tokio::test]
async fn without_an_app_there_is_a_page_and_with_half_of_one_no_server() {
    let server = Server::start();
    let page = ask(&server, "GET /", &["Accept: text/html"]).await;
    assert!(page.text().contains("private chat server"), "{}", page.text());
    assert_eq!(
        ask(&server, "GET /chat", &["Accept: text/html"]).await.status,
        404
    );

    let empty = tempfile::tempdir().unwrap();
    let mut server = Server::builder()
        .set("KITH_WEB__DIRECTORY", empty.path().to_str().unwrap())
        .bare();
    server.must(&["setup"]);
    let said = server.fails(&["run", "--listen", "127.0.0.1:0"]);
    assert!(
        said.contains("no index.html") && said.contains("cargo xtask web"),
        "{said}"
    );
    server.kill();
}
