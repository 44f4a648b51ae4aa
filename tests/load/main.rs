//! `kith-load`: puts load on a server of its own and prints what it did.
//!
//! The workloads are the ones that other servers were measured with, so the figures can be read side by side: messages
//! with a window, latency at low load, idle connections with logins by token, a backlog for somebody absent, large files. The
//! server is a process of its own with the `kith.toml` that `setup` writes; generator and server share the machine.
//! `cargo xtask load` builds and runs it.

#![allow(clippy::indexing_slicing, reason = "figures of our own making")]

mod backlog;
mod connection;
mod cuts;
mod disk;
mod files;
mod http;
mod idle;
mod messages;
mod people;
mod process;
mod report;
mod transfers;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::people::People;
use crate::report::Report;

#[derive(Clone, Debug, Parser)]
#[command(name = "kith-load", about = "Measure a Kith server")]
struct Options {
    /// Workloads to run; all when none is named
    #[arg(value_enum)]
    workloads: Vec<Workload>,
    /// A few seconds of everything, to see that it works; the figures mean little
    #[arg(long)]
    short: bool,
    /// Times each workload is run; the table shows the median and the range
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Seconds measured, after two of warm-up
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Pairs of people who write and read
    #[arg(long, default_value_t = 50)]
    pairs: usize,
    /// Unacknowledged messages a sender has at most
    #[arg(long, default_value_t = 32)]
    window: usize,
    /// Bytes of text in a message
    #[arg(long, default_value_t = 100)]
    bytes: usize,
    /// Idle connections
    #[arg(long, default_value_t = 5000)]
    connections: usize,
    /// Messages waiting for somebody absent
    #[arg(long, default_value_t = 10_000)]
    backlog: usize,
    /// Messages stored before the workload `deep` measures again
    #[arg(long, default_value_t = 1_000_000)]
    history: usize,
    /// Size of the large file, in MiB
    #[arg(long, default_value_t = 1024)]
    file_mib: u64,
    /// Transfers at once, of an eighth of that
    #[arg(long, default_value_t = 20)]
    transfers: usize,
    /// Times that the line is cut in the upload of the large file
    #[arg(long, default_value_t = 100)]
    cuts: u64,
    /// Where the figures are written as JSON, a line a run
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Where the server keeps its data; a real disk, or fsync costs nothing
    #[arg(long, value_name = "DIR", default_value = "target/load")]
    directory: PathBuf,
    /// Be one of the processes that transfer beside messages
    #[arg(long, hide = true, value_name = "JSON")]
    transfers_of: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Workload {
    /// Throughput: every sender keeps a window full
    Throughput,
    /// Latency at 200 messages a second
    Latency,
    /// Memory of idle connections, and logins by token
    Idle,
    /// A backlog fetched by somebody who was absent
    Backlog,
    /// Throughput again and a page of history, with many messages stored
    Deep,
    /// A large file up and down, many at once, and messages beside them
    Files,
}

impl Options {
    fn shortened(mut self) -> Self {
        if self.short {
            (self.seconds, self.pairs, self.connections) = (2, 10, 200);
            (self.backlog, self.history) = (1000, 5000);
            (self.file_mib, self.transfers, self.cuts) = (16, 4, 10);
        }
        if self.workloads.is_empty() {
            self.workloads = vec![
                Workload::Throughput,
                Workload::Latency,
                Workload::Idle,
                Workload::Backlog,
                Workload::Deep,
                Workload::Files,
            ];
        }
        self
    }

    fn measured(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse().shortened();
    if let Some(order) = &options.transfers_of {
        return transfers::run(order);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&options))
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    std::fs::create_dir_all(&options.directory)?;
    let server = kith_tests::Server::builder()
        .full_cost()
        .in_directory(&options.directory)
        .start();
    eprintln!("making {} people (bcrypt takes its time) …", options.pairs * 2);
    let people = People::make(&server, options.pairs * 2).await?;
    let mut report = Report::new(options.json.as_deref())?;
    for run in 1..=options.runs {
        for workload in &options.workloads {
            eprintln!("run {run} of {}: {workload:?}", options.runs);
            let figures = match workload {
                Workload::Throughput => messages::throughput(&people, &server, options).await?,
                Workload::Latency => messages::latency(&people, &server, options).await?,
                Workload::Idle => idle::run(&people, &server, options).await?,
                Workload::Backlog => backlog::run(&people, &server, options).await?,
                Workload::Deep => backlog::deep(&people, &server, options).await?,
                Workload::Files => files::run(&people, &server, options).await?,
            };
            report.add(*workload, figures)?;
        }
    }
    report.print();
    anyhow::ensure!(
        report.lost() == 0.0,
        "something was lost or refused: see the table"
    );
    Ok(())
}
