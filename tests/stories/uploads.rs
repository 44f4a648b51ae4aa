//! Files of any size on their way to the server.

use kith_tests::{Answer, Ask, Proxy, Server, Way};
use serde_json::json;

use crate::requests::{delete, with};
use crate::transfers::{fetch, files, noise, open, send, upload};

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
    // It says nothing more, and isn't closed either. Whoever asks may be faster than the first of its bytes.
    let mut offset = 0;
    while offset == 0 {
        offset = uploaded.offset(&server).await;
    }
    assert_eq!(offset, MIB as u64);
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
async fn a_hundred_cuts_cost_next_to_nothing() {
    let server = Server::start();
    let proxy = Proxy::to(server.address).await;
    let mut alice = server.native_user("alice").await;
    let bytes = noise(20 * MIB);
    let uploaded = open(&mut alice, bytes.len()).await;
    let (mut offset, mut cuts, mut kept) = (0, 0, 0);
    while offset < bytes.len() {
        let until = 200_000 + 997 * cuts;
        if cuts < 100 {
            proxy.cut_after(Way::Up, until);
        }
        let patch = Ask::patch(&uploaded.url, &uploaded.ticket, offset as u64, &bytes[offset..]);
        let answer = patch.at(proxy.address, &server.ca()).await;
        let now = usize::try_from(uploaded.offset(&server).await).unwrap();
        if answer.is_none() {
            cuts += 1;
            // What the system of the line's other end had not sent yet went down with it.
            assert!(now <= offset + until, "more than has come");
            kept += now - offset;
        }
        offset = now;
    }
    assert!(cuts >= 100, "{cuts} cuts");
    assert!(kept > 100 * 50_000, "only {kept} bytes of 100 pieces were kept");
    let reply = alice.ok(json!({"action": "upload", "upload": uploaded.id})).await;
    assert_eq!(reply["hash"], blake3::hash(&bytes).to_hex().to_string());
}
