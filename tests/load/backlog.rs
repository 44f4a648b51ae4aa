//! A backlog for somebody absent, and how much a long history slows things down.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::bail;
use kith_common::{EventKind, HistoryRequest, LogPage, Request, SyncReply, SyncRequest};
use kith_tests::Server;

use crate::Options;
use crate::connection::Connection;
use crate::messages;
use crate::people::People;
use crate::report::{Figures, lost};

/// Pages of history that are timed.
const PAGES: usize = 1000;

/// Events in a page of history.
const PAGE: u32 = 50;

/// One sender stores the backlog, then its receiver connects and fetches all of it.
pub(crate) async fn run(people: &People, _: &Server, options: &Options) -> anyhow::Result<Figures> {
    let (sender, receiver) = (0, 1);
    let mut reader = people.connect(receiver).await?;
    let mut held = BTreeMap::new();
    fetch(&mut reader, &mut held).await?;
    reader.close().await;
    let began = Instant::now();
    store(people, sender, receiver, options.backlog, options).await?;
    let stored = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let mut reader = people.connect(receiver).await?;
    let fetched = fetch(&mut reader, &mut held).await?;
    let seconds = began.elapsed().as_secs_f64();
    reader.close().await;
    Ok(vec![
        ("seconds to fetch", seconds),
        ("fetched/s", fetched as f64 / seconds),
        ("seconds to store", stored),
        lost(options.backlog as f64 - fetched as f64),
    ])
}

/// Fills up to `history` messages, then measures throughput and pages from the middle of the history.
pub(crate) async fn deep(people: &People, server: &Server, options: &Options) -> anyhow::Result<Figures> {
    let before = messages::throughput(people, server, options).await?;
    let began = Instant::now();
    let stored = fill(people, options).await?;
    let seconds = began.elapsed().as_secs_f64();
    let after = messages::throughput(people, server, options).await?;
    let pages = pages(people).await?;
    let delivered = |figures: &Figures| figures.first().map_or(0.0, |(_, value)| *value);
    let losses = [&before, &after]
        .map(|figures| figures.last().map_or(0.0, |(_, value)| *value))
        .iter()
        .sum();
    let quantile = |q: f64| pages[((pages.len() - 1) as f64 * q) as usize] * 1000.0;
    Ok(vec![
        ("delivered/s before", delivered(&before)),
        ("delivered/s after", delivered(&after)),
        ("after / before", delivered(&after) / delivered(&before).max(1.0)),
        ("messages stored between", stored as f64),
        ("stored/s", stored as f64 / seconds),
        ("page p50 ms", quantile(0.5)),
        ("page p99 ms", quantile(0.99)),
        lost(losses),
    ])
}

/// Fetches everything that is new; returns how many messages came.
async fn fetch(reader: &mut Connection, held: &mut BTreeMap<String, u64>) -> anyhow::Result<usize> {
    let mut count = 0;
    loop {
        let reply = sync(reader, held.clone(), None).await?;
        for LogPage {
            conversation, events, ..
        } in reply.logs
        {
            count += events
                .iter()
                .filter(|event| event.event == EventKind::Message)
                .count();
            if let Some(newest) = events.last() {
                held.insert(conversation, newest.number);
            }
        }
        if !reply.more {
            return Ok(count);
        }
    }
}

async fn sync(
    reader: &mut Connection,
    logs: BTreeMap<String, u64>,
    limit: Option<u32>,
) -> anyhow::Result<SyncReply> {
    let request = Request::Sync(SyncRequest {
        logs,
        limit,
        ..SyncRequest::default()
    });
    let reply = reader.ask(&serde_json::to_value(&request)?).await?;
    Ok(serde_json::from_str(reply.get())?)
}

async fn store(
    people: &People,
    from: usize,
    to: usize,
    count: usize,
    options: &Options,
) -> anyhow::Result<()> {
    let mut connection = people.connect(from).await?;
    let (run, text, to) = (messages::unique(), "x".repeat(options.bytes), people.name(to));
    let (mut sent, mut acknowledged, mut out) = (0, 0, String::new());
    while acknowledged < count {
        while sent < count && sent - acknowledged < options.window {
            out.push_str(&format!(
                "{{\"action\":\"message\",\"receiver\":\"{to}\",\"client_id\":\"{run}-{sent}\",\"content\":\"{text}\"}}\n"
            ));
            sent += 1;
        }
        connection.write(out.as_bytes()).await?;
        out.clear();
        connection.fill().await?;
        while let Some(line) = connection.next_line() {
            if line.starts_with(b"{\"status\":\"ok\"") {
                acknowledged += 1;
            } else if line.starts_with(b"{\"status\"") {
                bail!("a message was refused: {}", String::from_utf8_lossy(&line));
            }
        }
    }
    connection.close().await;
    Ok(())
}

/// Every pair stores its share of the history.
async fn fill(people: &People, options: &Options) -> anyhow::Result<usize> {
    let each = options.history / options.pairs;
    let stores = (0..options.pairs).map(|pair| store(people, 2 * pair, 2 * pair + 1, each, options));
    futures_util::future::try_join_all(stores).await?;
    Ok(each * options.pairs)
}

/// The times of pages from everywhere in the history, in seconds, sorted.
async fn pages(people: &People) -> anyhow::Result<Vec<f64>> {
    let mut reader = people.connect(1).await?;
    let known = sync(&mut reader, BTreeMap::new(), Some(1)).await?;
    let account: BTreeMap<String, u64> = known
        .logs
        .iter()
        .map(|log| (log.conversation.clone(), log.newest))
        .collect();
    let conversations = sync(&mut reader, account, Some(1)).await?;
    let Some(log) = conversations.logs.first() else {
        bail!("there is no conversation")
    };
    let mut times = Vec::with_capacity(PAGES);
    for page in 1..=PAGES {
        let request = Request::History(HistoryRequest {
            conversation: log.conversation.clone(),
            before: Some(log.newest * page as u64 / PAGES as u64 + 1),
            after: None,
            limit: Some(PAGE),
        });
        let request = serde_json::to_value(&request)?;
        let began = Instant::now();
        reader.ask(&request).await?;
        times.push(began.elapsed().as_secs_f64());
    }
    reader.close().await;
    times.sort_by(f64::total_cmp);
    Ok(times)
}
