//! The copy.

use kith_client::local_store::{Batch, LocalStore, LogChange, Range, StoreError};
use kith_common::{EventKind, Mark, ProfileInfo};
use serde_json::json;

use super::{event, growth, head, message, numbers, one, query};

/// What was committed is there, to the letter.
pub(crate) async fn what_was_committed_is_read(store: &dyn LocalStore) {
    let empty = store.load().await.unwrap();
    assert!(empty.heads.is_empty() && empty.marks.is_empty() && empty.since == 0);
    // Numbers in a body are anybody's: as a text, they come back as they were.
    let body = json!({"content": "\u{0}\u{2028}\"\u{1f600}", "n": 9_007_199_254_740_993_u64, "x": 1.0});
    let odd = event(4, EventKind::Message, "bob", &body);
    let erased = event(5, EventKind::Message, "alice", &serde_json::Value::Null);
    let mut change = growth(None, vec![(odd.clone(), vec![]), (erased.clone(), vec![])]);
    change.after.members = vec!["alice".to_owned(), "bob".to_owned(), String::new()];
    let after = change.after.clone();
    let mark = Mark {
        conversation: "chat".to_owned(),
        username: "bob".to_owned(),
        delivered: 5,
        read: 4,
    };
    let person = ProfileInfo {
        username: "bob".to_owned(),
        display_name: "Bob \u{1f600}".to_owned(),
        about: String::new(),
        avatar: None,
    };
    let batch = Batch {
        logs: vec![change],
        marks: vec![mark.clone()],
        profiles: vec![person.clone()],
        since: Some(77),
    };
    store.commit(batch).await.unwrap();
    let loaded = store.load().await.unwrap();
    assert_eq!(loaded.heads, [("chat".to_owned(), after)]);
    assert_eq!(loaded.marks, [mark]);
    assert_eq!(loaded.profiles, [person]);
    assert_eq!(loaded.since, 77);
    let events = store.events(query(Range::After(0), false, 10)).await.unwrap();
    let written = |event: &kith_common::LogEvent| serde_json::to_string(event).unwrap();
    assert_eq!(
        events.iter().map(written).collect::<Vec<_>>(),
        [&odd, &erased].map(written)
    );
}

/// A commit that builds on a head that isn't there any more changes nothing of anything.
pub(crate) async fn a_commit_is_a_compare_and_set(store: &dyn LocalStore) {
    let first = growth(None, vec![(message(1, "bob"), vec![])]);
    store.commit(one(first.clone())).await.unwrap();
    assert_eq!(store.commit(one(first)).await.unwrap_err(), StoreError::Changed);
    let mut other = growth(None, vec![(message(1, "bob"), vec![])]);
    other.log = "other".to_owned();
    let stale = growth(Some(head(1, 2)), vec![(message(3, "bob"), vec![])]);
    let batch = Batch {
        logs: vec![other, stale],
        since: Some(5),
        ..Batch::default()
    };
    assert_eq!(store.commit(batch).await.unwrap_err(), StoreError::Changed);
    let loaded = store.load().await.unwrap();
    assert_eq!((loaded.heads.len(), loaded.since), (1, 0));
    let events = store.events(query(Range::After(0), false, 10)).await.unwrap();
    assert_eq!(numbers(&events), [1]);
    let next = growth(Some(head(1, 1)), vec![(message(2, "bob"), vec![])]);
    store.commit(one(next)).await.unwrap();
}

/// An event that is there although the heads say that it isn't means that the copy is damaged.
pub(crate) async fn an_event_that_is_there_twice_is_damage(store: &dyn LocalStore) {
    store
        .commit(one(growth(None, vec![(message(1, "bob"), vec![])])))
        .await
        .unwrap();
    let twice = growth(Some(head(1, 1)), vec![(message(1, "bob"), vec![])]);
    let error = store.commit(one(twice)).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    store.rebuild().await.unwrap();
    assert!(store.load().await.unwrap().heads.is_empty());
    let events = store.events(query(Range::After(0), false, 10)).await.unwrap();
    assert!(events.is_empty());
}

