//! Threads for what is large: files on their way, and HTTP altogether.
//!
//! A transfer at full speed keeps a core busy with TLS, hashing and copying. On the threads that chat runs on, or on others of equal
//! right, each step of a message would wait for its turn behind that, some milliseconds each time. So what comes over HTTP has a
//! runtime of its own, and the system lets its threads run where the others leave time: a message notices little of
//! any number of transfers, and a transfer nothing of messages, which take next to no time.
//!
//! A WebSocket is taken back to the other runtime as soon as it is one.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::platform;

/// Threads that wait for the disk, at most: two for each of some transfers.
const WAITING_THREADS: usize = 64;

/// The runtime; its tasks end when it is dropped.
pub struct Bulk {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Bulk {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system has none to give.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("kith-bulk")
            .max_blocking_threads(WAITING_THREADS)
            .on_thread_start(platform::step_back)
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Where to spawn what is large.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Bulk {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // To wait for it isn't allowed within another runtime.
            runtime.shutdown_background();
        }
    }
}
