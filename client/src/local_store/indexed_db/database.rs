//! IndexedDB as futures (W3C, "Indexed Database API 3.0").
//!
//! The libraries that wrap it drop either a transaction's durability or the reason for which a browser ends one, which is the
//! only word that it says when there is no room left.

use std::cell::Cell;
use std::rc::Rc;

use gloo_events::EventListener;
use js_sys::{Array, Function, Object, Reflect};
use tokio::sync::Notify;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{
    IdbDatabase, IdbFactory, IdbObjectStore, IdbOpenDbRequest, IdbTransaction, IdbTransactionMode,
    IdbVersionChangeEvent,
};

use super::request::{Answer, Wait, answer, failure, happened, meaning, text};
use crate::local_store::StoreError;

/// An open database. It is closed when it is dropped, and when another page makes a newer version of it or deletes it: then it
/// answers [`StoreError::Closed`].
pub(crate) struct Database {
    raw: IdbDatabase,
    state: Rc<Cell<State>>,
    _listeners: [EventListener; 2],
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    /// Another page needed it.
    GivenUp,
    /// The browser has closed it.
    Lost,
}

/// Brings a database to the current version from an older one, or from 0.
pub(crate) type Upgrade = fn(&Schema, u32) -> Result<(), JsValue>;

/// A database whose stores may be changed.
pub(crate) struct Schema {
    database: IdbDatabase,
}

/// How much of a change has to be on the disk when it counts as done.
#[derive(Clone, Copy)]
pub(crate) enum Durability {
    /// All of it: it survives a power cut.
    Strict,
    /// The system has it: it survives the end of the browser.
    Relaxed,
}

impl Database {
    /// Opens a database of this version, and makes it if there is none.
    ///
    /// [`StoreError::Unavailable`] where the browser keeps nothing, [`StoreError::Newer`] where there is a newer one.
    pub(crate) async fn open(name: &str, version: u32, upgrade: Upgrade) -> Result<Self, StoreError> {
        let request = factory()?
            .open_with_u32(name, version)
            .map_err(|error| unavailable(&error))?;
        let opening: IdbOpenDbRequest = request.clone();
        let upgrading = EventListener::once(&request, "upgradeneeded", move |event| {
            let before = event
                .dyn_ref::<IdbVersionChangeEvent>()
                .map_or(0.0, IdbVersionChangeEvent::old_version);
            let done = opening.result().and_then(|database| {
                let database = database.unchecked_into();
                upgrade(&Schema { database }, before as u32)
            });
            if let (Err(_), Some(transaction)) = (done, opening.transaction()) {
                // The request then fails.
                let _ = transaction.abort();
            }
        });
        let raw: IdbDatabase = match answer(&request).await {
            Ok(database) => database.unchecked_into(),
            Err(Answer::Error(error)) if error.name() == "VersionError" => {
                return Err(StoreError::Newer {
                    path: name.into(),
                    version: i64::from(version) + 1,
                });
            }
            Err(Answer::Error(error)) if error.name() == "QuotaExceededError" => {
                return Err(StoreError::NoSpace);
            }
            Err(Answer::Error(error)) => return Err(StoreError::Unavailable(error.message())),
            Err(Answer::Other(error)) => return Err(unavailable(&error)),
        };
        drop(upgrading);
        let state = Rc::new(Cell::new(State::Open));
        let (closing, given_up) = (raw.clone(), Rc::clone(&state));
        // Another page waits until this one lets go.
        let wanted = EventListener::new(&raw, "versionchange", move |_| {
            given_up.set(State::GivenUp);
            closing.close();
        });
        let lost = Rc::clone(&state);
        let closed = EventListener::new(&raw, "close", move |_| lost.set(State::Lost));
        Ok(Self {
            raw,
            state,
            _listeners: [wanted, closed],
        })
    }

    /// Whether the browser has closed it, so that it has to be opened again.
    pub(crate) fn is_lost(&self) -> bool {
        self.state.get() == State::Lost
    }

    /// Deletes a database. Where a page that sleeps still has it open, it goes when that page wakes.
    pub(crate) async fn delete(name: &str) -> Result<(), StoreError> {
        let request = factory()?
            .delete_database(name)
            .map_err(|error| unavailable(&error))?;
        happened(&request, &["success", "error", "blocked"]).await;
        Ok(())
    }

    /// Begins to read.
    pub(crate) fn read(&self, stores: &[&str]) -> Result<Transaction, StoreError> {
        self.transaction(stores, IdbTransactionMode::Readonly, Durability::Relaxed)
    }

    /// Begins to write. Whoever writes to one of the same stores waits until this has ended.
    pub(crate) fn write(&self, stores: &[&str], durability: Durability) -> Result<Transaction, StoreError> {
        self.transaction(stores, IdbTransactionMode::Readwrite, durability)
    }

