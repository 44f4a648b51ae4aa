//! Words for the stories about uploads and downloads.

use kith_tests::{Ask, Raw, Server};
use serde_json::{Value, json};

/// An upload as the protocol opened it.
pub(crate) struct Opened {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) ticket: String,
}

/// Opens an upload of so many bytes.
pub(crate) async fn open(raw: &mut Raw, size: usize) -> Opened {
    opened(
        &raw.ok_after_events(json!({"action": "upload", "size": size}))
            .await,
    )
}

pub(crate) fn opened(reply: &Value) -> Opened {
    let text = |field: &str| reply[field].as_str().unwrap().to_owned();
    Opened {
        id: text("upload"),
        url: text("url"),
        ticket: text("ticket"),
    }
}

impl Opened {
    /// Sends bytes from this offset on. Returns the status and how many bytes are there, if it is said.
    pub(crate) async fn send(&self, server: &Server, offset: u64, bytes: &[u8]) -> (u16, Option<u64>) {
        let answer = Ask::patch(&self.url, &self.ticket, offset, bytes)
            .of(server)
            .await;
        (answer.status, answer.number("Upload-Offset"))
    }

    /// How many bytes are there.
    pub(crate) async fn offset(&self, server: &Server) -> u64 {
        let answer = Ask::tus("HEAD", &self.url, &self.ticket).of(server).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.number("Upload-Offset").unwrap()
    }
}

/// Uploads all of this.
pub(crate) async fn upload(server: &Server, raw: &mut Raw, bytes: &[u8]) -> Opened {
    let opened = open(raw, bytes.len()).await;
    let sent = opened.send(server, 0, bytes).await;
    assert_eq!(sent, (204, Some(bytes.len() as u64)));
    opened
}

/// The request that sends a complete upload.
pub(crate) fn send(receiver: &str, name: &str, upload: &Opened) -> Value {
    json!({"action": "file", "receiver": receiver, "file_name": name, "upload": upload.id})
}

/// The request that asks for the way to a file.
pub(crate) fn download(file: &str) -> Value {
    json!({"action": "download", "file": file})
}

/// Fetches a file whole.
pub(crate) async fn fetch(server: &Server, raw: &mut Raw, file: &str) -> Vec<u8> {
    let way = raw.ok_after_events(download(file)).await;
    let ask = Ask::new("GET", way["url"].as_str().unwrap());
    let answer = ask.by(way["ticket"].as_str().unwrap()).of(server).await;
    assert_eq!(answer.status, 200, "{}", answer.head);
    answer.body
}

/// Bytes in which no pattern repeats soon.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// How many files lie in the server's folder.
pub(crate) fn files(server: &Server) -> usize {
    std::fs::read_dir(server.data().join("blobs")).unwrap().count()
}
