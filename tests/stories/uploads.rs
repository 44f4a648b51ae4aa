//! Files of any size on their way to the server.

use kith_tests::{Answer, Ask, Server};
use serde_json::json;

use crate::requests::{delete, file, message, revoke, with};
use crate::transfers::{fetch, files, noise, open, opened, send, upload};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn a_file_goes_up_in_pieces_over_a_line_that_breaks() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    let bytes = noise(5 * MIB + 17);
    let uploaded = open(&mut alice, bytes.len()).await;
    let mut offset = 0;
    assert_eq!(
        uploaded.send(&server, 0, &bytes[..MIB]).await,
        (204, Some(MIB as u64))
    );
    for cut in [2 * MIB, 2 * MIB + 1, 4 * MIB] {
        let start = usize::try_from(uploaded.offset(&server).await).unwrap();
        let ask = Ask::patch(&uploaded.url, &uploaded.ticket, start as u64, &bytes[start..]).bytes();
        let mut raw = server.connect().await;
        raw.send_bytes(&ask[..ask.len() - (bytes.len() - cut)]).await;
        raw.hang_up().await;
        offset = usize::try_from(uploaded.offset(&server).await).unwrap();
        assert!(
            cut - MIB <= offset && offset <= cut,
            "{offset} of {cut} bytes were kept"
        );
    }
    let rest = uploaded.send(&server, offset as u64, &bytes[offset..]).await;
    assert_eq!(rest, (204, Some(bytes.len() as u64)));
    let hash = blake3::hash(&bytes).to_hex().to_string();
    let again = alice.ok(json!({"action": "upload", "upload": uploaded.id})).await;
    assert_eq!(
        (&again["hash"], &again["offset"]),
        (&json!(hash), &json!(bytes.len()))
    );

    let request = with(send("bob", "film.mp4", &uploaded), "hash", hash.as_str());
    let request = with(with(request, "media_type", "video/mp4"), "client_id", "f-1");
    let request = with(with(request, "width", 1920), "height", 1080);
    let sent = alice.ok(with(request.clone(), "thumbhash", "AQIDBA==")).await;
    assert_eq!(
        (&sent["file"], &sent["hash"]),
        (&json!(uploaded.id), &json!(hash))
    );
    let event = bob.event("file").await;
    assert_eq!(
        event["body"],
        json!({"file": uploaded.id, "file_name": "film.mp4", "size": bytes.len(), "hash": hash,
            "media_type": "video/mp4", "width": 1920, "height": 1080, "thumbhash": "AQIDBA=="})
    );
    // Once more is the same; with other words it is something else; without the key it is gone.
    assert_eq!(
        alice.ok(with(request.clone(), "thumbhash", "AQIDBA==")).await,
        sent
    );
    assert_eq!(alice.error(request).await, "conflict");
    let error = alice.refusal(send("bob", "film.mp4", &uploaded)).await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("not_found"), &json!("upload"))
    );
    assert!(fetch(&server, &mut bob, &uploaded.id).await == bytes);
    assert!(fetch(&server, &mut alice, &uploaded.id).await == bytes);
    assert_eq!(files(&server), 1);
    server
        .logged(1, &["INFO transfer", "upload complete", "user=\"alice\""])
        .await;
    assert!(!server.log().contains(&uploaded.ticket));
    // Deleted, it is gone from the disk.
    alice.ok(delete(&sent["conversation"], &[1])).await;
    assert_eq!(files(&server), 0);
}

