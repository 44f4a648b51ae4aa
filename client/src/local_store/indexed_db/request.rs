//! What is asked of IndexedDB, and its answers.

use std::pin::Pin;
use std::rc::Rc;

use gloo_events::EventListener;
use js_sys::{Array, JSON};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{DomException, EventTarget, IdbKeyRange, IdbRequest, IdbRequestReadyState};

use crate::local_store::StoreError;

/// The greatest whole number that a browser can tell from the next one.
const GREATEST: u64 = (1 << 53) - 1;

/// A wait that is in the program once and not in each caller, for a browser has to fetch it.
pub(crate) type Wait<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + 'a>>;

/// Waits for a request's answer.
pub(crate) fn result(request: Result<IdbRequest, JsValue>) -> Wait<'static, JsValue> {
    Box::pin(async move {
        let request = request.map_err(|error| failure(&error))?;
        match answer(&request).await {
            Ok(value) => Ok(value),
            Err(Answer::Error(error)) => Err(meaning(&error)),
            Err(Answer::Other(error)) => Err(failure(&error)),
        }
    })
}

/// Waits for a request's answer, which is read as rows.
pub(crate) async fn rows<T: DeserializeOwned>(
    request: Result<IdbRequest, JsValue>,
) -> Result<Vec<T>, StoreError> {
    from_js(&result(request).await?)
}

/// The same, without the rows that can't be read.
pub(crate) async fn readable_rows<T: DeserializeOwned>(
    request: Result<IdbRequest, JsValue>,
) -> Result<Vec<T>, StoreError> {
    let rows = Array::from(&result(request).await?);
    Ok(rows.iter().filter_map(|row| from_js(&row).ok()).collect())
}

/// Waits for a request's answer, which is read as a row, if there is one.
pub(crate) async fn row<T: DeserializeOwned>(
    request: Result<IdbRequest, JsValue>,
) -> Result<Option<T>, StoreError> {
    let value = result(request).await?;
    if value.is_undefined() {
        return Ok(None);
    }
    from_js(&value).map(Some)
}

/// Waits for a request's answer, which is a number.
pub(crate) async fn number(request: Result<IdbRequest, JsValue>) -> Result<u64, StoreError> {
    let value = result(request).await?;
    Ok(value.as_f64().map_or(0, |number| number as u64))
}

/// Looks whether a request could be made; how it comes out, the transaction tells.
pub(crate) fn made(request: Result<IdbRequest, JsValue>) -> Result<(), StoreError> {
    request.map(drop).map_err(|error| failure(&error))
}

/// A row as a browser keeps it. By JSON: two crossings of the border for any number of fields.
pub(crate) fn to_js<T: Serialize>(row: &T) -> Result<JsValue, StoreError> {
    let text = serde_json::to_string(row).map_err(|error| StoreError::Device(error.to_string()))?;
    JSON::parse(&text).map_err(|error| failure(&error))
}

fn from_js<T: DeserializeOwned>(value: &JsValue) -> Result<T, StoreError> {
    let text = JSON::stringify(value).map_err(|error| failure(&error))?;
    serde_json::from_str(&String::from(text)).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// A key, or a part of one.
pub(crate) fn numeric(number: u64) -> JsValue {
    JsValue::from_f64(number.min(GREATEST) as f64)
}

/// A key of several parts.
pub(crate) fn key<const N: usize>(parts: [JsValue; N]) -> JsValue {
    Array::from_iter(parts).into()
}

/// What comes behind all numbers and texts in the order of keys.
pub(crate) fn last() -> JsValue {
    Array::new().into()
}

/// All keys from one up to another, both included.
pub(crate) fn between(first: &JsValue, last: &JsValue) -> Result<JsValue, StoreError> {
    IdbKeyRange::bound(first, last)
        .map(Into::into)
        .map_err(|error| failure(&error))
}

/// What a request answers instead of a value.
pub(super) enum Answer {
    Error(DomException),
    Other(JsValue),
}

pub(super) async fn answer(request: &IdbRequest) -> Result<JsValue, Answer> {
    if request.ready_state() == IdbRequestReadyState::Pending {
        happened(request, &["success", "error"]).await;
    }
    match request.error() {
        Ok(Some(error)) => Err(Answer::Error(error)),
        Ok(None) => request.result().map_err(Answer::Other),
        Err(error) => Err(Answer::Other(error)),
    }
}

/// Waits for the first of some events.
pub(super) async fn happened(target: &EventTarget, events: &[&'static str]) {
    let heard = Rc::new(Notify::new());
    let _listeners: Vec<EventListener> = events
        .iter()
        .map(|event| {
            let heard = Rc::clone(&heard);
            EventListener::once(target, *event, move |_| heard.notify_one())
        })
        .collect();
    heard.notified().await;
}

/// What an exception means.
pub(super) fn failure(error: &JsValue) -> StoreError {
    match error.dyn_ref::<DomException>() {
        Some(error) => meaning(error),
        None => StoreError::Device(text(error)),
    }
}

pub(super) fn meaning(error: &DomException) -> StoreError {
    match error.name().as_str() {
        "QuotaExceededError" => StoreError::NoSpace,
        // The database was closed, because another page deletes it or makes a newer version of it.
        "InvalidStateError" => StoreError::Closed,
        // A row is there although it shouldn't be, or a store isn't.
        "ConstraintError" | "DataError" | "NotFoundError" => StoreError::Damaged(error.message()),
        _ => StoreError::Device(error.message()),
    }
}

pub(super) fn text(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => error.message().into(),
        None => error.as_string().unwrap_or_default(),
    }
}
