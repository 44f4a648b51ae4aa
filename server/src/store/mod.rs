//! All SQL of the server, the same for SQLite and PostgreSQL.
//!
//! Reads go through a pool. Writes go through `writer`, one transaction at a time, many writes in each.
//! Ids and bodies come out as types; nothing outside of this folder knows a table.

mod accounts;
mod administration;
mod blobs;
mod changes;
mod contacts;
mod conversations;
mod devices;
mod directory;
#[allow(unreachable_pub, reason = "SeaORM's derives make public items")]
mod entity;
mod erasing;
mod error;
mod invites;
mod marks;
mod open;
mod profiles;
mod reading;
mod seed;
mod sight;
mod storage;
mod types;
mod uploads;
mod writer;

use std::path::Path;
use std::sync::Arc;

use sea_orm::DatabaseConnection;
use tokio::task::JoinHandle;

pub use accounts::{Credentials, NewAccount};
pub use administration::AccountRow;
pub use changes::Changes;
pub use contacts::{ContactChange, Contacts, SightChange};
pub use devices::{Device, NewDevice, Resumed};
pub use erasing::Erased;
pub use error::StoreError;
pub use marks::Marks;
pub use open::OpenError;
pub use profiles::ProfileChange;
pub use reading::{Page, StoredEvent, Stretch};
pub use seed::SeedBacklog;
pub use types::{
    Account, AccountId, AccountState, Announcement, Append, Attachment, ClientKey, Log, LogId, LogKind,
    NewBlob, Origin, Receipt, Room, Stored, Target,
};
pub use uploads::{NewUpload, Upload};
pub use writer::{Author, Completion, Observer};

use crate::clock::Clock;
use crate::random::Random;
use directory::Directory;
use writer::WriterHandle;

/// The database, and what is remembered of it.
pub struct Store {
    readers: DatabaseConnection,
    writer: WriterHandle,
    directory: Directory,
    random: Arc<dyn Random>,
}

/// What is left to wait for once the store was dropped: what is queued gets written first.
pub struct WriterTask(JoinHandle<()>);

impl Store {
    /// Opens the database, brings its schema up to date and starts the writer.
    ///
    /// `url` is `sqlite` for a file in `data`, or a `postgres://` address. The observer hears of every commit.
    ///
    /// # Errors
    /// The database can't be opened, or is of a newer version of Kith.
    pub async fn open(
        url: &str,
        data: &Path,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        observer: Arc<dyn Observer>,
    ) -> Result<(Self, WriterTask), OpenError> {
        let (writing, writer_options) = open::writing(url, data).await?;
        open::migrate(&writing).await?;
        let readers = open::reading(url, data).await?;
        let (writer, task) = writer::spawn(writer_options, writing, readers.clone(), clock, observer);
        let store = Self {
            readers,
            writer,
            directory: Directory::new(),
            random,
        };
        Ok((store, WriterTask(task)))
    }

    /// Queues an append. The completion is called after the commit, or with why there was none.
    ///
    /// Waits while the writer's queue is full, so that a sender can't be faster than the disk.
    pub async fn append(&self, append: Append, completion: Completion) {
        self.writer.append(append, completion).await;
    }

    /// Appends and waits for the commit.
    ///
    /// # Errors
    /// As [`StoreError`] has them; then nothing was stored.
    pub async fn append_and_wait(&self, append: Append) -> Result<Receipt, StoreError> {
        let (done, receipt) = tokio::sync::oneshot::channel();
        self.append(
            append,
            Box::new(move |result| {
                let _ = done.send(result);
            }),
        )
        .await;
        receipt.await.unwrap_or(Err(StoreError::Busy))
    }

    /// A new id for something that clients name: 128 random bits.
    pub(crate) fn new_public_id(&self) -> Result<String, StoreError> {
        crate::random::text::<16>(&*self.random)
            .map_err(|error| StoreError::Database(sea_orm::DbErr::Custom(error.to_string())))
    }
}

impl WriterTask {
    /// Waits until everything that was queued is written and the database is closed.
    pub async fn finished(self) {
        let _ = self.0.await;
    }
}