/// Pages come in order from both ends, with and without what isn't a message, up to the limit.
pub(crate) async fn pages_are_cut_where_they_should_be(store: &dyn LocalStore) {
    let react = |number| event(number, EventKind::Reaction, "bob", &json!({"target": 2}));
    let events = (1..=40).map(|number| match number {
        // A long stretch without a message in the middle.
        5..=30 => (react(number), vec![2]),
        _ => (message(number, "bob"), vec![]),
    });
    store.commit(one(growth(None, events.collect()))).await.unwrap();
    let mut elsewhere = growth(None, vec![(message(41, "bob"), vec![])]);
    elsewhere.log = "chau".to_owned();
    store.commit(one(elsewhere)).await.unwrap();

    let page =
        async |range, base_only, limit| numbers(&store.events(query(range, base_only, limit)).await.unwrap());
    let newest = Range::Before(u64::MAX - 1);
    assert_eq!(page(newest, false, 3).await, [38, 39, 40]);
    assert_eq!(page(newest, true, 3).await, [38, 39, 40]);
    assert_eq!(page(Range::Before(40), false, 2).await, [38, 39]);
    assert_eq!(page(Range::Before(33), true, 5).await, [2, 3, 4, 31, 32]);
    assert_eq!(page(Range::Before(33), true, 50).await, [1, 2, 3, 4, 31, 32]);
    assert_eq!(page(Range::Before(31), true, 1).await, [4]);
    assert_eq!(page(Range::Before(1), false, 5).await, [0_u64; 0]);
    assert_eq!(page(Range::Before(0), true, 5).await, [0_u64; 0]);
    assert_eq!(page(Range::After(0), false, 3).await, [1, 2, 3]);
    assert_eq!(page(Range::After(3), true, 3).await, [4, 31, 32]);
    assert_eq!(page(Range::After(39), false, 3).await, [40]);
    assert_eq!(page(Range::After(40), false, 3).await, [0_u64; 0]);
    assert_eq!(page(Range::After(u64::MAX - 1), true, 3).await, [0_u64; 0]);
}

/// What acts on a page's events comes in the order in which it happened.
pub(crate) async fn effects_come_in_their_order(store: &dyn LocalStore) {
    let edit = |number, target: u64| event(number, EventKind::Edit, "bob", &json!({"target": target}));
    let delete = event(9, EventKind::Delete, "bob", &json!({"targets": [1, 3]}));
    let events = vec![
        (message(1, "bob"), vec![]),
        (message(2, "bob"), vec![]),
        (message(3, "bob"), vec![]),
        (edit(4, 3), vec![3]),
        (edit(5, 1), vec![1]),
        (edit(6, 2), vec![2]),
        (edit(7, 1), vec![1]),
        (edit(8, 0), vec![]),
        (delete, vec![1, 3, 3]),
    ];
    store.commit(one(growth(None, events))).await.unwrap();
    let effects = async |targets| {
        let effects = store.effects("chat".to_owned(), targets).await.unwrap();
        effects
            .iter()
            .map(|(target, event)| (*target, event.number))
            .collect::<Vec<_>>()
    };
    assert_eq!(effects((1, 1)).await, [(1, 5), (1, 7), (1, 9)]);
    assert_eq!(effects((2, 3)).await, [(3, 4), (2, 6), (3, 9)]);
    assert_eq!(effects((4, 99)).await, []);
    assert_eq!(effects((3, 2)).await, []);
}

/// What is erased loses its body wherever it is read from, and only if it is by whom it should be.
pub(crate) async fn what_is_erased_is_gone(store: &dyn LocalStore) {
    let edit = event(
        3,
        EventKind::Edit,
        "bob",
        &json!({"target": 1, "content": "secret"}),
    );
    let events = vec![
        (message(1, "bob"), vec![]),
        (message(2, "alice"), vec![]),
        (edit, vec![1]),
    ];
    store.commit(one(growth(None, events))).await.unwrap();
    let delete = event(4, EventKind::Delete, "bob", &json!({"targets": [1, 2, 3]}));
    let mut change = growth(Some(head(1, 3)), vec![(delete, vec![1, 2, 3])]);
    change.erase = [1, 2, 3, 99].map(|number| (number, "bob".to_owned())).into();
    store.commit(one(change)).await.unwrap();
    let events = store.events(query(Range::After(0), false, 10)).await.unwrap();
    let whole: Vec<bool> = events.iter().map(|event| event.body.is_some()).collect();
    assert_eq!(whole, [false, true, false, true], "Alice's isn't Bob's to erase");
    let effects = store.effects("chat".to_owned(), (1, 1)).await.unwrap();
    let whole: Vec<bool> = effects.iter().map(|(_, event)| event.body.is_some()).collect();
    assert_eq!(whole, [false, true]);
}

