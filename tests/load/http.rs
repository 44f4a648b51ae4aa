//! The words of HTTP and tus that the workloads with files need.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Context as _, ensure};
use kith_common::{DownloadReply, UploadReply};
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::connection::{Connection, Target};

/// Bytes handed to TLS at once, and read at once.
const PIECE: usize = 256 * 1024;

/// An upload that was begun.
pub(crate) struct Opened {
    pub(crate) id: String,
    url: String,
    ticket: String,
}

/// Begins an upload of so many bytes.
pub(crate) async fn open(connection: &mut Connection, size: u64) -> anyhow::Result<Opened> {
    let reply = connection.ask(&json!({"action": "upload", "size": size})).await?;
    let opened: UploadReply = serde_json::from_str(reply.get())?;
    Ok(Opened {
        id: opened.upload.context("an upload without an id")?,
        url: opened.url,
        ticket: opened.ticket,
    })
}

/// Sends all that is left of it, and waits until the server has it on the disk. What was handed to TLS is counted.
pub(crate) async fn fill(
    target: &Target,
    opened: &Opened,
    bytes: &[u8],
    range: Range<u64>,
    moved: &AtomicU64,
) -> anyhow::Result<()> {
    let mut http = Http::connect(target).await?;
    http.begin(opened, range.start, range.end - range.start).await?;
    http.send(bytes, range, moved).await?;
    http.0.flush().await?;
    let (head, _) = http.head().await?;
    ensure!(head.starts_with("HTTP/1.1 204"), "an upload was answered: {head}");
    Ok(())
}

/// Bytes to send, again and again.
pub(crate) fn piece() -> Vec<u8> {
    (0..PIECE).map(|at| (at * 31 + at / 251) as u8).collect()
}

/// How many bytes of an upload the server has.
pub(crate) async fn offset(target: &Target, opened: &Opened) -> anyhow::Result<u64> {
    let mut http = Http::connect(target).await?;
    let head = format!(
        "HEAD {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\nConnection: close\r\n\r\n",
        opened.url, opened.ticket
    );
    http.0.write_all(head.as_bytes()).await?;
    let (head, _) = http.head().await?;
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut values = lines.filter(|(name, _)| name.eq_ignore_ascii_case("upload-offset"));
    let (_, value) = values.next().context("no offset")?;
    Ok(value.trim().parse()?)
}

/// Uploads a file of so many bytes.
pub(crate) async fn upload(
    target: &Target,
    connection: &mut Connection,
    size: u64,
    moved: &AtomicU64,
) -> anyhow::Result<Opened> {
    let opened = open(connection, size).await?;
    fill(target, &opened, &piece(), 0..size, moved).await?;
    Ok(opened)
}

/// Fetches a file.
pub(crate) async fn download(
    target: &Target,
    connection: &mut Connection,
    file: &str,
    moved: &AtomicU64,
) -> anyhow::Result<()> {
    fetch(target, &way(connection, file).await?, moved).await
}

/// The way to a file.
pub(crate) async fn way(connection: &mut Connection, file: &str) -> anyhow::Result<DownloadReply> {
    let reply = connection
        .ask(&json!({"action": "download", "file": file}))
        .await?;
    Ok(serde_json::from_str(reply.get())?)
}

/// Fetches a file that the way is known to. What came is counted.
pub(crate) async fn fetch(target: &Target, way: &DownloadReply, moved: &AtomicU64) -> anyhow::Result<()> {
    let mut http = Http::connect(target).await?;
    let head = format!(
        "GET {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        way.url, way.ticket
    );
    http.0.write_all(head.as_bytes()).await?;
    let (head, mut received) = http.head().await?;
    ensure!(
        head.starts_with("HTTP/1.1 200"),
        "a download was answered: {head}"
    );
    let mut buffer = vec![0; PIECE];
    while received < way.size {
        match http.0.read(&mut buffer).await? {
            0 => break,
            read => {
                received += read as u64;
                moved.fetch_add(read as u64, Relaxed);
            }
        }
    }
    ensure!(received == way.size, "{received} of {} bytes came", way.size);
    Ok(())
}

/// Gives an upload up, so that the disk isn't filled.
pub(crate) async fn abandon(target: &Target, opened: &Opened) -> anyhow::Result<()> {
    let head = format!(
        "DELETE {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\nConnection: close\r\n\r\n",
        opened.url, opened.ticket
    );
    let mut http = Http::connect(target).await?;
    http.0.write_all(head.as_bytes()).await?;
    let (head, _) = http.head().await?;
    ensure!(
        head.starts_with("HTTP/1.1 204"),
        "a deletion was answered: {head}"
    );
    Ok(())
}

/// A connection that speaks HTTP/1.1.
pub(crate) struct Http(pub(crate) TlsStream<TcpStream>);

impl Http {
    pub(crate) async fn connect(target: &Target) -> anyhow::Result<Self> {
        Self::over(target, TcpStream::connect(target.address).await?).await
    }

    pub(crate) async fn over(target: &Target, stream: TcpStream) -> anyhow::Result<Self> {
        let mut tls = (*target.tls).clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await?;
        Ok(Self(stream))
    }

    /// Says what is to come of an upload.
    pub(crate) async fn begin(&mut self, opened: &Opened, offset: u64, length: u64) -> anyhow::Result<()> {
        let head = format!(
            "PATCH {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
             Upload-Offset: {offset}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n",
            opened.url, opened.ticket
        );
        Ok(self.0.write_all(head.as_bytes()).await?)
    }

    /// Sends bytes of an upload, which are these, again and again.
    pub(crate) async fn send(
        &mut self,
        bytes: &[u8],
        range: Range<u64>,
        moved: &AtomicU64,
    ) -> anyhow::Result<()> {
        let mut offset = range.start;
        while offset < range.end {
            let start = (offset % bytes.len() as u64) as usize;
            let end = bytes.len().min(start + usize::try_from(range.end - offset)?);
            self.0.write_all(&bytes[start..end]).await?;
            moved.fetch_add((end - start) as u64, Relaxed);
            offset += (end - start) as u64;
        }
        Ok(())
    }

    /// The head of the answer, and how many bytes came after it.
    pub(crate) async fn head(&mut self) -> anyhow::Result<(String, u64)> {
        let mut received = Vec::new();
        loop {
            ensure!(self.0.read_buf(&mut received).await? > 0, "no answer");
            if let Some(end) = memchr::memmem::find(&received, b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&received[..end]).into_owned();
                return Ok((head, (received.len() - end - 4) as u64));
            }
        }
    }
}
