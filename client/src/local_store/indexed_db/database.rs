//! A database of the browser's, as it is called from here.

use std::pin::Pin;

use js_sys::{Array, Promise};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

use crate::local_store::{Answer, StoreError};

#[wasm_bindgen(module = "/src/local_store/indexed_db/database.js")]
extern "C" {
    fn call(database: &JsValue, method: &str, input: &str, file: &JsValue) -> Promise;
}

/// A database, written in JavaScript, whose methods are called by their names. It is closed when this is dropped.
pub(crate) struct Database {
    object: JsValue,
}

/// JSON, and the file that came with it, if one did.
type Answered = (String, JsValue);

impl Database {
    /// Opens one of these objects, and makes the database if there is none.
    pub(crate) async fn open(object: JsValue) -> Result<Self, StoreError> {
        let database = Self { object };
        database.call::<()>("open", &()).await?;
        Ok(database)
    }

    /// Calls a method with a list of its input, at once: it is done to its end, whether or not anybody waits for it.
    pub(crate) fn call<T: DeserializeOwned + 'static>(
        &self,
        method: &str,
        input: &impl Serialize,
    ) -> Answer<'static, T> {
        let answer = self.call_with_file(method, input, &JsValue::UNDEFINED);
        Box::pin(async move { read(&answer.await?.0) })
    }

    /// The same with a file that follows the input, as the browser is to keep it, and with what it answers as it came.
    pub(crate) fn call_with_file(
        &self,
        method: &str,
        input: &impl Serialize,
        file: &JsValue,
    ) -> Pin<Box<dyn Future<Output = Result<Answered, StoreError>>>> {
        match serde_json::to_string(input) {
            Ok(input) => self.ask(method, &input, file),
            Err(error) => Box::pin(async move { Err(StoreError::Device(error.to_string())) }),
        }
    }

    /// What doesn't depend on types: a browser has to fetch it, so it is there once.
    fn ask(
        &self,
        method: &str,
        input: &str,
        file: &JsValue,
    ) -> Pin<Box<dyn Future<Output = Result<Answered, StoreError>>>> {
        let answer = JsFuture::from(call(&self.object, method, input, file));
        Box::pin(async move {
            let answer = Array::from(&answer.await.map_err(|error| meaning(&error))?);
            Ok((answer.get(0).as_string().unwrap_or_default(), answer.get(1)))
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // There is nothing to wait for.
        let _ = call(&self.object, "letGo", "null", &JsValue::UNDEFINED);
    }
}

/// Reads an answer.
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// What a text means with which a call failed: a kind, a space, words.
fn meaning(error: &JsValue) -> StoreError {
    let error = error.as_string().unwrap_or_default();
    let (kind, words) = error.split_once(' ').unwrap_or((&error, ""));
    match kind {
        "changed" => StoreError::Changed,
        "closed" => StoreError::Closed,
        "full" => StoreError::Full,
        "no_space" => StoreError::NoSpace,
        "damaged" => StoreError::Damaged(words.to_owned()),
        "unavailable" => StoreError::Unavailable(words.to_owned()),
        "newer" => {
            let (version, name) = words.split_once(' ').unwrap_or(("", words));
            StoreError::Newer {
                path: name.into(),
                version: version.parse().unwrap_or_default(),
            }
        }
        _ => StoreError::Device(words.to_owned()),
    }
}
