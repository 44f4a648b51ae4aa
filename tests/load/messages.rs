//! Messages between pairs: as many as go, or few to see how fast each is.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use kith_tests::Server;
use memchr::memmem;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Options;
use crate::connection::Connection;
use crate::disk;
use crate::people::People;
use crate::process::{cpu_seconds, machine_seconds, memory_kib, own_cpu_seconds};
use crate::report::{Figures, lost};

const WARM_UP: Duration = Duration::from_secs(2);

/// How long nothing may arrive before what is missing counts as lost.
const LOST_AFTER: Duration = Duration::from_secs(10);

/// Pairs and messages a second of each when latency is measured.
const QUIET_PAIRS: usize = 10;
const QUIET_RATE: f64 = 20.0;

/// Times that the disk is asked to keep a block.
const SYNCS: usize = 500;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Phase {
    Wait,
    Run,
    Stop,
    End,
}

struct Counters {
    began: Instant,
    /// The window in which deliveries are measured, in nanoseconds since `began`.
    from: AtomicU64,
    to: AtomicU64,
    sent: AtomicU64,
    delivered: AtomicU64,
}

/// Every sender keeps its window full.
pub(crate) async fn throughput(
    people: &People,
    server: &Server,
    options: &Options,
) -> anyhow::Result<Figures> {
    run(people, server, options, options.pairs, None).await
}

/// Ten pairs with twenty messages a second each.
pub(crate) async fn latency(people: &People, server: &Server, options: &Options) -> anyhow::Result<Figures> {
    let pause = Duration::from_secs_f64(1.0 / QUIET_RATE);
    let pairs = QUIET_PAIRS.min(options.pairs);
    let mut figures = run(people, server, options, pairs, Some(pause)).await?;
    // What the disk itself takes, which no acknowledgement can be faster than.
    let syncs = disk::sync_times(&options.directory, SYNCS)?;
    let quantile = |q: f64| syncs[((syncs.len() - 1) as f64 * q) as usize] * 1000.0;
    let last = figures.len() - 1;
    figures.splice(
        last..last,
        [("fsync p50 ms", quantile(0.5)), ("fsync p99 ms", quantile(0.99))],
    );
    Ok(figures)
}

async fn run(
    people: &People,
    server: &Server,
    options: &Options,
    pairs: usize,
    pause: Option<Duration>,
) -> anyhow::Result<Figures> {
    let counters = Arc::new(Counters {
        began: Instant::now(),
        from: AtomicU64::new(u64::MAX),
        to: AtomicU64::new(u64::MAX),
        sent: AtomicU64::new(0),
        delivered: AtomicU64::new(0),
    });
    let (phase, phases) = watch::channel(Phase::Wait);
    let (mut senders, mut receivers) = (JoinSet::new(), JoinSet::new());
    for pair in 0..pairs {
        let connection = people.connect(2 * pair + 1).await?;
        receivers.spawn(receive(connection, counters.clone(), phases.clone()));
        let connection = people.connect(2 * pair).await?;
        let sender = Sender {
            to: people.name(2 * pair + 1).to_owned(),
            window: options.window,
            bytes: options.bytes,
            // Spread evenly, so that pairs don't send in step.
            pace: pause.map(|pause| (pause, pause.mul_f64((pair as f64 * 0.618_034).fract()))),
        };
        senders.spawn(sender.send(connection, counters.clone(), phases.clone()));
    }
    let pid = server.pid();
    let start = counters.began.elapsed() + WARM_UP;
    counters.from.store(nanos(start), Relaxed);
    counters.to.store(nanos(start + options.measured()), Relaxed);
    phase.send(Phase::Run)?;
    tokio::time::sleep(WARM_UP).await;
    let before = (cpu_seconds(pid), own_cpu_seconds(), machine_seconds());
    tokio::time::sleep(options.measured()).await;
    let after = (cpu_seconds(pid), own_cpu_seconds(), machine_seconds());
    phase.send(Phase::Stop)?;
    wait_for_the_rest(&counters).await;
    phase.send(Phase::End)?;
    let mut sent = 0;
    while let Some(done) = senders.join_next().await {
        sent += done??;
    }
    let mut latency = histogram();
    while let Some(done) = receivers.join_next().await {
        latency.add(done??)?;
    }
    let (seconds, delivered) = (options.seconds as f64, latency.len() as f64);
    let (server_cpu, own_cpu) = (after.0 - before.0, after.1 - before.1);
    let other = after.2 - before.2 - server_cpu - own_cpu;
    let quantile = |q: f64| latency.value_at_quantile(q) as f64 / 1e6;
    Ok(vec![
        ("delivered/s", delivered / seconds),
        ("p50 ms", quantile(0.5)),
        ("p95 ms", quantile(0.95)),
        ("p99 ms", quantile(0.99)),
        ("server CPU s per 1000", server_cpu * 1000.0 / delivered.max(1.0)),
        ("server cores", server_cpu / seconds),
        ("generator cores", own_cpu / seconds),
        ("other cores", other / seconds),
        ("server peak MiB", memory_kib(pid).1 / 1024.0),
        lost(sent as f64 - counters.delivered.load(Relaxed) as f64),
    ])
}

