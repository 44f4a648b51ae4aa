use std::collections::{BTreeMap, HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Content, Known, Written};
use crate::Server;

/// Compares what every member is given with what every writer was told.
pub(super) async fn everything(server: &Server, names: &[String], tokens: &[String], known: &[Known]) {
    let mut views: Vec<BTreeMap<String, Vec<Value>>> = Vec::new();
    for token in tokens {
        views.push(sync(server, token).await);
    }
    let all: Vec<&Written> = known.iter().flat_map(|known| &known.written).collect();
    let mut acknowledged: HashMap<(&str, u64), &Written> = HashMap::new();
    for write in &all {
        let twice = acknowledged.insert((&write.conversation, write.number), write);
        assert!(
            twice.is_none(),
            "one number for two writes: {write:?} and {twice:?}"
        );
    }
    for (me, view) in views.iter().enumerate() {
        for (log, events) in view {
            let numbers: Vec<u64> = events
                .iter()
                .map(|event| event["number"].as_u64().unwrap())
                .collect();
            let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
            assert_eq!(numbers, expected, "{}'s view of {log} has a gap", names[me]);
        }
    }
    for write in &all {
        for reader in [write.sender, write.receiver] {
            let log = views[reader]
                .get(&write.conversation)
                .unwrap_or_else(|| panic!("{write:?} is gone"));
            let event = &log[usize::try_from(write.number).unwrap() - 1];
            assert_eq!(
                event["sender"],
                names[write.sender].as_str(),
                "{write:?} is {event}"
            );
            match &write.content {
                Content::Text(text) => assert_eq!(event["body"]["content"], text.as_str(), "{event}"),
                Content::File { name, bytes, id } => {
                    assert_eq!(event["body"]["file"], id.as_str(), "{event}");
                    assert_eq!(event["body"]["file_name"], name.as_str(), "{event}");
                    assert_eq!(event["body"]["size"], bytes.len(), "{event}");
                }
            }
        }
    }
    for (view, known) in views.iter().zip(known) {
        events_are_stored(view, &known.events);
        in_order(&known.written);
    }
    nothing_twice(&views, all.len());
    files_are_whole(server, tokens, &all).await;
}

/// What a writer was told while it was connected is what stands in the log.
fn events_are_stored(view: &BTreeMap<String, Vec<Value>>, events: &[Value]) {
    for event in events {
        let log = &view[event["conversation"].as_str().unwrap()];
        let stored = &log[usize::try_from(event["number"].as_u64().unwrap()).unwrap() - 1];
        for field in ["event", "number", "sender", "device", "time", "body"] {
            assert_eq!(
                stored[field], event[field],
                "{event} was told, {stored} is stored"
            );
        }
    }
}

/// Everything that is stored was acknowledged in the end, and there is nothing besides.
fn nothing_twice(views: &[BTreeMap<String, Vec<Value>>], written: usize) {
    let mut stored = HashSet::new();
    for view in views {
        for event in view.values().flatten() {
            if matches!(event["event"].as_str(), Some("message" | "file")) {
                stored.insert((
                    event["conversation"].to_string(),
                    event["number"].as_u64().unwrap(),
                ));
            }
        }
    }
    assert_eq!(
        stored.len(),
        written,
        "something is stored that nobody was told of"
    );
}

/// What one writer wrote into one conversation stands there in the order in which it was written.
fn in_order(written: &[Written]) {
    let mut last: HashMap<&str, u64> = HashMap::new();
    for write in written {
        let before = last.insert(&write.conversation, write.number).unwrap_or_default();
        assert!(
            before < write.number,
            "{write:?} stands before what was written earlier"
        );
    }
}

async fn files_are_whole(server: &Server, tokens: &[String], all: &[&Written]) {
    let mut clients = Vec::new();
    for token in tokens {
        clients.push(server.native_resume(token).await);
    }
    for write in all {
        let Content::File { name, bytes, id } = &write.content else {
            continue;
        };
        let reply = clients[write.receiver]
            .ok(json!({"action": "file_get", "file": id}))
            .await;
        assert_eq!(reply["file_name"], name.as_str());
        let data = STANDARD.decode(reply["file_data"].as_str().unwrap()).unwrap();
        assert!(data == *bytes, "{name} is not what was sent");
    }
}

/// All events that an account may see, by log.
async fn sync(server: &Server, token: &str) -> BTreeMap<String, Vec<Value>> {
    let mut raw = server.native_resume(token).await;
    let mut logs: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    loop {
        let held: Map<String, Value> = logs
            .iter()
            .filter_map(|(log, events)| Some((log.clone(), events.last()?["number"].clone())))
            .collect();
        let reply = raw.ok(json!({"action": "sync", "logs": held})).await;
        for page in reply["logs"].as_array().unwrap() {
            let log = logs
                .entry(page["conversation"].as_str().unwrap().to_owned())
                .or_default();
            log.extend(page["events"].as_array().unwrap().iter().cloned());
        }
        if reply["more"] == false {
            return logs;
        }
    }
}
