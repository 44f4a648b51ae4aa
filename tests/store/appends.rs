use std::collections::{BTreeMap, HashMap};

use kith_common::EventKind;
use kith_server::store::{Append, ContactChange};
use tokio::task::JoinSet;

use crate::bed::Bed;
use crate::people::{code, inline, person};

pub(crate) async fn numbers_are_contiguous_under_many_writers(bed: &Bed) {
    const WRITERS: usize = 16;
    const EACH: usize = 40;
    let store = bed.open().await;
    let alice = person(&store, "alice").await;
    let mut conversations = Vec::new();
    for number in 0..5 {
        let other = person(&store, &format!("other{number}")).await;
        conversations.push((alice.with(&store, &other).await, other));
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (store, alice, conversations) = (store.store.clone(), alice.clone(), conversations.clone());
        writers.spawn(async move {
            let mut written = Vec::new();
            for message in 0..EACH {
                let (log, other) = &conversations[(writer + message) % conversations.len()];
                let sender = if writer % 2 == 0 { &alice } else { other };
                let text = format!("{writer}/{message}");
                let receipt = store.append_and_wait(sender.text(log, &text)).await.unwrap();
                assert_eq!((&receipt.conversation, receipt.replayed), (&log.public_id, false));
                written.push((log.id, receipt.number, text));
            }
            written
        });
    }
    let mut written: HashMap<_, BTreeMap<i64, String>> = HashMap::new();
    for (log, number, text) in writers.join_all().await.into_iter().flatten() {
        assert!(
            written.entry(log).or_default().insert(number, text).is_none(),
            "{number} was given twice"
        );
    }
    for (log, texts) in &written {
        assert!(
            texts.keys().copied().eq(1..=texts.len() as i64),
            "{log:?} has gaps"
        );
        let stored = store.events_after(*log, 0, u64::MAX >> 1).await.unwrap();
        assert!(
            stored
                .iter()
                .map(|event| (&event.number, event.body.as_deref().unwrap()))
                .eq(texts.iter().map(|(number, text)| (number, text.as_bytes())))
        );
        let observed = store.told(*log).await;
        assert!(
            observed
                .iter()
                .map(|event| &*event.body)
                .eq(texts.values().map(String::as_bytes))
        );
    }
    assert_eq!(written.values().map(BTreeMap::len).sum::<usize>(), WRITERS * EACH);
    store.close().await;
}

/// Batches of two processes touch the same rows in any order, and none of them fails for that.
pub(crate) async fn two_processes_share_the_numbers(bed: &Bed) {
    const LOGS: usize = 6;
    let (one, other) = (bed.open().await, bed.open().await);
    let alice = person(&one, "alice").await;
    let mut logs = Vec::new();
    for number in 0..LOGS {
        logs.push(
            alice
                .with(&one, &person(&one, &format!("other{number}")).await)
                .await,
        );
    }
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let store = if writer % 2 == 0 { &one } else { &other };
        let (store, alice, logs) = (store.store.clone(), alice.clone(), logs.clone());
        writers.spawn(async move {
            let mut numbers = Vec::new();
            for message in 0..30 {
                // Each key is used by two writers, one in each process.
                let key = format!("{}/{message}", writer / 2);
                let log = &logs[(message * (writer / 2 + 1)) % LOGS];
                let receipt = store.append_and_wait(alice.keyed_text(log, &key, &key)).await;
                numbers.push((log.id, receipt.unwrap().number));
                if message % 5 == 0 {
                    let author = alice.author();
                    let other = store.account_named("other1").await.unwrap();
                    store
                        .change_contact(author, other, ContactChange::Add)
                        .await
                        .unwrap();
                }
            }
            numbers
        });
    }
    let mut given: HashMap<_, Vec<i64>> = HashMap::new();
    for (log, number) in writers.join_all().await.into_iter().flatten() {
        given.entry(log).or_default().push(number);
    }
    for numbers in given.values_mut() {
        numbers.sort_unstable();
        let twice_each = (1..=numbers.len() as i64 / 2).flat_map(|number| [number, number]);
        assert!(numbers.iter().copied().eq(twice_each), "{numbers:?}");
    }
    one.close().await;
    other.close().await;
}

