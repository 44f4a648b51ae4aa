//! Transfers in processes of their own: who sends and fetches large files does it elsewhere, and takes no time from the program that
//! measures messages. On one machine that can only be approached, so these processes step back behind it, as far as nice(1) goes.

use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use crate::connection::Target;
use crate::http;

/// The scale's end.
const NICE: i32 = 19;

/// A process that sends or fetches one file after the other.
pub(crate) struct Transfers {
    child: Child,
    began: Instant,
}

impl Transfers {
    /// Starts it. With a file it fetches that, otherwise it sends one of this size, again and again.
    pub(crate) fn start(
        target: &Target,
        ca: &Path,
        token: &str,
        file: Option<&str>,
        size: u64,
    ) -> anyhow::Result<Self> {
        let order = json!({"address": target.address, "ca": ca, "token": token, "file": file, "size": size});
        let child = Command::new(std::env::current_exe()?)
            .args(["--transfers-of", &order.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self {
            child,
            began: Instant::now(),
        })
    }

    /// Ends it. Returns how many bytes it moved, and in how many seconds.
    pub(crate) async fn stop(mut self) -> anyhow::Result<(u64, f64)> {
        let seconds = self.began.elapsed().as_secs_f64();
        drop(self.child.stdin.take());
        let output = self.child.wait_with_output().await?;
        ensure!(output.status.success(), "a transfer failed");
        let bytes = String::from_utf8_lossy(&output.stdout).trim().parse()?;
        Ok((bytes, seconds))
    }
}

/// What such a process does.
pub(crate) fn run(order: &str) -> anyhow::Result<()> {
    rustix::process::setpriority_process(None, NICE)?;
    let order: Value = serde_json::from_str(order)?;
    let text = |name: &str| order[name].as_str().with_context(|| format!("no {name}"));
    let target = Target::new(text("address")?.parse()?, Path::new(text("ca")?))?;
    let (token, file) = (text("token")?, order["file"].as_str());
    let size = order["size"].as_u64().context("no size")?;
    let (end, ended) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        drop(end);
    });
    let (bytes, moved) = (http::piece(), AtomicU64::new(0));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        tokio::pin!(ended);
        loop {
            let mut connection = target.resume(token).await?;
            let is_over = match file {
                Some(file) => {
                    let way = http::way(&mut connection, file).await?;
                    // Nothing is read from it meanwhile.
                    connection.close().await;
                    tokio::select! {
                        fetched = http::fetch(&target, &way, &moved) => fetched.map(|()| false)?,
                        _ = &mut ended => true,
                    }
                }
                None => {
                    let opened = http::open(&mut connection, size).await?;
                    connection.close().await;
                    let is_over = tokio::select! {
                        sent = http::fill(&target, &opened, &bytes, 0..size, &moved) => sent.map(|()| false)?,
                        _ = &mut ended => true,
                    };
                    http::abandon(&target, &opened).await?;
                    is_over
                }
            };
            if is_over {
                return anyhow::Ok(());
            }
        }
    })?;
    println!("{}", moved.load(Relaxed));
    Ok(())
}
