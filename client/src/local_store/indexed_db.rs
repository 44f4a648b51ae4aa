//! The local store of a browser: an IndexedDB database of the account's own.
//!
//! It holds the copy of the logs, which is made anew where its form has changed, and the outbox, which is written through to the
//! disk and never thrown away but by [`LocalStore::wipe`]. Several pages of one browser may use it at a time.
//!
//! Every call runs as a task of its own: a browser ends a transaction as soon as it waits for anything else, and whoever asks
//! may be slow to go on, or stop waiting in the middle.

mod copy;
pub(crate) mod database;
pub(crate) mod held;
mod outbox;
pub(crate) mod request;

use std::pin::Pin;
use std::rc::Rc;

use kith_common::LogEvent;
use tokio::sync::oneshot;
use wasm_bindgen::JsValue;

use super::{Answer, Batch, Claim, Item, ItemChange, Loaded, LocalStore, NewItem, Owner, Query, StoreError};
use crate::runtime::task;

use database::{Database, Durability, Schema};
use held::HeldDatabase;

/// The version of the database. What an older one held of the copy is thrown away; its outbox has to be brought up to this
/// one.
const VERSION: u32 = 1;

/// A [`LocalStore`] in IndexedDB.
pub struct IndexedDbStore {
    held: Rc<HeldDatabase>,
}

impl core::fmt::Debug for IndexedDbStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("IndexedDbStore").finish_non_exhaustive()
    }
}

impl IndexedDbStore {
    /// Opens the store of an account, and makes it if there is none.
    ///
    /// # Errors
    /// The browser keeps nothing for this page; the store is of a newer version; there is no room left.
    pub async fn open(owner: &Owner) -> Result<Self, StoreError> {
        let held = apart(HeldDatabase::open(name_of(owner), VERSION, upgrade)).await?;
        Ok(Self { held })
    }

    /// Deletes all that is kept of an account, whether or not it is open anywhere.
    ///
    /// # Errors
    /// The browser keeps nothing for this page.
    pub async fn delete(owner: &Owner) -> Result<(), StoreError> {
        // What is open elsewhere and asleep is empty at least.
        Self::open(owner).await?.wipe().await
    }

    fn run<T: 'static, F>(&self, work: impl FnOnce(Rc<Database>) -> F + 'static) -> Answer<'_, T>
    where
        F: Future<Output = Result<T, StoreError>> + 'static,
    {
        let held = Rc::clone(&self.held);
        Box::pin(apart(async move { work(held.database().await?).await }))
    }
}

/// Runs something to its end in a task of its own, which begins at once.
pub(crate) fn apart<T: 'static>(
    work: impl Future<Output = Result<T, StoreError>> + 'static,
) -> impl Future<Output = Result<T, StoreError>> {
    let (reply, answer) = oneshot::channel();
    // Boxed, so that what surrounds a task is there once and not for each kind of work: a browser has to fetch it.
    let work: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async move {
        // Whoever asked may have stopped waiting.
        let _ = reply.send(work.await);
    });
    task::spawn(work);
    async move { answer.await.unwrap_or(Err(StoreError::Closed)) }
}

/// Removes every row.
async fn empty(database: &Database) -> Result<(), StoreError> {
    let stores: Vec<&str> = copy::STORES.into_iter().chain(outbox::STORES).collect();
    let transaction = database.write(&stores, Durability::Strict)?;
    copy::clear(&transaction)?;
    outbox::clear(&transaction)?;
    transaction.done().await
}

/// Any text is a name; a server's address holds no space.
fn name_of(owner: &Owner) -> String {
    format!("kith {} {}", owner.server, owner.account)
}

fn upgrade(schema: &Schema, before: u32) -> Result<(), JsValue> {
    if before == 0 {
        outbox::make(schema)?;
    }
    copy::make(schema)
}

impl LocalStore for IndexedDbStore {
    fn load(&self) -> Answer<'_, Loaded> {
        self.run(async |database| copy::load(&database).await)
    }

    fn commit(&self, batch: Batch) -> Answer<'_, ()> {
        self.run(async move |database| copy::commit(&database, &batch).await)
    }

    fn events(&self, query: Query) -> Answer<'_, Vec<LogEvent>> {
        self.run(async move |database| copy::events(&database, &query).await)
    }

    fn effects(&self, log: String, targets: (u64, u64)) -> Answer<'_, Vec<(u64, LogEvent)>> {
        self.run(async move |database| copy::effects(&database, &log, targets).await)
    }

    fn unread(&self, log: String, above: u64, me: String) -> Answer<'_, u64> {
        self.run(async move |database| copy::unread(&database, &log, above, &me).await)
    }

    fn rebuild(&self) -> Answer<'_, ()> {
        self.run(async |database| {
            let transaction = database.write(&copy::STORES, Durability::Relaxed)?;
            copy::clear(&transaction)?;
            transaction.done().await
        })
    }

    fn wipe(&self) -> Answer<'_, ()> {
        let held = Rc::clone(&self.held);
        Box::pin(apart(async move {
            let emptied = match held.database().await {
                Ok(database) => empty(&database).await,
                Err(error) => Err(error),
            };
            match emptied {
                // Another page has deleted it meanwhile. Whether it has done so already, nobody tells.
                Err(StoreError::Closed) => {
                    empty(&Database::open(held.name(), VERSION, upgrade).await?).await?;
                }
                emptied => emptied?,
            }
            held.let_go();
            Database::delete(held.name()).await
        }))
    }

    fn add(&self, item: NewItem) -> Answer<'_, u64> {
        self.run(async move |database| outbox::add(&database, item).await)
    }

    fn outbox(&self) -> Answer<'_, Vec<Item>> {
        self.run(async |database| outbox::list(&database).await)
    }

    fn next(&self, busy: Vec<String>) -> Answer<'_, Option<Item>> {
        self.run(async move |database| outbox::next(&database, &busy).await)
    }

    fn transfers(&self) -> Answer<'_, Vec<Item>> {
        self.run(async |database| outbox::transfers(&database).await)
    }

    fn whole(&self, id: u64) -> Answer<'_, Option<Item>> {
        self.run(async move |database| outbox::whole(&database, id).await)
    }

    fn claim(&self, _id: u64) -> Answer<'_, Option<Claim>> {
        // Pages that interrupt each other wait longer and longer before they do so again.
        Box::pin(core::future::ready(Ok(Some(Claim {}))))
    }

    fn item(&self, id: u64) -> Answer<'_, Option<Item>> {
        self.run(async move |database| outbox::one(&database, id).await)
    }

    fn update(&self, id: u64, change: ItemChange) -> Answer<'_, bool> {
        self.run(async move |database| outbox::update(&database, id, change).await)
    }

    fn remove(&self, id: u64) -> Answer<'_, bool> {
        self.run(async move |database| outbox::remove(&database, id).await)
    }

    fn want_read(&self, log: String, number: u64) -> Answer<'_, ()> {
        self.run(async move |database| outbox::want_read(&database, log, number).await)
    }

    fn wanted_reads(&self) -> Answer<'_, Vec<(String, u64)>> {
        self.run(async |database| outbox::wanted_reads(&database).await)
    }

    fn read_done(&self, log: String, number: u64) -> Answer<'_, ()> {
        self.run(async move |database| outbox::read_done(&database, &log, number).await)
    }
}