async fn wait_for_the_rest(counters: &Counters) {
    let (mut last, mut since) = (0, Instant::now());
    while counters.delivered.load(Relaxed) < counters.sent.load(Relaxed) && since.elapsed() < LOST_AFTER {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let delivered = counters.delivered.load(Relaxed);
        if delivered != last {
            (last, since) = (delivered, Instant::now());
        }
    }
}

struct Sender {
    to: String,
    window: usize,
    bytes: usize,
    pace: Option<(Duration, Duration)>,
}

impl Sender {
    /// Sends until it is told to stop, then waits for the last acknowledgement. Returns how many were sent.
    async fn send(
        self,
        mut connection: Connection,
        counters: Arc<Counters>,
        mut phases: watch::Receiver<Phase>,
    ) -> anyhow::Result<u64> {
        phases.wait_for(|phase| *phase >= Phase::Run).await?;
        let run = unique();
        let (mut sent, mut unacknowledged, mut out) = (0u64, 0usize, String::new());
        let mut next = tokio::time::Instant::now() + self.pace.map_or(Duration::ZERO, |(_, offset)| offset);
        loop {
            let phase = *phases.borrow_and_update();
            if phase == Phase::Run {
                let due = |unacknowledged: usize, next: tokio::time::Instant| match self.pace {
                    None => unacknowledged < self.window,
                    Some(_) => tokio::time::Instant::now() >= next,
                };
                let before = sent;
                while due(unacknowledged, next) {
                    self.write(&mut out, &run, sent, &counters);
                    (sent, unacknowledged) = (sent + 1, unacknowledged + 1);
                    next += self.pace.map_or(Duration::ZERO, |(pause, _)| pause);
                }
                counters.sent.fetch_add(sent - before, Relaxed);
            }
            if !out.is_empty() {
                connection.write(out.as_bytes()).await?;
                out.clear();
            }
            if phase == Phase::End {
                connection.close().await;
                return Ok(sent);
            }
            tokio::select! {
                filled = connection.fill() => filled?,
                changed = phases.changed() => changed?,
                () = tokio::time::sleep_until(next), if self.pace.is_some() && phase == Phase::Run => {}
            }
            while let Some(line) = connection.next_line() {
                if line.starts_with(b"{\"status\":\"ok\"") {
                    unacknowledged -= 1;
                } else if line.starts_with(b"{\"status\"") {
                    anyhow::bail!("a message was refused: {}", String::from_utf8_lossy(&line));
                }
            }
        }
    }

    fn write(&self, out: &mut String, run: &str, number: u64, counters: &Counters) {
        let stamp = nanos(counters.began.elapsed());
        let filling = self.bytes.saturating_sub(16);
        // Writing into a string can't fail.
        let _ = writeln!(
            out,
            "{{\"action\":\"message\",\"id\":{number},\"receiver\":\"{}\",\"client_id\":\"{run}-{number}\",\
             \"content\":\"{stamp:016x}{:x<filling$}\"}}",
            self.to, ""
        );
    }
}

async fn receive(
    mut connection: Connection,
    counters: Arc<Counters>,
    mut phases: watch::Receiver<Phase>,
) -> anyhow::Result<Histogram<u64>> {
    let mut latency = histogram();
    let stamp = memmem::Finder::new(b"\"content\":\"");
    loop {
        tokio::select! {
            filled = connection.fill() => filled?,
            changed = phases.changed() => {
                changed?;
                if *phases.borrow_and_update() == Phase::End {
                    connection.close().await;
                    return Ok(latency);
                }
            }
        }
        let now = nanos(counters.began.elapsed());
        let measured = now >= counters.from.load(Relaxed) && now < counters.to.load(Relaxed);
        let mut delivered = 0;
        while let Some(line) = connection.next_line() {
            let Some(at) = stamp.find(&line) else { continue };
            let digits = line
                .get(at + 11..at + 27)
                .and_then(|digits| str::from_utf8(digits).ok());
            let Some(sent) = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) else {
                continue;
            };
            delivered += 1;
            if measured {
                latency.saturating_record(now.saturating_sub(sent));
            }
        }
        counters.delivered.fetch_add(delivered, Relaxed);
    }
}

/// Up to ten minutes, in nanoseconds, to three digits.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 600_000_000_000, 3).unwrap_or_else(|_| unreachable!("the bounds are valid"))
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A text that no other sender of this or another run uses.
pub(crate) fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:x}-{:x}", std::process::id(), NEXT.fetch_add(1, Relaxed))
}