#[tokio::test]
async fn a_simple_client_is_told_of_a_file_that_is_too_large_for_it() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut script = server.user("bob").await;
    let small = upload(&server, &mut alice, b"small").await;
    alice.ok(send("bob", "small.txt", &small)).await;
    let event = script.receive().await;
    assert_eq!(
        (&event["file_name"], &event["file_data"]),
        (&json!("small.txt"), &json!("c21hbGw="))
    );
    let large = upload(&server, &mut alice, &noise(8 * MIB + 1)).await;
    alice.ok(send("bob", "large.bin", &large)).await;
    let event = script.receive().await;
    assert_eq!(
        (&event["file_name"], &event["size"], &event["file_data"]),
        (&json!("large.bin"), &json!(8 * MIB + 1), &json!(null))
    );
    assert_eq!(
        script
            .error(json!({"action": "file_get", "file": large.id}))
            .await,
        "too_large"
    );
    assert_eq!(fetch(&server, &mut script, &large.id).await.len(), 8 * MIB + 1);
}

#[tokio::test]
async fn the_server_is_killed_in_the_middle_and_the_upload_goes_on() {
    let mut server = Server::start();
    let mut alice = server.native_user("alice").await;
    server.native_user("bob").await.leave().await;
    let bytes = noise(6 * MIB);
    let uploaded = open(&mut alice, bytes.len()).await;
    uploaded.send(&server, 0, &bytes[..2 * MIB]).await;
    let ask = Ask::patch(&uploaded.url, &uploaded.ticket, 2 * MIB as u64, &bytes[2 * MIB..]).bytes();
    let mut raw = server.connect().await;
    raw.send_bytes(&ask[..ask.len() - MIB]).await;
    server.kill();
    server.restart();
    // What was acknowledged is there; the ticket is still good.
    let offset = uploaded.offset(&server).await;
    assert_eq!(offset, 2 * MIB as u64);
    let start = usize::try_from(offset).unwrap();
    uploaded.send(&server, offset, &bytes[start..4 * MIB]).await;
    let mut raw = server.connect().await;
    let ask = Ask::patch(&uploaded.url, &uploaded.ticket, 4 * MIB as u64, &bytes[4 * MIB..]).bytes();
    raw.send_bytes(&ask[..ask.len() - MIB]).await;
    // A server that is asked to stop keeps what has come.
    server.stop();
    server.restart();
    let offset = usize::try_from(uploaded.offset(&server).await).unwrap();
    assert!((4 * MIB..=5 * MIB).contains(&offset), "{offset}");
    let rest = uploaded.send(&server, offset as u64, &bytes[offset..]).await;
    assert_eq!(rest, (204, Some(bytes.len() as u64)));
    let mut alice = server.native_login("alice").await;
    let hash = blake3::hash(&bytes).to_hex().to_string();
    alice
        .ok(with(send("bob", "a.bin", &uploaded), "hash", hash))
        .await;
    let mut bob = server.native_login("bob").await;
    assert!(fetch(&server, &mut bob, &uploaded.id).await == bytes);
}

#[tokio::test]
async fn a_client_whose_connection_has_died_need_not_wait() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let bytes = noise(3 * MIB);
    let uploaded = open(&mut alice, bytes.len()).await;
    let ask = Ask::patch(&uploaded.url, &uploaded.ticket, 0, &bytes).bytes();
    let mut dead = server.connect().await;
    dead.send_bytes(&ask[..ask.len() - 2 * MIB]).await;
    // It says nothing more, and isn't closed either.
    assert_eq!(uploaded.offset(&server).await, MIB as u64);
    assert_eq!(
        Answer::read(&mut dead).await.refusal(),
        (409, "conflict".to_owned())
    );
    let rest = uploaded.send(&server, MIB as u64, &bytes[MIB..]).await;
    assert_eq!(rest, (204, Some(bytes.len() as u64)));
}

