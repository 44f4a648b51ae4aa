//! Large files, up and down: how fast, at what cost, with how much memory, and what messages notice of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use kith_common::{DownloadReply, SentReply, UploadReply};
use kith_tests::Server;
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::connection::{Connection, Target};
use crate::people::People;
use crate::process::{cpu_seconds, memory_kib};
use crate::report::{Figures, lost};
use crate::{Options, disk, messages};

/// Bytes handed to TLS at once, and read at once.
const PIECE: usize = 256 * 1024;

/// Transfers while the latency of messages is measured.
const BESIDE: usize = 4;

/// Times that the disk is asked to keep a block meanwhile.
const SYNCS: usize = 200;

pub(crate) async fn run(people: &People, server: &Server, options: &Options) -> anyhow::Result<Figures> {
    let (pid, size) = (server.pid(), options.file_mib * 1024 * 1024);
    let gib = size as f64 / f64::from(1 << 30);
    let mut sender = people.connect(0).await?;
    let mut reader = people.connect(1).await?;

    let (began, cpu) = (Instant::now(), cpu_seconds(pid));
    let file = upload(people, &mut sender, size).await?;
    let (up, up_cpu) = (began.elapsed().as_secs_f64(), cpu_seconds(pid) - cpu);
    let sent = send(people, &mut sender, &file).await?;
    let (began, cpu) = (Instant::now(), cpu_seconds(pid));
    download(people, &mut reader, &file).await?;
    let (down, down_cpu) = (began.elapsed().as_secs_f64(), cpu_seconds(pid) - cpu);

    let per_transfer = memory(people, server, options, &file).await?;
    let (median, sync) = beside(people, server, options, &file, size).await?;
    delete(&mut sender, &sent).await?;
    let megabytes = size as f64 / 1e6;
    Ok(vec![
        ("upload MB/s, on the disk", megabytes / up),
        ("upload CPU s per GiB", up_cpu / gib),
        ("download MB/s", megabytes / down),
        ("download CPU s per GiB", down_cpu / gib),
        ("MiB per transfer of many", per_transfer),
        ("message p50 ms beside 4 transfers", median),
        ("fsync p50 ms beside 4 transfers", sync),
        lost(0.0),
    ])
}

/// Half of them up, half down, at once. Returns the server's memory above that before, in MiB a transfer.
async fn memory(people: &People, server: &Server, options: &Options, file: &str) -> anyhow::Result<f64> {
    let size = options.file_mib * 1024 * 1024 / 8;
    let before = memory_kib(server.pid()).0;
    let mut transfers = JoinSet::new();
    for number in 0..options.transfers {
        let (target, token) = (people.target.clone(), people.token(number % 2).to_owned());
        let file = file.to_owned();
        transfers.spawn(async move {
            let mut connection = target.resume(&token).await?;
            if number % 2 == 0 {
                let file = upload_to(&target, &mut connection, size).await?;
                abandon(&target, &mut connection, &file).await
            } else {
                download_from(&target, &mut connection, &file).await
            }
        });
    }
    let mut highest = before;
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    while !transfers.is_empty() {
        tokio::select! {
            Some(done) = transfers.join_next() => done??,
            _ = looks.tick() => highest = memory_kib(server.pid()).0.max(highest),
        }
    }
    Ok((highest - before) / 1024.0 / options.transfers.max(1) as f64)
}

/// The median latency of messages, and of a sync by the generator itself, while transfers run at full speed, in milliseconds.
async fn beside(
    people: &People,
    server: &Server,
    options: &Options,
    file: &str,
    size: u64,
) -> anyhow::Result<(f64, f64)> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut transfers = JoinSet::new();
    for number in 0..BESIDE {
        let (target, token) = (people.target.clone(), people.token(number % 2).to_owned());
        let (file, stop) = (file.to_owned(), stop.clone());
        transfers.spawn(async move {
            while !stop.load(Relaxed) {
                let mut connection = target.resume(&token).await?;
                if number % 2 == 0 {
                    let file = upload_to(&target, &mut connection, size).await?;
                    abandon(&target, &mut connection, &file).await?;
                } else {
                    download_from(&target, &mut connection, &file).await?;
                }
            }
            anyhow::Ok(())
        });
    }
    let figures = messages::latency(people, server, options).await;
    let folder = options.directory.clone();
    let syncs = tokio::task::spawn_blocking(move || disk::sync_times(&folder, SYNCS)).await?;
    stop.store(true, Relaxed);
    while let Some(done) = transfers.join_next().await {
        done??;
    }
    let (figures, syncs) = (figures?, syncs?);
    let median = figures.iter().find(|(name, _)| *name == "p50 ms");
    let median = median.context("no median")?.1;
    Ok((median, syncs[syncs.len() / 2] * 1000.0))
}