    fn transaction(
        &self,
        stores: &[&str],
        mode: IdbTransactionMode,
        durability: Durability,
    ) -> Result<Transaction, StoreError> {
        let stores: Array = stores.iter().copied().map(JsValue::from_str).collect();
        let options = Object::new();
        let durability = match durability {
            Durability::Strict => "strict",
            Durability::Relaxed => "relaxed",
        };
        Reflect::set(&options, &"durability".into(), &durability.into()).map_err(|error| failure(&error))?;
        // web-sys holds the third argument for unstable, although all browsers know or ignore it.
        let begin = Reflect::get(&self.raw, &"transaction".into()).map_err(|error| failure(&error))?;
        let begun = begin
            .dyn_ref::<Function>()
            .ok_or_else(|| StoreError::Device("no transactions".to_owned()))?
            .call3(&self.raw, &stores, &mode.into(), &options);
        match begun {
            Ok(begun) => Ok(Transaction::new(begun.unchecked_into())),
            Err(error) => {
                // Not every browser says so when it closes one.
                if self.state.get() == State::Open {
                    self.state.set(State::Lost);
                }
                Err(failure(&error))
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.raw.close();
    }
}

impl Schema {
    /// Makes a store whose rows hold their key in these fields.
    pub(crate) fn store(&self, name: &str, key: &[&str]) -> Result<IdbObjectStore, JsValue> {
        let parameters = web_sys::IdbObjectStoreParameters::new();
        parameters.set_key_path(&path(key));
        self.database
            .create_object_store_with_optional_parameters(name, &parameters)
    }

    /// Makes a store whose keys lie beside the values.
    pub(crate) fn plain_store(&self, name: &str) -> Result<IdbObjectStore, JsValue> {
        self.database.create_object_store(name)
    }

    /// Removes a store if there is one.
    pub(crate) fn remove(&self, name: &str) -> Result<(), JsValue> {
        if self.database.object_store_names().contains(name) {
            self.database.delete_object_store(name)?;
        }
        Ok(())
    }
}

/// Finds rows by these fields: all rows that have them.
pub(crate) fn index(
    store: &IdbObjectStore,
    name: &str,
    fields: &[&str],
    unique: bool,
) -> Result<(), JsValue> {
    let parameters = web_sys::IdbIndexParameters::new();
    parameters.set_unique(unique);
    store
        .create_index_with_str_sequence_and_optional_parameters(name, &path(fields), &parameters)
        .map(drop)
}

fn path(fields: &[&str]) -> JsValue {
    match fields {
        [one] => JsValue::from_str(one),
        fields => fields
            .iter()
            .copied()
            .map(JsValue::from_str)
            .collect::<Array>()
            .into(),
    }
}

/// Reads or changes that belong together. One that is dropped before [`Transaction::done`] changes nothing.
///
/// A browser ends a transaction by itself when its task does anything else than to wait for its requests.
pub(crate) struct Transaction {
    raw: IdbTransaction,
    /// Whether it was kept, once that is known.
    kept: Rc<Cell<Option<bool>>>,
    ended: Rc<Notify>,
    _listeners: [EventListener; 2],
}

impl Transaction {
    fn new(raw: IdbTransaction) -> Self {
        let kept = Rc::new(Cell::new(None));
        let ended = Rc::new(Notify::new());
        let listeners = [("complete", true), ("abort", false)].map(|(event, whether)| {
            let (kept, ended) = (Rc::clone(&kept), Rc::clone(&ended));
            EventListener::once(&raw, event, move |_| {
                kept.set(Some(whether));
                ended.notify_one();
            })
        });
        Self {
            raw,
            kept,
            ended,
            _listeners: listeners,
        }
    }

    /// One of its stores.
    pub(crate) fn store(&self, name: &str) -> Result<IdbObjectStore, StoreError> {
        self.raw.object_store(name).map_err(|error| failure(&error))
    }

    /// Waits until all is done and kept.
    pub(crate) fn done(self) -> Wait<'static, ()> {
        Box::pin(async move {
            while self.kept.get().is_none() {
                self.ended.notified().await;
            }
            match (self.kept.get(), self.raw.error()) {
                (Some(true), _) => Ok(()),
                (_, Some(error)) => Err(meaning(&error)),
                (_, None) => Err(StoreError::Device("the browser has ended it".to_owned())),
            }
        })
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.kept.get().is_none() {
            // It may have ended without saying so yet.
            let _ = self.raw.abort();
        }
    }
}

fn factory() -> Result<IdbFactory, StoreError> {
    let window = web_sys::window().ok_or_else(|| StoreError::Unavailable("no page".to_owned()))?;
    window
        .indexed_db()
        .map_err(|error| unavailable(&error))?
        .ok_or_else(|| StoreError::Unavailable("it has no IndexedDB".to_owned()))
}

fn unavailable(error: &JsValue) -> StoreError {
    StoreError::Unavailable(text(error))
}
