//! HTTP of a browser: `XMLHttpRequest`, which alone of what browsers have sends a part of a file without reading it into the page, and
//! tells how much has left.

use core::pin::Pin;
use std::rc::Rc;

use gloo_events::EventListener;
use tokio::sync::Notify;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Blob, EventTarget, ProgressEvent, XmlHttpRequest};

use super::{HttpError, TUS, Way};
use crate::{Error, ServerAddress, Trust};

/// What is told of bytes that have left: how many of this request.
pub(crate) type Moved = Box<dyn FnMut(u64)>;

/// Where requests go. The browser verifies it.
pub(crate) struct Line(String);

impl Line {
    /// There is nothing to be done.
    pub(crate) async fn open(server: &ServerAddress, _trust: &Trust) -> Result<Self, Error> {
        Ok(Self(format!("https://{server}")))
    }

    /// How many bytes of an upload are there.
    pub(crate) async fn offset(&mut self, way: &Way) -> Result<u64, HttpError> {
        self.ask("HEAD", way, None).await
    }

    /// Sends bytes of an upload from an offset on. Returns how many are there.
    pub(crate) async fn send(
        &mut self,
        way: &Way,
        from: u64,
        bytes: &Blob,
        moved: Moved,
    ) -> Result<u64, HttpError> {
        self.ask("PATCH", way, Some((from, bytes, moved))).await
    }

    /// Gives an upload up.
    pub(crate) async fn delete(&mut self, way: &Way) -> Result<(), HttpError> {
        self.ask("DELETE", way, None).await.map(drop)
    }

    /// Asks, and returns how many bytes of the upload the server says are there.
    fn ask<'a>(
        &'a self,
        method: &'a str,
        way: &'a Way,
        body: Option<(u64, &'a Blob, Moved)>,
    ) -> Pin<Box<dyn Future<Output = Result<u64, HttpError>> + 'a>> {
        Box::pin(async move {
            let request = Request(XmlHttpRequest::new().map_err(|error| failed(&error))?);
            let raw = &request.0;
            let ended = Rc::new(Notify::new());
            let end = Rc::clone(&ended);
            let _ended = EventListener::once(raw, "loadend", move |_| end.notify_one());
            let _moved = begin(raw, method, &format!("{}{}", self.0, way.url), way, body)
                .map_err(|error| failed(&error))?;
            ended.notified().await;
            match raw.status().unwrap_or_default() {
                // Pages aren't told more.
                0 => Err(HttpError::lost("the browser doesn't say why")),
                200..300 => {
                    let offset = raw.get_response_header("Upload-Offset").ok().flatten();
                    Ok(offset.and_then(|offset| offset.parse().ok()).unwrap_or_default())
                }
                status => {
                    let said = raw.response_text().ok().flatten().unwrap_or_default();
                    Err(HttpError::of(status, said.as_bytes()))
                }
            }
        })
    }
}

fn begin(
    raw: &XmlHttpRequest,
    method: &str,
    url: &str,
    way: &Way,
    body: Option<(u64, &Blob, Moved)>,
) -> Result<Option<EventListener>, JsValue> {
    raw.open(method, url)?;
    raw.set_request_header("Authorization", &format!("Bearer {}", way.ticket))?;
    raw.set_request_header("Tus-Resumable", TUS)?;
    let Some((from, bytes, mut moved)) = body else {
        raw.send_with_opt_blob(None)?;
        return Ok(None);
    };
    raw.set_request_header("Upload-Offset", &from.to_string())?;
    raw.set_request_header("Content-Type", "application/offset+octet-stream")?;
    let upload: EventTarget = raw.upload()?.into();
    let listener = EventListener::new(&upload, "progress", move |event| {
        if let Some(event) = event.dyn_ref::<ProgressEvent>() {
            moved(event.loaded() as u64);
        }
    });
    raw.send_with_opt_blob(Some(bytes))?;
    Ok(Some(listener))
}

fn failed(error: &JsValue) -> HttpError {
    let reason = error.dyn_ref::<js_sys::Error>();
    let reason = reason.map_or_else(String::new, |error| error.message().into());
    HttpError::Line(Error::Local(reason))
}

/// A request that ends when nobody waits for it any more.
struct Request(XmlHttpRequest);

impl Drop for Request {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.abort();
    }
}
