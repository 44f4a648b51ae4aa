//! What the disk can do by itself.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

/// A page of the database's write-ahead log, roughly.
const BLOCK: [u8; 4096] = [0x5a; 4096];

/// How long it takes to append a block to a file and have it kept (fdatasync), in seconds, sorted.
pub(crate) fn sync_times(folder: &Path, count: usize) -> anyhow::Result<Vec<f64>> {
    let path = folder.join("sync-times");
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .open(&path)?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64());
    }
    std::fs::remove_file(&path)?;
    times.sort_by(f64::total_cmp);
    Ok(times)
}
