//! Uploads that lie, that are too much, that aren't one's own: each with its error, and nothing is lost of the others.

use kith_tests::{Answer, Ask, Server};
use serde_json::json;

use crate::requests::{delete, file, message, revoke, with};
use crate::transfers::{files, noise, open, opened, send};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn requests_that_make_no_sense() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let uploaded = open(&mut alice, 10).await;
    let (url, ticket) = (&*uploaded.url, &*uploaded.ticket);
    let octets = "application/offset+octet-stream";
    let patch = || Ask::tus("PATCH", url, ticket).with("Content-Type", octets);
    for (ask, expected) in [
        (
            Ask::new("POST", "/files").by(ticket).with("Upload-Length", 1),
            (412, "bad_request"),
        ),
        (
            Ask::new("PATCH", url).by(ticket).with("Tus-Resumable", "0.2.2"),
            (412, "bad_request"),
        ),
        (Ask::tus("POST", "/files", ticket), (400, "bad_request")),
        (
            Ask::tus("POST", "/files", ticket).with("Upload-Length", "ten"),
            (400, "bad_request"),
        ),
        (
            Ask::tus("POST", "/files", ticket).with("Upload-Length", "-1"),
            (400, "bad_request"),
        ),
        (
            Ask::tus("POST", "/files", ticket).with("Upload-Length", "18446744073709551615"),
            (400, "bad_request"),
        ),
        (
            Ask::tus("POST", "/files", ticket).with("Upload-Length", "99999999999999"),
            (413, "too_large"),
        ),
        (
            Ask::tus("POST", "/files", ticket).with("Upload-Defer-Length", "2"),
            (400, "bad_request"),
        ),
        (
            Ask::tus("POST", "/files", ticket)
                .with("Upload-Length", 1)
                .with("Upload-Metadata", "x".repeat(5000)),
            (400, "bad_request"),
        ),
        (patch().body(b"hi"), (400, "bad_request")),
        (
            patch().with("Upload-Offset", "0x0").body(b"hi"),
            (400, "bad_request"),
        ),
        (patch().with("Upload-Offset", 1).body(b"hi"), (409, "conflict")),
        (
            Ask::tus("PATCH", url, ticket)
                .with("Upload-Offset", 0)
                .body(b"hi"),
            (415, "bad_request"),
        ),
        (
            patch()
                .with("Upload-Offset", 0)
                .with("Upload-Checksum", "md5 AAAA")
                .body(b"hi"),
            (400, "bad_request"),
        ),
        (
            patch()
                .with("Upload-Offset", 0)
                .with("Upload-Checksum", "sha1 AAAA")
                .body(b"hi"),
            (400, "bad_request"),
        ),
        (
            Ask::patch("/files/AAAAAAAAAAAAAAAAAAAAAA", ticket, 0, b"hi"),
            (404, "not_found"),
        ),
        (
            Ask::patch("/files/..%2Fkith.db", ticket, 0, b"hi"),
            (404, "not_found"),
        ),
        (Ask::patch("/files/%00", ticket, 0, b"hi"), (404, "not_found")),
        (Ask::tus("POST", url, ticket), (405, "")),
    ] {
        let bytes = String::from_utf8_lossy(&ask.bytes()).into_owned();
        let answer = ask.of(&server).await;
        assert_eq!(answer.refusal(), (expected.0, expected.1.to_owned()), "{bytes}");
    }
    assert_eq!(uploaded.offset(&server).await, 0);
    assert_eq!(files(&server), 0);
}

#[tokio::test]
async fn sizes_and_checksums_that_lie() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    server.native_user("bob").await.leave().await;
    let uploaded = open(&mut alice, 10).await;
    let (url, ticket) = (&*uploaded.url, &*uploaded.ticket);
    assert_eq!(uploaded.send(&server, 0, b"hello").await.0, 204);
    // More than was said, with and without saying so.
    let more = Ask::patch(url, ticket, 5, b"world!").of(&server).await;
    assert_eq!(more.refusal(), (413, "too_large".to_owned()));
    let chunked = Ask::patch(url, ticket, 5, b"3\r\nwor\r\n3\r\nld!\r\n0\r\n\r\n");
    let chunked = chunked.with("Transfer-Encoding", "chunked").of(&server).await;
    assert_eq!(chunked.refusal(), (413, "too_large".to_owned()));
    // A checksum of other bytes.
    for (checksum, status) in [
        ("sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=", 460),
        ("sha256 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 460),
    ] {
        let wrong = Ask::patch(url, ticket, 5, b"world").with("Upload-Checksum", checksum);
        assert_eq!(wrong.of(&server).await.status, status, "{checksum}");
    }
    assert_eq!(uploaded.offset(&server).await, 5, "nothing of it is kept");
    // Less than was said isn't complete.
    let error = alice.refusal(send("bob", "a.txt", &uploaded)).await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("conflict"), &json!("upload"))
    );
    let right =
        Ask::patch(url, ticket, 5, b"world").with("Upload-Checksum", "sha1 fCEUM/AgcVl3Qeb/Wo6jR4mrv0M=");
    assert_eq!(right.of(&server).await.status, 204);
    // The whole is not what its sender has.
    let other = blake3::hash(b"hello earth").to_hex().to_string();
    let error = alice
        .refusal(with(send("bob", "a.txt", &uploaded), "hash", other))
        .await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("conflict"), &json!("hash"))
    );
    let hash = blake3::hash(b"helloworld").to_hex().to_string();
    alice
        .ok(with(send("bob", "a.txt", &uploaded), "hash", hash))
        .await;
    // The same for a file inside a message.
    let inline = file("bob", "b.txt", b"hello");
    let wrong = with(
        inline.clone(),
        "hash",
        blake3::hash(b"world").to_hex().to_string(),
    );
    assert_eq!(alice.error(wrong).await, "conflict");
    alice
        .ok(with(inline, "hash", blake3::hash(b"hello").to_hex().to_string()))
        .await;
    assert_eq!(files(&server), 2);
}

