//! Files of any size on their way from the server.

use kith_tests::{Answer, Ask, Raw, Server};
use serde_json::{Value, json};

use crate::requests::{delete, file, revoke, with};
use crate::transfers::{download, noise, send, upload};

const MIB: usize = 1024 * 1024;

struct Way {
    url: String,
    ticket: String,
    media: String,
}

async fn way(raw: &mut Raw, file: &Value) -> Way {
    let reply = raw.ok_after_events(download(file.as_str().unwrap())).await;
    let text = |field: &str| reply[field].as_str().unwrap().to_owned();
    Way {
        url: text("url"),
        ticket: text("ticket"),
        media: text("media_url"),
    }
}

impl Way {
    fn get(&self) -> Ask {
        Ask::new("GET", &self.url).by(&self.ticket)
    }
}

#[tokio::test]
async fn a_file_comes_whole_and_in_parts() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    let bytes = noise(2 * MIB + 7);
    let sent = alice.ok(file("bob", "photo.png", &bytes)).await;
    let way = way(&mut bob, &sent["file"]).await;
    let whole = way.get().of(&server).await;
    let size = bytes.len() as u64;
    assert_eq!((whole.status, whole.number("Content-Length")), (200, Some(size)));
    assert!(whole.body == bytes);
    let tag = whole.header("ETag").unwrap().to_owned();
    assert_eq!(tag, format!("{}", sent["hash"]), "the hash in quotes");
    assert_eq!(whole.header("Accept-Ranges"), Some("bytes"));
    let head = Ask::new("HEAD", &way.url).by(&way.ticket).of(&server).await;
    assert_eq!(
        (head.status, head.number("Content-Length"), head.body.len()),
        (200, Some(size), 0)
    );
    assert_eq!(head.header("ETag"), Some(&*tag));

    for (range, part) in [
        ("bytes=0-0", 0..1),
        ("bytes=1000000-", 1_000_000..bytes.len()),
        ("bytes=5-300000", 5..300_001),
        ("bytes=-3", bytes.len() - 3..bytes.len()),
        ("bytes=1-999999999999", 1..bytes.len()),
    ] {
        let answer = way.get().with("Range", range).of(&server).await;
        assert_eq!(answer.status, 206, "{range}");
        let expected = format!("bytes {}-{}/{size}", part.start, part.end - 1);
        assert_eq!(answer.header("Content-Range"), Some(&*expected), "{range}");
        assert!(answer.body == bytes[part], "{range}");
    }
    for range in ["bytes=9999999999-", "bytes=-0", "bytes=99999999999999999999-"] {
        let answer = way.get().with("Range", range).of(&server).await;
        let expected = format!("bytes */{size}");
        assert_eq!(
            (answer.status, answer.header("Content-Range")),
            (416, Some(&*expected)),
            "{range}"
        );
        assert_eq!(answer.body.len(), 0);
    }
    for range in [
        "bytes=2-1",
        "bytes=0-1,5-6",
        "chapters=1-2",
        "bytes",
        "-",
        "bytes=x-y",
    ] {
        let answer = way.get().with("Range", range).of(&server).await;
        assert_eq!((answer.status, answer.body.len()), (200, bytes.len()), "{range}");
    }
    let held = way.get().with("If-None-Match", &tag).of(&server).await;
    assert_eq!((held.status, held.body.len()), (304, 0));
    let rest = way
        .get()
        .with("Range", "bytes=100-")
        .with("If-Range", &tag)
        .of(&server)
        .await;
    assert_eq!((rest.status, rest.body.len()), (206, bytes.len() - 100));
    let other = way
        .get()
        .with("Range", "bytes=100-")
        .with("If-Range", "\"other\"")
        .of(&server)
        .await;
    assert_eq!((other.status, other.body.len()), (200, bytes.len()));
}

#[tokio::test]
async fn nothing_in_a_file_runs() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    for (name, said, shown, saved) in [
        ("a.png", "image/png", "image/png", "a.png"),
        ("a.svg", "image/svg+xml", "application/octet-stream", "a.svg"),
        ("a.html", "text/html", "application/octet-stream", "a.html"),
        (
            "a\"b;c.txt",
            "text/plain",
            "application/octet-stream",
            "a%22b%3Bc.txt",
        ),
        ("日本.mp4", "video/mp4", "video/mp4", "%E6%97%A5%E6%9C%AC.mp4"),
    ] {
        let request = with(
            file("bob", name, b"<script>alert(1)</script>"),
            "media_type",
            said,
        );
        let sent = alice.ok(request).await;
        let way = way(&mut bob, &sent["file"]).await;
        for ask in [
            way.get(),
            Ask::new("GET", &way.media),
            way.get().with("Range", "bytes=1-"),
        ] {
            let answer = ask.of(&server).await;
            assert_eq!(answer.header("Content-Type"), Some(shown), "{name}");
            let disposition = answer.header("Content-Disposition").unwrap();
            assert!(
                disposition.starts_with("attachment; filename=\""),
                "{disposition}"
            );
            assert!(
                disposition.ends_with(&format!("\"; filename*=UTF-8''{saved}")),
                "{disposition}"
            );
            assert_eq!(disposition.matches('"').count(), 2, "{disposition}");
            let policy = answer.header("Content-Security-Policy");
            assert_eq!(policy, Some("sandbox; default-src 'none'"));
            assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
            assert_eq!(answer.header("Cross-Origin-Resource-Policy"), Some("same-origin"));
            assert_eq!(answer.header("Referrer-Policy"), Some("no-referrer"));
            assert_eq!(answer.header("Cache-Control"), Some("private, no-cache"));
            assert_eq!(answer.header("Access-Control-Allow-Origin"), None);
        }
    }
}