/// Unread are messages and files of others that weren't erased.
pub(crate) async fn unread_ones_are_counted(store: &dyn LocalStore) {
    let unread = async |above, me: &str| {
        store
            .unread("chat".to_owned(), above, me.to_owned())
            .await
            .unwrap()
    };
    assert_eq!(unread(0, "alice").await, 0);
    let events = vec![
        (message(1, "bob"), vec![]),
        (message(2, "alice"), vec![]),
        (event(3, EventKind::File, "bob", &json!({"file": "f"})), vec![]),
        (
            event(4, EventKind::Reaction, "bob", &json!({"target": 2})),
            vec![2],
        ),
        (
            event(5, EventKind::Message, "bob", &serde_json::Value::Null),
            vec![],
        ),
        (message(6, "bob"), vec![]),
        (
            event(7, EventKind::Message, "alice", &serde_json::Value::Null),
            vec![],
        ),
    ];
    store.commit(one(growth(None, events))).await.unwrap();
    assert_eq!(unread(0, "alice").await, 3);
    assert_eq!(unread(1, "alice").await, 2);
    assert_eq!(unread(3, "alice").await, 1);
    assert_eq!(unread(6, "alice").await, 0);
    assert_eq!(unread(0, "bob").await, 1);
    assert_eq!(unread(u64::MAX - 1, "bob").await, 0);
    let mut change = growth(
        Some(head(1, 7)),
        vec![(event(8, EventKind::Delete, "bob", &json!({})), vec![6])],
    );
    change.erase = vec![(6, "bob".to_owned())];
    store.commit(one(change)).await.unwrap();
    assert_eq!(unread(0, "alice").await, 2);
}

/// What lies before a log's new beginning is forgotten, and what is put in front of it is found.
pub(crate) async fn a_log_grows_and_shrinks_at_its_beginning(store: &dyn LocalStore) {
    let edit = event(12, EventKind::Edit, "bob", &json!({"target": 10}));
    let events = vec![
        (message(10, "bob"), vec![]),
        (message(11, "bob"), vec![]),
        (edit, vec![10]),
        (message(13, "bob"), vec![]),
    ];
    store.commit(one(growth(None, events))).await.unwrap();
    let older = LogChange {
        log: "chat".to_owned(),
        before: Some(head(10, 13)),
        after: head(8, 13),
        events: vec![(message(8, "bob"), vec![]), (message(9, "bob"), vec![])],
        erase: Vec::new(),
    };
    store.commit(one(older)).await.unwrap();
    let all = query(Range::After(0), false, 100);
    assert_eq!(
        numbers(&store.events(all.clone()).await.unwrap()),
        [8, 9, 10, 11, 12, 13]
    );
    let shorter = LogChange {
        log: "chat".to_owned(),
        before: Some(head(8, 13)),
        after: head(13, 13),
        events: Vec::new(),
        erase: Vec::new(),
    };
    store.commit(one(shorter)).await.unwrap();
    assert_eq!(numbers(&store.events(all).await.unwrap()), [13]);
    let effects = store.effects("chat".to_owned(), (1, 99)).await.unwrap();
    assert!(effects.is_empty());
    let unread = store.unread("chat".to_owned(), 0, "alice".to_owned()).await;
    assert_eq!(unread.unwrap(), 1);
}

/// Marks never go back, whoever writes them; profiles and `since` are as they were written last.
pub(crate) async fn marks_never_go_back(store: &dyn LocalStore) {
    let mark = |delivered, read| Mark {
        conversation: "chat".to_owned(),
        username: "bob".to_owned(),
        delivered,
        read,
    };
    let person = |name: &str, avatar: Option<&str>| ProfileInfo {
        username: "bob".to_owned(),
        display_name: name.to_owned(),
        about: "b".to_owned(),
        avatar: avatar.map(str::to_owned),
    };
    for (marks, person, since) in [
        ([mark(5, 2)], person("one", Some("hash")), 9),
        ([mark(4, 3)], person("two", None), 8),
    ] {
        let batch = Batch {
            marks: marks.into(),
            profiles: vec![person],
            since: Some(since),
            ..Batch::default()
        };
        store.commit(batch).await.unwrap();
    }
    let loaded = store.load().await.unwrap();
    assert_eq!(loaded.marks, [mark(5, 3)]);
    assert_eq!(loaded.profiles, [person("two", None)]);
    assert_eq!(loaded.since, 8);
}
