//! What the disk can do by itself.

use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// A page of the database's write-ahead log, roughly.
const BLOCK: [u8; 4096] = [0x5a; 4096];

/// How long it takes to append a block to a file and have it kept (fdatasync), in seconds, sorted.
pub(crate) fn sync_times(folder: &Path, count: usize) -> anyhow::Result<Vec<f64>> {
    let mut left = count;
    sync_times_while(folder, || {
        left = left.saturating_sub(1);
        left > 0
    })
}

/// The same, one after each pause, until the other end of the channel is dropped.
pub(crate) fn sync_times_until(
    folder: &Path,
    pause: Duration,
    stopped: &Receiver<()>,
) -> anyhow::Result<Vec<f64>> {
    sync_times_while(folder, || {
        stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout)
    })
}

fn sync_times_while(folder: &Path, mut goes_on: impl FnMut() -> bool) -> anyhow::Result<Vec<f64>> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut times = Vec::new();
    loop {
        let began = Instant::now();
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64());
        if !goes_on() {
            break;
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}