#[tokio::test]
async fn only_who_was_sent_a_file_fetches_it() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.connect_native().await;
    bob.register("bob").await;
    let login = bob.login("bob").await;
    let mut mallory = server.native_user("mallory").await;
    let sent = alice.ok(file("bob", "secret.txt", b"secret")).await;
    let other = alice.ok(file("mallory", "other.txt", b"other")).await;
    let way_to = way(&mut bob, &sent["file"]).await;
    let hers = way(&mut mallory, &other["file"]).await;
    assert_eq!(
        mallory.error(download(sent["file"].as_str().unwrap())).await,
        "not_found"
    );
    let uploading = mallory.ok_after_events(json!({"action": "upload"})).await;
    let query = |way: &Way| way.media.split_once('?').unwrap().1.to_owned();
    for ask in [
        Ask::new("GET", &way_to.url),
        Ask::new("GET", &way_to.url).by(&hers.ticket),
        Ask::new("GET", &way_to.url).by(uploading["ticket"].as_str().unwrap()),
        Ask::new("GET", &format!("{}?{}", way_to.url, query(&hers))),
        // What an address says is for GET, what a header says isn't for addresses.
        Ask::new("HEAD", &way_to.media),
        Ask::new("GET", &format!("{}?ticket={}", way_to.url, way_to.ticket)),
        Ask::new("GET", &way_to.url).by(query(&way_to).strip_prefix("ticket=").unwrap()),
        Ask::new("GET", "/files/..%2fpepper.toml").by(&way_to.ticket),
        Ask::new("GET", "/files/..%2fpepper.toml"),
        // Nor does it let anybody upload.
        Ask::tus("POST", "/files", &way_to.ticket).with("Upload-Length", 1),
        Ask::tus("HEAD", &way_to.url, &way_to.ticket),
        Ask::tus("DELETE", &way_to.url, &way_to.ticket),
    ] {
        let bytes = String::from_utf8_lossy(&ask.bytes()).into_owned();
        assert_eq!(ask.of(&server).await.status, 401, "{bytes}");
    }
    for ask in [way_to.get(), Ask::new("GET", &way_to.media)] {
        assert_eq!(ask.of(&server).await.body, b"secret");
    }
    // An upload isn't a file yet, not even to its owner.
    let unsent = upload(&server, &mut alice, b"unsent").await;
    assert_eq!(alice.error(download(&unsent.id)).await, "not_found");

    // It ends with the session, and with the file.
    let mut phone = server.native_login("bob").await;
    let way_of_phone = way(&mut phone, &sent["file"]).await;
    phone.ok(revoke(&login["device"])).await;
    for ask in [way_to.get(), Ask::new("GET", &way_to.media)] {
        assert_eq!(ask.of(&server).await.status, 401);
    }
    assert_eq!(way_of_phone.get().of(&server).await.body, b"secret");
    alice.ok(delete(&sent["conversation"], &[1])).await;
    assert_eq!(
        way_of_phone.get().of(&server).await.refusal(),
        (404, "not_found".to_owned())
    );
    let log = server.log();
    for secret in [&way_to.ticket, &query(&way_to), &way_of_phone.ticket] {
        assert!(!log.contains(secret.trim_start_matches("ticket=")));
    }
}

#[tokio::test]
async fn a_file_that_is_deleted_while_it_is_fetched_comes_no_further() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    let bytes = noise(MIB).repeat(96);
    let uploaded = upload(&server, &mut alice, &bytes).await;
    let sent = alice.ok(send("bob", "large.bin", &uploaded)).await;
    let way = way(&mut bob, &sent["file"]).await;
    // It takes nothing in yet.
    let mut slow = server.connect_narrow().await;
    slow.send_bytes(&way.get().bytes()).await;
    assert!(slow.has_more(kith_tests::PATIENCE).await);
    alice.ok(delete(&sent["conversation"], &[1])).await;
    let answer = Answer::read(&mut slow).await;
    assert_eq!(
        (answer.status, answer.number("Content-Length")),
        (200, Some(bytes.len() as u64))
    );
    assert!(answer.body.len() < bytes.len(), "all of it came");
    assert!(bytes.starts_with(&answer.body));
    assert_eq!(way.get().of(&server).await.status, 404);
    server
        .logged(1, &["INFO transfer", "a file is fetched no further"])
        .await;
}

#[tokio::test]
async fn a_file_whose_bytes_are_lost_is_an_error_and_no_other_file() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    let sent = alice.ok(file("bob", "a.txt", b"hello")).await;
    let way = way(&mut bob, &sent["file"]).await;
    let path = server.data().join("blobs").join(sent["file"].as_str().unwrap());
    std::fs::write(&path, b"hell").unwrap();
    assert_eq!(way.get().of(&server).await.refusal(), (507, "storage".to_owned()));
    std::fs::remove_file(path).unwrap();
    assert_eq!(way.get().of(&server).await.refusal(), (507, "storage".to_owned()));
}