async fn upload(people: &People, connection: &mut Connection, size: u64) -> anyhow::Result<String> {
    upload_to(&people.target, connection, size).await
}

async fn download(people: &People, connection: &mut Connection, file: &str) -> anyhow::Result<()> {
    download_from(&people.target, connection, file).await
}

async fn upload_to(target: &Target, connection: &mut Connection, size: u64) -> anyhow::Result<String> {
    let reply = connection.ask(&json!({"action": "upload", "size": size})).await?;
    let opened: UploadReply = serde_json::from_str(reply.get())?;
    let mut http = Http::connect(target).await?;
    let head = format!(
        "PATCH {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n\
         Content-Type: application/offset+octet-stream\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n",
        opened.url, opened.ticket
    );
    http.0.write_all(head.as_bytes()).await?;
    let bytes: Vec<u8> = (0..PIECE).map(|at| (at * 31 + at / 251) as u8).collect();
    let mut left = usize::try_from(size)?;
    while left > 0 {
        let now = left.min(PIECE);
        http.0.write_all(&bytes[..now]).await?;
        left -= now;
    }
    http.0.flush().await?;
    let (head, _) = http.head().await?;
    ensure!(head.starts_with("HTTP/1.1 204"), "an upload was answered: {head}");
    opened.upload.context("an upload without an id")
}

async fn download_from(target: &Target, connection: &mut Connection, file: &str) -> anyhow::Result<()> {
    let reply = connection
        .ask(&json!({"action": "download", "file": file}))
        .await?;
    let way: DownloadReply = serde_json::from_str(reply.get())?;
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
            read => received += read as u64,
        }
    }
    ensure!(received == way.size, "{received} of {} bytes came", way.size);
    Ok(())
}

async fn send(people: &People, connection: &mut Connection, upload: &str) -> anyhow::Result<SentReply> {
    let request =
        json!({"action": "file", "receiver": people.name(1), "file_name": "large.bin", "upload": upload});
    Ok(serde_json::from_str(connection.ask(&request).await?.get())?)
}

async fn delete(connection: &mut Connection, sent: &SentReply) -> anyhow::Result<()> {
    let request = json!({"action": "delete", "conversation": sent.conversation, "targets": [sent.number]});
    connection.ask(&request).await.map(drop)
}

/// Gives an upload up, so that the disk isn't filled.
async fn abandon(target: &Target, connection: &mut Connection, upload: &str) -> anyhow::Result<()> {
    let reply = connection
        .ask(&json!({"action": "upload", "upload": upload}))
        .await?;
    let opened: UploadReply = serde_json::from_str(reply.get())?;
    let mut http = Http::connect(target).await?;
    let head = format!(
        "DELETE {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\nConnection: close\r\n\r\n",
        opened.url, opened.ticket
    );
    http.0.write_all(head.as_bytes()).await?;
    let (head, _) = http.head().await?;
    ensure!(
        head.starts_with("HTTP/1.1 204"),
        "a deletion was answered: {head}"
    );
    Ok(())
}

/// A connection that speaks HTTP/1.1.
struct Http(TlsStream<TcpStream>);

impl Http {
    async fn connect(target: &Target) -> anyhow::Result<Self> {
        let mut tls = (*target.tls).clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let stream = TcpStream::connect(target.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        let stream = TlsConnector::from(Arc::new(tls)).connect(name, stream).await?;
        Ok(Self(stream))
    }

    /// The head of the answer, and how many bytes came after it.
    async fn head(&mut self) -> anyhow::Result<(String, u64)> {
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
