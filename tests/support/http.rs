use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use crate::{Raw, Server};

/// A request over HTTP/1.1, to the byte.
pub struct Ask {
    head: String,
    body: Vec<u8>,
    has_length: bool,
}

/// What the server answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The lines of the head after the first.
    pub head: String,
    /// The bytes after the head.
    pub body: Vec<u8>,
}

impl Ask {
    /// A request without a body.
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            head: format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"),
            body: Vec::new(),
            has_length: false,
        }
    }

    /// With a header more.
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.has_length |= name.eq_ignore_ascii_case("content-length");
        self.has_length |= name.eq_ignore_ascii_case("transfer-encoding");
        write!(self.head, "{name}: {value}\r\n").unwrap();
        self
    }

    /// With a ticket.
    pub fn by(self, ticket: &str) -> Self {
        self.with("Authorization", format_args!("Bearer {ticket}"))
    }

    /// A request of tus.
    pub fn tus(method: &str, path: &str, ticket: &str) -> Self {
        Self::new(method, path).with("Tus-Resumable", "1.0.0").by(ticket)
    }

    /// Bytes of an upload, from this offset on.
    pub fn patch(path: &str, ticket: &str, offset: u64, bytes: &[u8]) -> Self {
        Self::tus("PATCH", path, ticket)
            .with("Upload-Offset", offset)
            .with("Content-Type", "application/offset+octet-stream")
            .body(bytes)
    }

    /// With a body.
    pub fn body(mut self, bytes: &[u8]) -> Self {
        self.body = bytes.to_vec();
        self
    }

    /// All bytes of it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head.clone().into_bytes();
        if !self.has_length && !self.body.is_empty() {
            bytes.extend(format!("Content-Length: {}\r\n", self.body.len()).into_bytes());
        }
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        bytes
    }

    /// Sends it over a connection of its own, and reads until the server closes that.
    pub async fn of(self, server: &Server) -> Answer {
        let mut raw = server.connect().await;
        // A server that refuses may not read it all.
        let _ = raw.try_send_bytes(&self.bytes()).await;
        Answer::read(&mut raw).await
    }

    /// The same, to a server that may be gone.
    pub async fn at(self, address: SocketAddr, ca: &Path) -> Option<Answer> {
        let mut raw = Raw::try_connect(address, ca, &[]).await.ok()?;
        let _ = raw.try_send_bytes(&self.bytes()).await;
        Answer::parse(&raw.rest().await)
    }
}

impl Answer {
    /// Reads an answer until the server closes the connection.
    pub async fn read(raw: &mut Raw) -> Self {
        let said = raw.rest().await;
        Self::parse(&said).unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&said)))
    }

    fn parse(said: &[u8]) -> Option<Self> {
        let end = said.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&said[..end]).unwrap();
        let (first, head) = head.split_once("\r\n").unwrap_or((head, ""));
        Some(Self {
            status: first.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            body: said[end + 4..].to_vec(),
        })
    }

    /// A header, where there is just one of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let values = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = values.filter(|(other, _)| other.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        assert!(values.next().is_none(), "{name} is there twice: {}", self.head);
        Some(value)
    }

    /// A header that is a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name).map(|value| value.parse().unwrap())
    }

    /// The status, and the code of the error.
    pub fn refusal(&self) -> (u16, String) {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        (
            self.status,
            body["error"]["code"].as_str().unwrap_or_default().to_owned(),
        )
    }
}
