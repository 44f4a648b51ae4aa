//! A large upload over a line that is cut again and again.

use std::sync::atomic::AtomicU64;

use anyhow::{Context as _, ensure};
use kith_common::UploadReply;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;

use crate::connection::{Connection, Target};
use crate::http::{self, Http, Opened};

/// What is sent repeats after so many bytes: a prime, so that nothing that is put in a wrong place has the same hash.
const PERIOD: usize = 262_147;

/// What the sender's system takes in before it is sent. What is still there at a cut was never on the line, so it is to be little.
const SEND_BUFFER: u32 = 128 * 1024;

/// What cuts cost: MiB that were handed to the sender's system and came again after it.
pub(crate) struct Cuts {
    pub(crate) mean: f64,
    pub(crate) most: f64,
}

/// Uploads so many bytes, over a connection that is reset so many times.
pub(crate) async fn run(
    target: &Target,
    connection: &mut Connection,
    size: u64,
    cuts: u64,
) -> anyhow::Result<Cuts> {
    let opened = http::open(connection, size).await?;
    let bytes: Vec<u8> = (0..PERIOD).map(|at| (at * 31 + at / 251) as u8).collect();
    let (mut offset, mut all, mut most) = (0, 0, 0);
    for _ in 0..cuts {
        let end = size.min(offset + size / (cuts + 1));
        send_and_cut(target, &opened, &bytes, offset..end, size).await?;
        offset = http::offset(target, &opened).await?;
        ensure!(offset <= end, "more was kept than was sent");
        all += end - offset;
        most = most.max(end - offset);
    }
    http::fill(target, &opened, &bytes, offset..size, &AtomicU64::new(0)).await?;
    let request = json!({"action": "upload", "upload": opened.id});
    let reply: UploadReply = serde_json::from_str(connection.ask(&request).await?.get())?;
    ensure!(
        reply.hash.context("no hash")?.0 == hash(&bytes, size),
        "after the cuts the file is another one"
    );
    http::abandon(target, &opened).await?;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    Ok(Cuts {
        mean: mib(all) / cuts.max(1) as f64,
        most: mib(most),
    })
}

/// Begins to send all that is left, and resets the connection once this much is sent.
async fn send_and_cut(
    target: &Target,
    opened: &Opened,
    bytes: &[u8],
    range: std::ops::Range<u64>,
    size: u64,
) -> anyhow::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    let mut http = Http::over(target, socket.connect(target.address).await?).await?;
    http.begin(opened, range.start, size - range.start).await?;
    http.send(bytes, range, &AtomicU64::new(0)).await?;
    http.0.flush().await?;
    http.0.get_ref().0.set_zero_linger()?;
    Ok(())
}

fn hash(bytes: &[u8], size: u64) -> [u8; 32] {
    let (mut hasher, mut left) = (blake3::Hasher::new(), size);
    while left > 0 {
        let now = left.min(bytes.len() as u64) as usize;
        hasher.update(&bytes[..now]);
        left -= now as u64;
    }
    *hasher.finalize().as_bytes()
}
