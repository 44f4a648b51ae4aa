//! Large files, up and down: how fast, at what cost, with how much memory, and what messages notice of it.

use std::sync::atomic::AtomicU64;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use kith_common::SentReply;
use kith_tests::Server;
use serde_json::json;
use tokio::task::JoinSet;

use crate::connection::Connection;
use crate::http::{abandon, download, upload};
use crate::people::People;
use crate::process::{cpu_seconds, memory_kib};
use crate::report::{Figures, lost};
use crate::transfers::Transfers;
use crate::{Options, cuts, disk, messages};

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
    let cuts = cuts::run(target, &mut sender, size, options.cuts).await?;
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
        ("cuts of an upload", options.cuts as f64),
        ("MiB sent again a cut", cuts.mean),
        ("MiB sent again at most", cuts.most),
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

async fn send(people: &People, connection: &mut Connection, upload: &str) -> anyhow::Result<SentReply> {
    let request =
        json!({"action": "file", "receiver": people.name(1), "file_name": "large.bin", "upload": upload});
    Ok(serde_json::from_str(connection.ask(&request).await?.get())?)
}

async fn delete(connection: &mut Connection, sent: &SentReply) -> anyhow::Result<()> {
    let request = json!({"action": "delete", "conversation": sent.conversation, "targets": [sent.number]});
    connection.ask(&request).await.map(drop)
}
