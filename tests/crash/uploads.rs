//! The server killed in the middle of uploads, again and again: they go on where they were, and what was announced is whole.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kith_tests::{Ask, Dice, Raw, Server};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// How often the server is killed.
const KILLS: u64 = 12;

/// People who upload.
const UPLOADERS: u64 = 4;

/// The largest file. It takes several pieces.
const LARGEST: u64 = 3 * 1024 * 1024;

/// Where the server is, this time.
#[derive(Clone)]
struct Room {
    address: SocketAddr,
    ca: PathBuf,
}

/// A file that was announced.
struct Announced {
    file: String,
    number: u64,
    bytes: Vec<u8>,
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_after_crash_leaves_every_announced_file_whole() {
    let seed = kith_tests::seed();
    let mut dice = Dice::new(seed);
    let mut server = Server::start();
    server.native_user("reader").await.leave().await;
    let (rooms, room) = watch::channel(room_of(&server));
    let (stop, stopped) = watch::channel(false);
    let pieces = Arc::new(Semaphore::new(0));
    let mut uploaders = JoinSet::new();
    for number in 0..UPLOADERS {
        let name = format!("uploader{number}");
        let mut raw = server.connect_native().await;
        raw.register(&name).await;
        let token = raw.login(&name).await["token"].as_str().unwrap().to_owned();
        let uploader = Uploader {
            token,
            dice: Dice::new(seed + 1 + number),
            pieces: pieces.clone(),
            room: room.clone(),
        };
        uploaders.spawn(uploader.run(stopped.clone()));
    }
    for _ in 0..KILLS {
        // Some pieces further, and then at any moment.
        let some = u32::try_from(1 + dice.below(30)).unwrap();
        pieces.acquire_many(some).await.unwrap().forget();
        tokio::time::sleep(Duration::from_micros(dice.below(30_000))).await;
        server.kill();
        server.restart();
        rooms.send(room_of(&server)).unwrap();
    }
    stop.send(true).unwrap();
    let announced: Vec<Vec<Announced>> = uploaders.join_all().await;
    let total: usize = announced.iter().map(Vec::len).sum();
    println!("{total} files over {KILLS} crashes");
    assert!(total > 0);
    server.kill();
    server.restart();
    let mut reader = server.native_login("reader").await;
    for files in &announced {
        for (index, file) in files.iter().enumerate() {
            assert_eq!(file.number, index as u64 + 1, "one event a file, in order");
            let way = reader
                .ok_after_events(json!({"action": "download", "file": file.file}))
                .await;
            let ask = Ask::new("GET", way["url"].as_str().unwrap());
            let answer = ask.by(way["ticket"].as_str().unwrap()).of(&server).await;
            assert!(
                answer.status == 200 && answer.body == file.bytes,
                "{} is not what was sent",
                file.file
            );
        }
    }
    // Nothing else is left but what each was about to send.
    let left = std::fs::read_dir(server.data().join("blobs")).unwrap().count();
    assert!(left <= total + UPLOADERS as usize, "{left} files for {total}");
}

fn room_of(server: &Server) -> Room {
    Room {
        address: server.address,
        ca: server.ca(),
    }
}

struct Uploader {
    token: String,
    dice: Dice,
    /// One more for each piece that was acknowledged.
    pieces: Arc<Semaphore>,
    room: watch::Receiver<Room>,
}

impl Uploader {
    async fn run(mut self, stopped: watch::Receiver<bool>) -> Vec<Announced> {
        let mut announced = Vec::new();
        while !*stopped.borrow() {
            let number = announced.len();
            let size = self.dice.below(LARGEST);
            let bytes: Vec<u8> = (0..size)
                .map(|at| (at * 31 + at / 4096 + number as u64) as u8)
                .collect();
            let mut upload = None;
            let reply = loop {
                let room = self.room.borrow_and_update().clone();
                if let Some(reply) = self.attempt(&room, number, &bytes, &mut upload).await {
                    break reply;
                }
                // The server is dead. The next one is said when it is there; it may be there already.
                if !self.room.has_changed().unwrap() {
                    self.room.changed().await.unwrap();
                }
            };
            assert_eq!(reply["status"], "ok", "{reply}");
            announced.push(Announced {
                file: reply["file"].as_str().unwrap().to_owned(),
                number: reply["number"].as_u64().unwrap(),
                bytes,
            });
        }
        announced
    }

    /// Goes on with the file as far as it gets. `None` when the server is gone.
    async fn attempt(
        &mut self,
        room: &Room,
        number: usize,
        bytes: &[u8],
        upload: &mut Option<String>,
    ) -> Option<Value> {
        let mut raw = Raw::try_connect(room.address, &room.ca, &[b"kith/1"])
            .await
            .ok()?;
        ask(&mut raw, &json!({"action": "hello"})).await?;
        ask(&mut raw, &json!({"action": "resume", "token": self.token})).await?;
        let request = match upload {
            Some(id) => json!({"action": "upload", "upload": id}),
            None => json!({"action": "upload", "size": bytes.len(), "client_id": format!("upload {number}")}),
        };
        let opened = ask(&mut raw, &request).await?;
        // It may have been sent already: then the same request is answered with what was answered then.
        if opened["status"] == "ok" {
            let url = opened["url"].as_str().unwrap();
            let ticket = opened["ticket"].as_str().unwrap();
            *upload = Some(opened["upload"].as_str().unwrap().to_owned());
            self.send(room, url, ticket, bytes).await?;
        } else {
            assert_eq!(opened["error"]["code"], "not_found", "{opened}");
        }
        let hash = blake3::hash(bytes).to_hex().to_string();
        let request = json!({"action": "file", "receiver": "reader", "file_name": "a.bin", "upload": upload,
            "hash": hash, "client_id": format!("file {number}")});
        ask(&mut raw, &request).await
    }

    async fn send(&mut self, room: &Room, url: &str, ticket: &str, bytes: &[u8]) -> Option<()> {
        let head = Ask::tus("HEAD", url, ticket).at(room.address, &room.ca).await?;
        assert_eq!(head.status, 200, "{head:?}");
        let mut offset = usize::try_from(head.number("Upload-Offset").unwrap()).unwrap();
        while offset < bytes.len() {
            let end = bytes
                .len()
                .min(offset + 1 + self.dice.below(LARGEST / 3) as usize);
            let patch = Ask::patch(url, ticket, offset as u64, &bytes[offset..end]);
            let answer = patch.at(room.address, &room.ca).await?;
            // One that stops says so.
            if answer.status == 503 {
                return None;
            }
            assert_eq!(answer.status, 204, "{answer:?}");
            self.pieces.add_permits(1);
            offset = end;
        }
        Some(())
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
