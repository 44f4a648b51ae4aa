//! The local store of a browser: an IndexedDB database of the account's own.
//!
//! It holds the copy of the logs, which is made anew where its form has changed, and the outbox, which is written through to the
//! disk and never thrown away but by [`LocalStore::wipe`]. Several pages of one browser may use it at a time.
//!
//! It is written in JavaScript (`indexed_db/store.js`), whose methods are called here: a transaction ends as soon as it waits
//! for anything but its own requests, and in wasm each such wait would cross a border, in code that a browser has to fetch.

pub(crate) mod database;
mod rows;

use kith_common::LogEvent;
use serde_json::value::RawValue;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::{
    Answer, Batch, Claim, Item, ItemChange, Loaded, LocalStore, NewItem, Owner, Query, Range, StoreError,
};
use crate::limits;

use database::{Database, read};
use rows::{BatchRows, ItemRow};

#[wasm_bindgen(module = "/src/local_store/indexed_db/store.js")]
extern "C" {
    fn store(name: &str) -> JsValue;
}

/// A [`LocalStore`] in IndexedDB.
pub struct IndexedDbStore {
    database: Database,
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
        // Any text is a name; a server's address holds no space.
        let name = format!("kith {} {}", owner.server, owner.account);
        let database = Database::open(store(&name)).await?;
        Ok(Self { database })
    }

    /// Deletes all that is kept of an account, whether or not it is open anywhere.
    ///
    /// # Errors
    /// The browser keeps nothing for this page.
    pub async fn delete(owner: &Owner) -> Result<(), StoreError> {
        // What is open elsewhere and asleep is empty at least.
        Self::open(owner).await?.wipe().await
    }
}

impl IndexedDbStore {
    /// Items without the bytes of their files. What can't be read stays and is passed over.
    fn items(&self, method: &str) -> Answer<'_, Vec<Item>> {
        let rows = self.database.call::<Vec<Box<RawValue>>>(method, &());
        Box::pin(async move {
            let rows = rows.await?;
            let rows = rows.iter().filter_map(|row| item(row, JsValue::UNDEFINED).ok());
            Ok(rows.collect())
        })
    }
}

impl LocalStore for IndexedDbStore {
    fn load(&self) -> Answer<'_, Loaded> {
        self.database.call("load", &())
    }

    fn commit(&self, batch: Batch) -> Answer<'_, ()> {
        match BatchRows::of(&batch) {
            Ok(rows) => self.database.call("commit", &[rows]),
            Err(error) => Box::pin(async { Err(error) }),
        }
    }

    fn events(&self, query: Query) -> Answer<'_, Vec<LogEvent>> {
        let (method, number) = match query.range {
            Range::Before(number) => ("eventsBefore", number),
            Range::After(number) => ("eventsAfter", number),
        };
        let input = (query.log, number, query.base_only, query.limit);
        self.database.call(method, &input)
    }

    fn effects(&self, log: String, (first, last): (u64, u64)) -> Answer<'_, Vec<(u64, LogEvent)>> {
        self.database.call("effects", &(log, first, last))
    }

    fn unread(&self, log: String, above: u64, me: String) -> Answer<'_, u64> {
        self.database.call("unread", &(log, above, me))
    }

    fn rebuild(&self) -> Answer<'_, ()> {
        self.database.call("rebuild", &())
    }

    fn wipe(&self) -> Answer<'_, ()> {
        self.database.call("wipe", &())
    }

    fn add(&self, item: NewItem) -> Answer<'_, u64> {
        let (row, bytes) = ItemRow::of(item);
        let input = (limits::OUTBOX, row);
        let answer = self.database.call_with_file("add", &input, &bytes);
        Box::pin(async move { read(&answer.await?.0) })
    }

    fn outbox(&self) -> Answer<'_, Vec<Item>> {
        self.items("outbox")
    }

    fn transfers(&self) -> Answer<'_, Vec<Item>> {
        self.items("transfers")
    }

    fn whole(&self, id: u64) -> Answer<'_, Option<Item>> {
        let answer = self.database.call_with_file("whole", &[id], &JsValue::UNDEFINED);
        Box::pin(async move {
            let (row, bytes) = answer.await?;
            let row = read::<Option<ItemRow>>(&row)?;
            Ok(row.map(|row| row.into_item(bytes)))
        })
    }

    fn claim(&self, _id: u64) -> Answer<'_, Option<Claim>> {
        // Pages that interrupt each other wait longer and longer before they do so again.
        Box::pin(core::future::ready(Ok(Some(Claim {}))))
    }

    fn next(&self, busy: Vec<String>) -> Answer<'_, Option<Item>> {
        Box::pin(async move {
            let mut place = 0;
            loop {
                let asked = self
                    .database
                    .call_with_file("next", &(place, &busy), &JsValue::UNDEFINED);
                let (found, bytes) = asked.await?;
                let Some((id, row)) = read::<Option<(u64, Box<RawValue>)>>(&found)? else {
                    return Ok(None);
                };
                if let Ok(item) = item(&row, bytes) {
                    return Ok(Some(item));
                }
                place = id + 1;
            }
        })
    }

    fn item(&self, id: u64) -> Answer<'_, Option<Item>> {
        let row = self.database.call::<Option<Box<RawValue>>>("item", &[id]);
        Box::pin(async move { row.await?.map(|row| item(&row, JsValue::UNDEFINED)).transpose() })
    }

    fn update(&self, id: u64, change: ItemChange) -> Answer<'_, bool> {
        self.database.call("update", &(id, change))
    }

    fn remove(&self, id: u64) -> Answer<'_, bool> {
        self.database.call("remove", &[id])
    }

    fn want_read(&self, log: String, number: u64) -> Answer<'_, ()> {
        self.database.call("wantRead", &(log, number))
    }

    fn wanted_reads(&self) -> Answer<'_, Vec<(String, u64)>> {
        self.database.call("wantedReads", &())
    }

    fn read_done(&self, log: String, number: u64) -> Answer<'_, ()> {
        self.database.call("readDone", &(log, number))
    }
}

fn item(row: &RawValue, bytes: JsValue) -> Result<Item, StoreError> {
    Ok(read::<ItemRow>(row.get())?.into_item(bytes))
}
