//! Many connections that log in by token and then do nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use kith_tests::Server;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Options;
use crate::people::People;
use crate::process::{cpu_seconds, memory_kib, own_cpu_seconds};
use crate::report::{Figures, lost};

/// Logins under way at a time.
const AT_ONCE: usize = 8;

/// Rest before the memory is looked at.
const REST: Duration = Duration::from_secs(10);

/// Connections opened and closed first, so that what is allocated once isn't counted.
const FIRST: usize = 20;

pub(crate) async fn run(people: &People, server: &Server, options: &Options) -> anyhow::Result<Figures> {
    for person in 0..FIRST.min(people.count()) {
        people.connect(person).await?.close().await;
    }
    let pid = server.pid();
    tokio::time::sleep(Duration::from_secs(4)).await;
    let (before, cpu, own) = (memory_kib(pid).0, cpu_seconds(pid), own_cpu_seconds());
    let began = Instant::now();
    let at_once = Arc::new(Semaphore::new(AT_ONCE));
    let closed = Arc::new(AtomicUsize::new(0));
    let mut connections = JoinSet::new();
    for number in 0..options.connections {
        let turn = at_once.clone().acquire_owned().await?;
        let (target, token) = (
            people.target.clone(),
            people.token(number % people.count()).to_owned(),
        );
        let closed = closed.clone();
        connections.spawn(async move {
            let connection = target.resume(&token).await;
            drop(turn);
            let Ok(mut connection) = connection else {
                closed.fetch_add(1, Relaxed);
                return;
            };
            connection.forget_buffer();
            // Ends only when the server closes the connection.
            while connection.fill().await.is_ok() {
                while connection.next_line().is_some() {}
            }
            closed.fetch_add(1, Relaxed);
        });
    }
    let _all = at_once.acquire_many(AT_ONCE as u32).await?;
    let seconds = began.elapsed().as_secs_f64();
    let (cpu, own) = (cpu_seconds(pid) - cpu, own_cpu_seconds() - own);
    tokio::time::sleep(REST).await;
    let after = memory_kib(pid).0;
    let open = options.connections - closed.load(Relaxed);
    connections.shutdown().await;
    let count = options.connections as f64;
    Ok(vec![
        ("KiB per connection", (after - before) / open.max(1) as f64),
        ("server MiB before", before / 1024.0),
        ("server MiB with all", after / 1024.0),
        ("logins/s", count / seconds),
        ("server CPU ms per login", cpu * 1000.0 / count),
        ("generator CPU ms per login", own * 1000.0 / count),
        lost(closed.load(Relaxed) as f64),
    ])
}
