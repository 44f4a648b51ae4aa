//! Large files, up and down: how fast, at what cost, with how much memory, and what messages notice of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;
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
use crate::transfers::Transfers;
use crate::{Options, disk, messages};

/// Bytes handed to TLS at once, and read at once.
const PIECE: usize = 256 * 1024;

/// Transfers while the latency of messages is measured.
const BESIDE: usize = 4;

/// How often the disk is asked to keep a block meanwhile.
const SYNC_EVERY: Duration = Duration::from_millis(20);

pub(crate) async fn run(people: &People, server: &Server, options: &Options) -> anyhow::Result<Figures> {
    let (pid, size) = (server.pid(), options.file_mib * 1024 * 1024);
    let gib = size as f64 / f64::from(1 << 30);
    let mut sender = people.connect(0).await?;
    let mut reader = people.connect(1).await?;

    let (began, cpu) = (Instant::now(), cpu_seconds(pid));
    let (target, moved) = (&people.target, AtomicU64::new(0));
    let file = upload(target, &mut sender, size, &moved).await?.id;
    let (up, up_cpu) = (began.elapsed().as_secs_f64(), cpu_seconds(pid) - cpu);
    let sent = send(people, &mut sender, &file).await?;
    let (began, cpu) = (Instant::now(), cpu_seconds(pid));
    download(target, &mut reader, &file, &moved).await?;
    let (down, down_cpu) = (began.elapsed().as_secs_f64(), cpu_seconds(pid) - cpu);

    let per_transfer = memory(people, server, options, &file).await?;
    let beside = beside(people, server, options, &file, size).await?;
    delete(&mut sender, &sent).await?;
    let megabytes = size as f64 / 1e6;
    Ok(vec![
        ("upload MB/s, on the disk", megabytes / up),
        ("upload CPU s per GiB", up_cpu / gib),
        ("download MB/s", megabytes / down),
        ("download CPU s per GiB", down_cpu / gib),
        ("MiB per transfer of many", per_transfer),
        ("message p50 ms beside 4 transfers", beside.median),
        ("fsync p50 ms beside 4 transfers", beside.sync),
        ("MB/s of the 4 transfers", beside.moved),
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
            let (mut connection, moved) = (target.resume(&token).await?, AtomicU64::new(0));
            if number % 2 == 0 {
                let opened = upload(&target, &mut connection, size, &moved).await?;
                abandon(&target, &opened).await
            } else {
                download(&target, &mut connection, &file, &moved).await
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

/// What messages notice of transfers at full speed, in milliseconds.
struct Beside {
    /// The median latency of messages.
    median: f64,
    /// The median of a sync by the generator itself, meanwhile.
    sync: f64,
    /// What the transfers moved meanwhile, all together, in MB/s.
    moved: f64,
}

async fn beside(
    people: &People,
    server: &Server,
    options: &Options,
    file: &str,
    size: u64,
) -> anyhow::Result<Beside> {
    let (mut transfers, ca) = (Vec::new(), server.ca());
    for number in 0..BESIDE {
        let (token, file) = (people.token(number % 2), (number % 2 == 1).then_some(file));
        transfers.push(Transfers::start(&people.target, &ca, token, file, size)?);
    }
    let (stop, stopped) = mpsc::channel();
    let folder = options.directory.clone();
    let syncs = tokio::task::spawn_blocking(move || disk::sync_times_until(&folder, SYNC_EVERY, &stopped));
    let figures = messages::latency(people, server, options).await;
    drop(stop);
    let syncs = syncs.await??;
    let mut moved = 0.0;
    for transfer in transfers {
        let (bytes, seconds) = transfer.stop().await?;
        moved += bytes as f64 / 1e6 / seconds;
    }
    let figures = figures?;
    let median = figures.iter().find(|(name, _)| *name == "p50 ms");
    Ok(Beside {
        median: median.context("no median")?.1,
        sync: syncs.get(syncs.len() / 2).context("no sync")? * 1000.0,
        moved,
    })
}

/// An upload that was begun.
pub(crate) struct Opened {
    id: String,
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

/// Sends all of it, and waits until the server has it on the disk. What was handed to TLS is counted.
pub(crate) async fn fill(
    target: &Target,
    opened: &Opened,
    size: u64,
    moved: &AtomicU64,
) -> anyhow::Result<()> {
    let mut http = Http::connect(target).await?;
    http.begin(opened, 0, size).await?;
    let bytes: Vec<u8> = piece();
    let mut left = usize::try_from(size)?;
    while left > 0 {
        let now = left.min(PIECE);
        http.0.write_all(&bytes[..now]).await?;
        moved.fetch_add(now as u64, Relaxed);
        left -= now;
    }
    http.0.flush().await?;
    let (head, _) = http.head().await?;
    ensure!(head.starts_with("HTTP/1.1 204"), "an upload was answered: {head}");
    Ok(())
}

fn piece() -> Vec<u8> {
    (0..PIECE).map(|at| (at * 31 + at / 251) as u8).collect()
}

async fn upload(
    target: &Target,
    connection: &mut Connection,
    size: u64,
    moved: &AtomicU64,
) -> anyhow::Result<Opened> {
    let opened = open(connection, size).await?;
    fill(target, &opened, size, moved).await?;
    Ok(opened)
}

pub(crate) async fn download(
    target: &Target,
    connection: &mut Connection,
    file: &str,
    moved: &AtomicU64,
) -> anyhow::Result<()> {
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
            read => {
                received += read as u64;
                moved.fetch_add(read as u64, Relaxed);
            }
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

    /// Says what is to come of an upload.
    async fn begin(&mut self, opened: &Opened, offset: u64, length: u64) -> anyhow::Result<()> {
        let head = format!(
            "PATCH {} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nTus-Resumable: 1.0.0\r\n\
             Upload-Offset: {offset}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n",
            opened.url, opened.ticket
        );
        Ok(self.0.write_all(head.as_bytes()).await?)
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
