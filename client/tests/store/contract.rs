//! The contract, each part as a story about an empty store.

mod copy;
mod long;
mod outbox;

use kith_client::local_store::{Batch, Head, LogChange, NewItem, Query, Range};
use kith_common::{DeviceId, EventKind, LogEvent};
use serde_json::json;
use serde_json::value::to_raw_value;

pub(crate) use copy::*;
pub(crate) use long::*;
pub(crate) use outbox::*;

/// Calls a macro with the names of all stories, which makes a test of each.
macro_rules! stories {
    ($test:ident) => {
        $test! {
            what_was_committed_is_read
            a_commit_is_a_compare_and_set
            an_event_that_is_there_twice_is_damage
            pages_are_cut_where_they_should_be
            effects_come_in_their_order
            what_is_erased_is_gone
            unread_ones_are_counted
            a_log_grows_and_shrinks_at_its_beginning
            marks_never_go_back
            items_wait_in_order
            items_come_further
            transfers_have_a_list_of_their_own
            a_long_lane_hides_no_other
            wanted_reads_grow_until_they_are_told
            a_new_copy_keeps_the_outbox_and_a_wipe_nothing
        }
    };
}
pub(crate) use stories;

/// An event of the conversation `chat`.
pub(crate) fn event(number: u64, kind: EventKind, sender: &str, body: &serde_json::Value) -> LogEvent {
    LogEvent {
        event: kind,
        conversation: "chat".to_owned(),
        number,
        sender: sender.to_owned(),
        device: DeviceId(7),
        time: 1_700_000_000_000 + i64::try_from(number).unwrap(),
        client_id: Some(format!("key {number}")),
        body: (!body.is_null()).then(|| to_raw_value(body).unwrap()),
    }
}

/// A message of the conversation `chat`.
pub(crate) fn message(number: u64, sender: &str) -> LogEvent {
    event(
        number,
        EventKind::Message,
        sender,
        &json!({"content": format!("text {number}")}),
    )
}

pub(crate) fn head(oldest: u64, newest: u64) -> Head {
    Head {
        members: vec!["alice".to_owned(), "bob".to_owned()],
        first: 1,
        oldest,
        newest,
    }
}

/// Events behind what is held of `chat`, and what each acts on.
pub(crate) fn growth(before: Option<Head>, events: Vec<(LogEvent, Vec<u64>)>) -> LogChange {
    let oldest = before
        .as_ref()
        .map_or_else(|| events[0].0.number, |head| head.oldest);
    let newest = events.last().unwrap().0.number;
    LogChange {
        log: "chat".to_owned(),
        before,
        after: head(oldest, newest),
        events,
        erase: Vec::new(),
    }
}

pub(crate) fn one(change: LogChange) -> Batch {
    Batch {
        logs: vec![change],
        ..Batch::default()
    }
}

pub(crate) fn query(range: Range, base_only: bool, limit: u32) -> Query {
    Query {
        log: "chat".to_owned(),
        range,
        base_only,
        limit,
    }
}

pub(crate) fn numbers(events: &[LogEvent]) -> Vec<u64> {
    events.iter().map(|event| event.number).collect()
}

/// Something to be sent.
pub(crate) fn item(lane: &str, key: &str) -> NewItem {
    NewItem {
        lane: lane.to_owned(),
        client_id: key.to_owned(),
        request: format!("{{\"action\":\"message\",\"content\":\"{key} \u{1f600}\"}}"),
        data: None,
        source: None,
        time: -5,
    }
}