pub(crate) async fn only_members_write(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let mallory = person(&store, "mallory").await;
    let log = alice.with(&store, &bob).await;
    assert_eq!(
        code(store.append_and_wait(mallory.text(&log, "hi")).await),
        "NotFound"
    );
    // Nor may anybody write into an account's log, be it their own.
    assert_eq!(
        code(store.append_and_wait(alice.text(&alice.account.log, "hi")).await),
        "NotFound"
    );
    assert!(store.events_after(log.id, 0, 10).await.unwrap().is_empty());
    assert!(store.told(log.id).await.is_empty());
    // What was refused took no number.
    assert_eq!(
        store
            .append_and_wait(alice.text(&log, "hi"))
            .await
            .unwrap()
            .number,
        1
    );
    let audience = &store.told(log.id).await[0].audience;
    let mut readers: Vec<_> = audience
        .iter()
        .map(|reader| (reader.account, &*reader.username))
        .collect();
    readers.sort_unstable();
    assert_eq!(readers, [(alice.account.id, "alice"), (bob.account.id, "bob")]);
    store.close().await;
}

/// What the session knows of its account is old: the transaction looks for itself.
pub(crate) async fn who_is_switched_off_does_not_write(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    let admin = bed.open().await;
    admin.set_enabled("alice", false).await.unwrap();
    assert_eq!(
        code(store.append_and_wait(alice.text(&log, "hi")).await),
        "Inactive"
    );
    // One can write to somebody who is switched off: it may not be for ever.
    store.append_and_wait(bob.text(&log, "hi")).await.unwrap();
    admin.set_enabled("alice", true).await.unwrap();
    store.append_and_wait(alice.text(&log, "hi")).await.unwrap();
    admin.close().await;
    store.close().await;
}

pub(crate) async fn expect_lets_one_of_many_through(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    let expecting = |number| Append {
        expect: Some(number),
        ..alice.text(&log, "commit")
    };
    for wrong in [2, 0, -1, i64::MAX] {
        assert_eq!(
            code(store.append_and_wait(expecting(wrong)).await),
            "ExpectFailed"
        );
    }
    for round in 1..=3 {
        let mut tries = JoinSet::new();
        for _ in 0..10 {
            let (store, append) = (store.store.clone(), expecting(round));
            tries.spawn(async move { store.append_and_wait(append).await });
        }
        let (made, refused): (Vec<_>, Vec<_>) = tries.join_all().await.into_iter().partition(Result::is_ok);
        assert_eq!(made.len(), 1);
        assert_eq!(made[0].as_ref().unwrap().number, round);
        assert!(refused.into_iter().all(|result| code(result) == "ExpectFailed"));
    }
    store.told(log.id).await;
    store.close().await;
}

pub(crate) async fn files_are_announced_to_members(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let mallory = person(&store, "mallory").await;
    let log = alice.with(&store, &bob).await;
    let file = |id: &str| Append {
        kind: EventKind::File,
        blob: Some(inline(id, 3)),
        ..alice.keyed_text(&log, "a file", "key")
    };
    let receipt = store.append_and_wait(file("one")).await.unwrap();
    assert_eq!(
        (receipt.blob.as_deref(), receipt.hash),
        (Some("one"), Some([1; 32]))
    );
    // Sent again, the bytes lie on disk once more, and the answer says that they aren't needed.
    let again = store.append_and_wait(file("two")).await.unwrap();
    assert_eq!(
        (again.blob.as_deref(), again.hash, again.number, again.replayed),
        (Some("one"), Some([1; 32]), 1, true)
    );
    for reader in [&alice, &bob] {
        assert_eq!(
            &*store.announced_blob(reader.account.id, "one").await.unwrap(),
            b"a file"
        );
    }
    assert_eq!(
        code(store.announced_blob(mallory.account.id, "one").await),
        "NotFound"
    );
    assert_eq!(
        code(store.announced_blob(alice.account.id, "two").await),
        "NotFound"
    );
    assert_eq!(
        store
            .known_blobs(&["two".to_owned(), "one".to_owned()])
            .await
            .unwrap(),
        ["one"]
    );
    store.close().await;
}
