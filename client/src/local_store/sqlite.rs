//! The local store of a native program: two SQLite files in a folder of the account's own.
//!
//! `copy.db` is the copy of the logs. It can be fetched again, so it is thrown away where it is damaged or of another version.
//! `outbox.db` is what waits to be sent, which nothing can bring back: it is written through to the disk, is moved aside
//! where it can't be read, and never deleted but by [`LocalStore::wipe`]. Each program that uses the folder holds
//! a shared lock on `lock`; whoever replaces a file needs it alone.

mod copy;
mod files;
mod outbox;

use std::path::PathBuf;
use std::thread::JoinHandle;

use kith_common::LogEvent;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{Answer, Batch, Claim, Item, ItemChange, Loaded, LocalStore, NewItem, Query, StoreError};
use crate::limits;

pub use super::Owner;
use files::Files;

/// A [`LocalStore`] in SQLite files.
///
/// A thread of its own does the work, so that a slow disk doesn't hold up whoever asks. It ends with the store.
#[derive(Debug)]
pub struct SqliteStore {
    jobs: mpsc::Sender<Job>,
    thread: Option<JoinHandle<()>>,
}

type Job = Box<dyn FnOnce(&mut Files) + Send>;

impl SqliteStore {
    /// Opens the store in a folder, which is made if there is none. Blocks while it does so.
    ///
    /// A copy that can't be used is begun anew, an outbox that can't be read is moved aside as `outbox.damaged.db`.
    ///
    /// # Errors
    /// The folder is another account's, or of a newer version; something has to be replaced while another program uses
    /// it; the device fails.
    pub fn open(folder: impl Into<PathBuf>, owner: Owner) -> Result<Self, StoreError> {
        let mut files = Files::open(folder.into(), owner)?;
        let (jobs, mut queue) = mpsc::channel::<Job>(limits::STORE_QUEUE);
        let thread = std::thread::Builder::new()
            .name("kith-store".to_owned())
            .spawn(move || {
                while let Some(job) = queue.blocking_recv() {
                    job(&mut files);
                }
            })
            .map_err(|error| StoreError::Device(error.to_string()))?;
        Ok(Self {
            jobs,
            thread: Some(thread),
        })
    }

    /// The same for the outbox. One that turns out to be damaged isn't begun anew, as a copy is, but moved aside by the next
    /// program that opens it.
    fn run_outbox<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        self.run(|files| on_outbox(files, work))
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Files) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<'_, T> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |files| {
            // Whoever asked may have stopped waiting.
            let _ = reply.send(work(files));
        });
        Box::pin(async move {
            self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
            answer.await.map_err(|_| StoreError::Closed)?
        })
    }
}

fn on_outbox<T>(
    files: &mut Files,
    work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    match work(files.outbox()?) {
        Err(StoreError::Damaged(reason)) => Err(StoreError::Device(reason)),
        result => result,
    }
}

/// Waits until what was asked is done and the files are closed.
impl Drop for SqliteStore {
    fn drop(&mut self) {
        let (closed, _) = mpsc::channel(1);
        self.jobs = closed;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing more to do.
            let _ = thread.join();
        }
    }
}

impl LocalStore for SqliteStore {
    fn load(&self) -> Answer<'_, Loaded> {
        self.run(|files| copy::load(files.copy()?))
    }

    fn commit(&self, batch: Batch) -> Answer<'_, ()> {
        self.run(move |files| copy::commit(files.copy()?, &batch))
    }

    fn events(&self, query: Query) -> Answer<'_, Vec<LogEvent>> {
        self.run(move |files| copy::events(files.copy()?, &query))
    }

    fn effects(&self, log: String, targets: (u64, u64)) -> Answer<'_, Vec<(u64, LogEvent)>> {
        self.run(move |files| copy::effects(files.copy()?, &log, targets))
    }

    fn unread(&self, log: String, above: u64, me: String) -> Answer<'_, u64> {
        self.run(move |files| copy::unread(files.copy()?, &log, above, &me))
    }

    fn rebuild(&self) -> Answer<'_, ()> {
        self.run(Files::rebuild)
    }

    fn wipe(&self) -> Answer<'_, ()> {
        self.run(Files::wipe)
    }

    fn add(&self, item: NewItem) -> Answer<'_, u64> {
        self.run_outbox(move |outbox| outbox::add(outbox, &item))
    }

    fn outbox(&self) -> Answer<'_, Vec<Item>> {
        self.run_outbox(outbox::list)
    }

    fn next(&self, busy: Vec<String>) -> Answer<'_, Option<Item>> {
        self.run_outbox(move |outbox| outbox::next(outbox, &busy))
    }

    fn transfers(&self) -> Answer<'_, Vec<Item>> {
        self.run_outbox(outbox::transfers)
    }

    fn whole(&self, id: u64) -> Answer<'_, Option<Item>> {
        self.run_outbox(move |outbox| outbox::whole(outbox, id))
    }

    fn claim(&self, id: u64) -> Answer<'_, Option<Claim>> {
        self.run(move |files| files.claim(id))
    }

    fn item(&self, id: u64) -> Answer<'_, Option<Item>> {
        self.run_outbox(move |outbox| outbox::one(outbox, id))
    }

    fn update(&self, id: u64, change: ItemChange) -> Answer<'_, bool> {
        self.run_outbox(move |outbox| outbox::update(outbox, id, &change))
    }

    fn remove(&self, id: u64) -> Answer<'_, bool> {
        self.run(move |files| {
            let removed = on_outbox(files, |outbox| outbox::remove(outbox, id))?;
            files.unclaim(id);
            Ok(removed)
        })
    }

    fn want_read(&self, log: String, number: u64) -> Answer<'_, ()> {
        self.run_outbox(move |outbox| outbox::want_read(outbox, &log, number))
    }

    fn wanted_reads(&self) -> Answer<'_, Vec<(String, u64)>> {
        self.run_outbox(outbox::wanted_reads)
    }

    fn read_done(&self, log: String, number: u64) -> Answer<'_, ()> {
        self.run_outbox(move |outbox| outbox::read_done(outbox, &log, number))
    }
}

/// SQLite's whole numbers have a sign; no number of ours needs the bit.
fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
