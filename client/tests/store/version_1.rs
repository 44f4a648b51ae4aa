//! Databases that lie in people's browsers are read as they are, and written no other way.

use kith_client::local_store::indexed_db::IndexedDbStore;
use kith_client::local_store::{Batch, ItemChange, ItemState, LocalStore as _, Owner, Range};
use kith_common::{EventKind, LogEvent, Mark, ProfileInfo};
use serde_json::{Value, json};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::contract::{event, growth, head, item, numbers, query};
use crate::indexed_db::owner;

#[wasm_bindgen(module = "/tests/store/version_1.js")]
extern "C" {
    async fn write_version_1(name: &str);
    async fn read_rows(name: &str) -> wasm_bindgen::JsValue;
}

fn name(owner: &Owner) -> String {
    format!("kith {} {}", owner.server, owner.account)
}

async fn rows(owner: &Owner) -> Value {
    let rows = read_rows(&name(owner)).await.as_string().unwrap();
    serde_json::from_str(&rows).unwrap()
}

fn mark() -> Mark {
    Mark {
        conversation: "chat".to_owned(),
        username: "bob".to_owned(),
        delivered: 3,
        read: 2,
    }
}

fn person() -> ProfileInfo {
    ProfileInfo {
        username: "bob".to_owned(),
        display_name: "Bob".to_owned(),
        about: String::new(),
        avatar: Some("hash".to_owned()),
    }
}

fn sent() -> ItemState {
    ItemState::Sent {
        log: "chat".to_owned(),
        number: 3,
    }
}

/// The events that are in it.
fn events() -> [LogEvent; 3] {
    let body = json!({"content": "text 1", "n": 9_007_199_254_740_993_u64});
    let edit = json!({"target": 1, "content": "text 3"});
    [
        event(1, EventKind::Message, "bob", &body),
        event(2, EventKind::Message, "alice", &Value::Null),
        event(3, EventKind::Edit, "bob", &edit),
    ]
}

#[wasm_bindgen_test]
async fn a_database_of_version_1_is_read() {
    let owner = owner();
    write_version_1(&name(&owner)).await;
    let store = IndexedDbStore::open(&owner).await.unwrap();
    let loaded = store.load().await.unwrap();
    assert_eq!(loaded.heads, [("chat".to_owned(), head(1, 3))]);
    assert_eq!(
        (&*loaded.marks, &*loaded.profiles),
        (&[mark()][..], &[person()][..])
    );
    assert_eq!(loaded.since, 77);
    let found = store.events(query(Range::After(0), false, 10)).await.unwrap();
    let written = |event: &LogEvent| serde_json::to_string(event).unwrap();
    assert_eq!(
        found.iter().map(written).collect::<Vec<_>>(),
        events().each_ref().map(written)
    );
    let base = store.events(query(Range::Before(9), true, 10)).await.unwrap();
    assert_eq!(numbers(&base), [1, 2]);
    let effects = store.effects("chat".to_owned(), (1, 2)).await.unwrap();
    assert_eq!(
        effects
            .iter()
            .map(|(target, event)| (*target, event.number))
            .collect::<Vec<_>>(),
        [(1, 3)]
    );
    assert_eq!(
        store.unread("chat".to_owned(), 0, "alice".to_owned()).await,
        Ok(1)
    );
    assert_eq!(store.wanted_reads().await, Ok(vec![("chat".to_owned(), 2)]));

    // Item 3 is of a kind that nobody knows.
    let outbox = store.outbox().await.unwrap();
    let states: Vec<_> = outbox
        .iter()
        .map(|item| (item.id, item.size, &item.state))
        .collect();
    assert_eq!(states, [(4, Some(3), &ItemState::Waiting), (5, None, &sent())]);
    let next = store.next(Vec::new()).await.unwrap().unwrap();
    assert_eq!(
        (next.id, next.new.data, next.new.time),
        (4, Some(vec![0, 255, 7]), -5)
    );
    assert_eq!(store.add(item("bob", "d")).await, Ok(10));
    assert!(store.remove(4).await.unwrap());
    assert_eq!(store.next(Vec::new()).await.unwrap().unwrap().id, 10);
    let kept = rows(&owner).await;
    assert_eq!(kept["items"][0]["state"], "unheard-of");
}

#[wasm_bindgen_test]
async fn what_is_written_is_of_version_1() {
    let (old, new) = (owner(), owner());
    write_version_1(&name(&old)).await;
    let mut wanted = rows(&old).await;
    // Its places were given out before.
    let items = wanted["items"].as_array_mut().unwrap();
    items.remove(0);
    for (item, id) in items.iter_mut().zip(1..) {
        item["id"] = json!(id);
    }
    wanted["counter"] = json!([2]);

    let store = IndexedDbStore::open(&new).await.unwrap();
    let [first, _, edit] = events();
    // What is erased later lies there as what came erased.
    let text = event(2, EventKind::Message, "alice", &json!({"content": "text 2"}));
    let mut before = None;
    for (event, targets, erase) in [
        (first, vec![], None),
        (text, vec![], None),
        (edit, vec![1], Some((2, "alice".to_owned()))),
    ] {
        let number = event.number;
        let mut change = growth(before, vec![(event, targets)]);
        change.erase = erase.into_iter().collect();
        before = Some(change.after.clone());
        let batch = Batch {
            logs: vec![change],
            marks: vec![mark()],
            profiles: vec![person()],
            since: Some(74 + number),
        };
        store.commit(batch).await.unwrap();
    }
    for (key, time, data) in [("b", -5, Some(vec![0, 255, 7])), ("c", 2, None)] {
        let mut item = item("bob", key);
        (item.request, item.time, item.data) = ("{}".to_owned(), time, data);
        store.add(item).await.unwrap();
    }
    assert!(store.update(2, ItemChange::State(sent())).await.unwrap());
    store.want_read("chat".to_owned(), 2).await.unwrap();
    assert_eq!(rows(&new).await, wanted);
}
