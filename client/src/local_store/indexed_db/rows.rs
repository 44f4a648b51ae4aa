//! What goes to the JavaScript and comes from it.

use js_sys::Uint8Array;
use kith_common::{EventKind, LogEvent, Mark, ProfileInfo};
use serde::{Deserialize, Serialize};
use wasm_bindgen::{JsCast as _, JsValue};

use crate::local_store::{Batch, Head, Item, ItemState, LogChange, NewItem, Source, StoreError};

/// A [`Batch`].
#[derive(Serialize)]
pub(super) struct BatchRows<'a> {
    logs: Vec<LogRows<'a>>,
    marks: &'a [Mark],
    profiles: &'a [ProfileInfo],
    since: Option<u64>,
}

/// A [`LogChange`].
#[derive(Serialize)]
struct LogRows<'a> {
    log: &'a str,
    before: Option<&'a Head>,
    after: &'a Head,
    events: Vec<EventRow<'a>>,
    erase: &'a [(u64, String)],
}

#[derive(Serialize)]
struct EventRow<'a> {
    number: u64,
    sender: &'a str,
    /// Whether it is a message or file.
    base: bool,
    erased: bool,
    /// The event as JSON: a browser would change numbers in its body.
    event: String,
    /// What it acts on.
    targets: &'a [u64],
}

/// An item of the outbox. What isn't in it yet has no place and no size.
#[derive(Serialize, Deserialize)]
pub(super) struct ItemRow {
    id: u64,
    lane: String,
    client_id: String,
    request: String,
    /// The size of the file in bytes, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    time: i64,
    /// Whether its file is uploaded.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    transfer: bool,
    state: ItemState,
}

impl<'a> BatchRows<'a> {
    pub(super) fn of(batch: &'a Batch) -> Result<Self, StoreError> {
        Ok(Self {
            logs: batch.logs.iter().map(LogRows::of).collect::<Result<_, _>>()?,
            marks: &batch.marks,
            profiles: &batch.profiles,
            since: batch.since,
        })
    }
}

impl<'a> LogRows<'a> {
    fn of(change: &'a LogChange) -> Result<Self, StoreError> {
        let events = change.events.iter();
        Ok(Self {
            log: &change.log,
            before: change.before.as_ref(),
            after: &change.after,
            events: events
                .map(|(event, targets)| EventRow::of(event, targets))
                .collect::<Result<_, _>>()?,
            erase: &change.erase,
        })
    }
}

impl<'a> EventRow<'a> {
    fn of(event: &'a LogEvent, targets: &'a [u64]) -> Result<Self, StoreError> {
        Ok(Self {
            number: event.number,
            sender: &event.sender,
            base: matches!(event.event, EventKind::Message | EventKind::File),
            erased: event.body.is_none(),
            event: serde_json::to_string(event).map_err(|error| StoreError::Device(error.to_string()))?,
            targets,
        })
    }
}

impl ItemRow {
    /// What is to be added, and the bytes of its file.
    pub(super) fn of(new: NewItem) -> (Self, JsValue) {
        let state = new.first_state();
        let transfer = new.source.is_some();
        let bytes = match (new.source, new.data) {
            (Some(Source::Blob(Some(blob))), _) => blob.into(),
            (_, Some(data)) => Uint8Array::from(data.as_slice()).into(),
            _ => JsValue::UNDEFINED,
        };
        let row = Self {
            id: 0,
            lane: new.lane,
            client_id: new.client_id,
            request: new.request,
            size: None,
            time: new.time,
            transfer,
            state,
        };
        (row, bytes)
    }

    /// An item, with the bytes of its file where it is to be whole.
    pub(super) fn into_item(self, bytes: JsValue) -> Item {
        let (data, source) = match self.transfer {
            true => (None, Some(Source::Blob(bytes.dyn_into().ok()))),
            false => (bytes.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec), None),
        };
        Item {
            id: self.id,
            new: NewItem {
                lane: self.lane,
                client_id: self.client_id,
                request: self.request,
                data,
                source,
                time: self.time,
            },
            size: self.size,
            state: self.state,
        }
    }
}