#[tokio::test]
async fn tus_is_spoken_as_it_is_written() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let options = Ask::new("OPTIONS", "/files").of(&server).await;
    assert_eq!(
        (options.status, options.header("Tus-Version")),
        (204, Some("1.0.0"))
    );
    assert_eq!(options.number("Tus-Max-Size"), Some(10 * 1024 * MIB as u64));
    for extension in [
        "creation",
        "termination",
        "expiration",
        "checksum",
        "creation-defer-length",
    ] {
        assert!(
            options.header("Tus-Extension").unwrap().contains(extension),
            "{extension}"
        );
    }
    let ticket = alice.ok(json!({"action": "upload"})).await["ticket"]
        .as_str()
        .unwrap()
        .to_owned();
    // Opened by POST, with the first bytes; its words come back.
    let create = || Ask::tus("POST", "/files", &ticket).with("Upload-Metadata", "filename YS50eHQ=,empty");
    let octets = "application/offset+octet-stream";
    let created = create()
        .with("Upload-Length", 11)
        .with("Content-Type", octets)
        .body(b"hello ");
    let created = created.of(&server).await;
    assert_eq!(
        (created.status, created.number("Upload-Offset")),
        (201, Some(6)),
        "{created:?}"
    );
    let path = created.header("Location").unwrap().to_owned();
    assert!(created.header("Upload-Expires").unwrap().ends_with(" GMT"));
    let head = Ask::tus("HEAD", &path, &ticket).of(&server).await;
    assert_eq!(
        (head.number("Upload-Offset"), head.number("Upload-Length")),
        (Some(6), Some(11))
    );
    assert_eq!(head.header("Upload-Metadata"), Some("filename YS50eHQ=,empty"));
    assert_eq!(head.header("Cache-Control"), Some("no-store"));
    let patched = Ask::patch(&path, &ticket, 6, b"world")
        .with("X-Extra", "1")
        .of(&server)
        .await;
    assert_eq!((patched.status, patched.number("Upload-Offset")), (204, Some(11)));
    // Its size said later, with the last bytes; sent by POST where PATCH isn't possible.
    let created = create().with("Upload-Defer-Length", 1).of(&server).await;
    let later = created.header("Location").unwrap().to_owned();
    assert_eq!((created.status, created.number("Upload-Offset")), (201, Some(0)));
    let overridden = |offset: u64, bytes: &[u8]| {
        Ask::tus("POST", &later, &ticket)
            .with("X-HTTP-Method-Override", "PATCH")
            .with("Upload-Offset", offset)
            .with("Content-Type", octets)
            .body(bytes)
    };
    assert_eq!(overridden(0, b"hello ").of(&server).await.status, 204);
    let head = Ask::tus("HEAD", &later, &ticket).of(&server).await;
    assert_eq!(
        (head.header("Upload-Defer-Length"), head.header("Upload-Length")),
        (Some("1"), None)
    );
    let said = overridden(6, b"world")
        .with("Upload-Length", 11)
        .of(&server)
        .await;
    assert_eq!((said.status, said.number("Upload-Offset")), (204, Some(11)));
    for (other, status) in [(12, 400), (10, 400)] {
        let again = overridden(11, b"").with("Upload-Length", other).of(&server).await;
        assert_eq!(again.status, status, "{other}");
    }
    // Both are files now.
    for path in [&path, &later] {
        let upload = path.strip_prefix("/files/").unwrap();
        let reply = alice.ok(json!({"action": "upload", "upload": upload})).await;
        assert_eq!(reply["hash"], blake3::hash(b"hello world").to_hex().to_string());
    }
    let gone = Ask::tus("DELETE", &path, &ticket).of(&server).await;
    assert_eq!((gone.status, files(&server)), (204, 1));
    for method in ["HEAD", "DELETE"] {
        assert_eq!(
            Ask::tus(method, &path, &ticket).of(&server).await.status,
            404,
            "{method}"
        );
    }
}

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
    for ticket in ["", "made up", &uploaded.ticket[1..]] {
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
    // The first one is counted once its head was read, which is before most of its bytes were taken in.
    let busy = Ask::patch(&second.url, &second.ticket, 0, b"h").of(&server).await;
    assert_eq!(busy.refusal(), (429, "rate_limited".to_owned()));
    slow.send_bytes(&ask[ask.len() - 1..]).await;
    assert_eq!(Answer::read(&mut slow).await.status, 204);
    assert_eq!(second.send(&server, 0, b"0123456789").await.0, 204);
    // Opened and left.
    open(&mut alice, 1).await;
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