#[tokio::test]
async fn tickets_are_for_their_owner_and_end_with_the_session() {
    let server = Server::start();
    let mut alice = server.connect_native().await;
    alice.register("alice").await;
    let login = alice.login("alice").await;
    let mut mallory = server.native_user("mallory").await;
    let uploaded = open(&mut alice, 10).await;
    let hers = open(&mut mallory, 10).await;
    // Her ticket is good, but not for what isn't hers: as if it weren't there.
    for method in ["HEAD", "DELETE"] {
        let answer = Ask::tus(method, &uploaded.url, &hers.ticket).of(&server).await;
        assert_eq!(answer.status, 404, "{method}");
    }
    let stolen = Ask::patch(&uploaded.url, &hers.ticket, 0, b"hi")
        .of(&server)
        .await;
    assert_eq!(stolen.refusal(), (404, "not_found".to_owned()));
    assert_eq!(
        mallory
            .error(json!({"action": "upload", "upload": uploaded.id}))
            .await,
        "not_found"
    );
    assert_eq!(
        mallory.error(send("alice", "a.txt", &uploaded)).await,
        "not_found"
    );
    for ticket in ["", "made up", &format!("{}x", uploaded.ticket)] {
        let answer = Ask::patch(&uploaded.url, ticket, 0, b"hi").of(&server).await;
        assert_eq!(answer.refusal(), (401, "not_logged_in".to_owned()));
        assert!(answer.header("WWW-Authenticate").unwrap().starts_with("Bearer"));
    }
    let none = Ask::new("POST", "/files")
        .with("Tus-Resumable", "1.0.0")
        .with("Upload-Length", 1);
    assert_eq!(none.of(&server).await.status, 401);
    // Another device of hers goes on with it.
    let mut phone = server.native_login("alice").await;
    let again = opened(&phone.ok(json!({"action": "upload", "upload": uploaded.id})).await);
    assert_eq!(again.send(&server, 0, b"hello").await.0, 204);
    phone.ok(revoke(&login["device"])).await;
    assert_eq!(uploaded.send(&server, 5, b"world").await.0, 401);
    assert_eq!(again.send(&server, 5, b"world").await.0, 204);
    server.must(&["user", "disable", "alice"]);
    assert_eq!(
        Ask::tus("HEAD", &again.url, &again.ticket)
            .of(&server)
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn what_is_too_much_is_refused_before_it_is_sent() {
    let server = Server::builder()
        .set("KITH_FILES__ACCOUNT_BYTES", "1000000")
        .set("KITH_FILES__UPLOADS_PER_ACCOUNT", "3")
        .set("KITH_FILES__TRANSFERS_PER_ACCOUNT", "1")
        .start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    let first = open(&mut alice, 600_000).await;
    assert_eq!(
        alice.error(json!({"action": "upload", "size": 400_001})).await,
        "quota"
    );
    let refused = Ask::tus("POST", "/files", &first.ticket).with("Upload-Length", 400_001);
    assert_eq!(refused.of(&server).await.refusal(), (413, "quota".to_owned()));
    assert_eq!(alice.error(file("bob", "a.bin", &noise(400_001))).await, "quota");
    // One whose size isn't known takes what there is.
    let deferred = opened(&alice.ok(json!({"action": "upload", "defer_size": true})).await);
    let much = Ask::patch(&deferred.url, &deferred.ticket, 0, &noise(500_000))
        .of(&server)
        .await;
    assert_eq!(much.refusal(), (413, "quota".to_owned()));
    let answer = Ask::tus("DELETE", &deferred.url, &deferred.ticket)
        .of(&server)
        .await;
    assert_eq!(answer.status, 204);
    let sent = alice.ok(file("bob", "a.bin", &noise(400_000))).await;
    assert_eq!(alice.error(file("bob", "a.bin", b"1")).await, "quota");
    alice.ok(message("bob", "texts still go")).await;
    alice.ok(delete(&sent["conversation"], &[1])).await;
    alice.ok(file("bob", "a.bin", b"1")).await;
    // One at a time.
    let ask = Ask::patch(&first.url, &first.ticket, 0, &noise(600_000)).bytes();
    let mut slow = server.connect().await;
    slow.send_bytes(&ask[..ask.len() - 1]).await;
    let second = open(&mut alice, 10).await;
    // The first one counts once its head was read. Until then nothing is under way, and nothing more than that is said.
    let busy = loop {
        let answer = Ask::patch(&second.url, &second.ticket, 0, b"").of(&server).await;
        if answer.status != 204 {
            break answer;
        }
    };
    assert_eq!(busy.refusal(), (429, "rate_limited".to_owned()));
    slow.send_bytes(&ask[ask.len() - 1..]).await;
    assert_eq!(Answer::read(&mut slow).await.status, 204);
    assert_eq!(second.send(&server, 0, b"0123456789").await.0, 204);
    // Opened and left. What is open already may be asked for again.
    let keyed = json!({"action": "upload", "size": 1, "client_id": "u-1"});
    let third = alice.ok(keyed.clone()).await;
    assert_eq!(alice.ok(keyed).await["upload"], third["upload"]);
    assert_eq!(
        alice.error(json!({"action": "upload", "size": 1})).await,
        "too_many_uploads"
    );
    let refused = Ask::tus("POST", "/files", &first.ticket)
        .with("Upload-Length", 1)
        .of(&server)
        .await;
    assert_eq!(refused.refusal(), (429, "too_many_uploads".to_owned()));
    open(&mut bob, 1).await;
    alice.ok_after_events(send("bob", "a.txt", &second)).await;
    open(&mut alice, 1).await;
}

#[tokio::test]
async fn thousands_of_uploads_that_are_opened_and_left_take_no_disk() {
    let server = Server::builder()
        .set(
            "KITH_FILES__OPENED_PER_ACCOUNT",
            "{ burst = 2000, per_minute = 1 }",
        )
        .set("KITH_FILES__UPLOADS_PER_ACCOUNT", "1500")
        .start();
    let mut alice = server.native_user("alice").await;
    for number in 0..1500 {
        alice
            .send(json!({"action": "upload", "size": 1000, "id": number}))
            .await;
    }
    for number in 0..1500 {
        let reply = alice.receive().await;
        assert_eq!((&reply["status"], &reply["id"]), (&json!("ok"), &json!(number)));
    }
    for _ in 0..500 {
        assert_eq!(
            alice.error(json!({"action": "upload", "size": 1})).await,
            "too_many_uploads"
        );
    }
    assert_eq!(
        alice.error(json!({"action": "upload", "size": 1})).await,
        "rate_limited"
    );
    assert_eq!(files(&server), 0);
    alice.nothing().await;
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_takes_messages_and_no_files() {
    let server = Server::builder()
        .set("KITH_FILES__FREE_BYTES", "1000000000000000")
        .start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    let error = alice.refusal(json!({"action": "upload", "size": 1})).await;
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!("storage"), &json!("the server has no room for more files"))
    );
    let ticket = alice.ok(json!({"action": "upload"})).await["ticket"]
        .as_str()
        .unwrap()
        .to_owned();
    let refused = Ask::tus("POST", "/files", &ticket)
        .with("Upload-Length", 1)
        .of(&server)
        .await;
    assert_eq!(refused.refusal(), (507, "storage".to_owned()));
    assert_eq!(alice.error(file("bob", "a.txt", b"hi")).await, "storage");
    alice.say("bob", "hi").await;
    bob.event("message").await;
    assert_eq!(files(&server), 0);
}

#[tokio::test]
async fn a_disk_that_fills_up_in_the_middle_keeps_what_it_has() {
    let server = Server::builder().survives_file_limit().start();
    let mut alice = server.native_user("alice").await;
    server.native_user("bob").await.leave().await;
    let bytes = noise(4 * MIB);
    let uploaded = open(&mut alice, bytes.len()).await;
    uploaded.send(&server, 0, &bytes[..MIB]).await;
    server.limit_files(Some(2 * MIB as u64));
    let full = Ask::patch(&uploaded.url, &uploaded.ticket, MIB as u64, &bytes[MIB..])
        .of(&server)
        .await;
    assert_eq!(full.refusal(), (507, "storage".to_owned()));
    let offset = uploaded.offset(&server).await;
    assert!((MIB as u64..=2 * MIB as u64).contains(&offset), "{offset}");
    server.limit_files(None);
    let start = usize::try_from(offset).unwrap();
    let rest = uploaded.send(&server, offset, &bytes[start..]).await;
    assert_eq!(rest, (204, Some(bytes.len() as u64)));
    let hash = blake3::hash(&bytes).to_hex().to_string();
    alice
        .ok(with(send("bob", "a.bin", &uploaded), "hash", hash))
        .await;
}
