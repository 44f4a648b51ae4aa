//! Power cuts while a file is uploaded in pieces, and while it is announced.

use kith_tests::{Ask, Dice, Raw, Server};
use serde_json::{Value, json};

use crate::disk::{Disk, Unsynced};

/// Syncs on the way of a small upload: its bytes, its name, the note that they are there; the same again when it is complete; the event.
const PATTERNS: [&str; 3] = ["data/blobs/*", "data/blobs", "data/kith.db-wal"];
const ROUNDS: u64 = 18;

/// Bytes of each piece. A file has two.
const PIECE: usize = 150_000;

#[tokio::test(flavor = "multi_thread")]
async fn crash_by_a_power_cut_in_an_upload_by_pieces_loses_nothing_that_was_acknowledged() {
    let seed = kith_tests::seed();
    let mut dice = Dice::new(seed);
    let (disk, builder) = Disk::new();
    let mut server = builder.start();
    server.native_user("bob").await.leave().await;
    let mut raw = server.connect_native().await;
    raw.register("alice").await;
    let token = raw.login("alice").await["token"].as_str().unwrap().to_owned();
    drop(raw);
    let mut files = Vec::new();
    for round in 0..ROUNDS {
        let bytes: Vec<u8> = (0..2 * PIECE)
            .map(|at| (at * 31 + at / 4096 + round as usize) as u8)
            .collect();
        let mut upload = Upload {
            round,
            bytes: &bytes,
            id: None,
            acknowledged: 0,
        };
        let pattern = PATTERNS[(round % 3) as usize];
        disk.cut_at(1 + dice.below(5), pattern);
        let before = upload.go_on(&mut server, &token).await;
        server.kill();
        disk.lose_power(if round % 2 == 0 {
            Unsynced::Lost
        } else {
            Unsynced::Scattered(Dice::new(seed + round))
        });
        server.restart();
        let reply = upload
            .go_on(&mut server, &token)
            .await
            .expect("the power was not cut again");
        if let Some(before) = before {
            assert_eq!(reply, before, "round {round}");
        }
        files.push((reply["file"].as_str().unwrap().to_owned(), bytes));
    }
    server.kill();
    disk.lose_power(Unsynced::Lost);
    server.restart();
    let mut bob = server.native_login("bob").await;
    for (file, bytes) in &files {
        let way = bob
            .ok_after_events(json!({"action": "download", "file": file}))
            .await;
        let ask = Ask::new("GET", way["url"].as_str().unwrap());
        let answer = ask.by(way["ticket"].as_str().unwrap()).of(&server).await;
        assert!(
            answer.status == 200 && answer.body == *bytes,
            "{file} is not what was sent"
        );
    }
    let left = std::fs::read_dir(server.data().join("blobs")).unwrap().count();
    assert_eq!(left, files.len(), "what nobody needs is gone");
}

struct Upload<'a> {
    round: u64,
    bytes: &'a [u8],
    id: Option<String>,
    /// How many bytes the server has said to have.
    acknowledged: u64,
}

impl Upload<'_> {
    /// Goes on until the file is announced, or the power goes. The reply, if there was one.
    async fn go_on(&mut self, server: &mut Server, token: &str) -> Option<Value> {
        let reply = self.try_to(server, token).await;
        if reply.is_none() {
            server.ended().await;
        }
        reply
    }

    async fn try_to(&mut self, server: &Server, token: &str) -> Option<Value> {
        let mut raw = Raw::try_connect(server.address, &server.ca(), &[b"kith/1"])
            .await
            .ok()?;
        ask(&mut raw, &json!({"action": "hello"})).await?;
        ask(&mut raw, &json!({"action": "resume", "token": token})).await?;
        let request = match &self.id {
            Some(id) => json!({"action": "upload", "upload": id}),
            None => {
                json!({"action": "upload", "size": self.bytes.len(), "client_id": format!("upload {}", self.round)})
            }
        };
        let opened = ask(&mut raw, &request).await?;
        if opened["status"] == "ok" {
            self.id = opened["upload"].as_str().map(str::to_owned);
            let (url, ticket) = (opened["url"].as_str()?, opened["ticket"].as_str()?);
            let head = Ask::tus("HEAD", url, ticket)
                .at(server.address, &server.ca())
                .await?;
            let mut offset = head.number("Upload-Offset").unwrap();
            assert!(
                offset >= self.acknowledged,
                "{offset} of {} bytes are there",
                self.acknowledged
            );
            while (offset as usize) < self.bytes.len() {
                let rest = &self.bytes[offset as usize..];
                let piece = &rest[..rest.len().min(PIECE)];
                let patch = Ask::patch(url, ticket, offset, piece);
                let answer = patch.at(server.address, &server.ca()).await?;
                assert_eq!(answer.status, 204, "{answer:?}");
                offset = answer.number("Upload-Offset").unwrap();
                self.acknowledged = offset;
            }
        } else {
            assert_eq!(opened["error"]["code"], "not_found", "{opened}");
            assert_eq!(
                self.acknowledged as usize,
                self.bytes.len(),
                "an upload is gone that wasn't complete"
            );
        }
        let hash = blake3::hash(self.bytes).to_hex().to_string();
        let request = json!({"action": "file", "receiver": "bob", "file_name": "a.bin", "upload": self.id,
            "hash": hash, "client_id": format!("file {}", self.round)});
        let reply = ask(&mut raw, &request).await?;
        assert_eq!(reply["status"], "ok", "{reply}");
        Some(reply)
    }
}

/// `None` when the server is gone.
async fn ask(raw: &mut Raw, message: &Value) -> Option<Value> {
    raw.try_send_bytes(format!("{message}\n").as_bytes()).await.ok()?;
    loop {
        let line = raw.next().await?;
        if line["event"].is_null() {
            return Some(line);
        }
    }
}
