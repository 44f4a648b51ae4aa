use kith_server::store::{Append, ContactChange, Receipt};

use crate::bed::Bed;
use crate::people::{code, in_one_batch, person};

fn repeat_of(first: &Receipt) -> Receipt {
    Receipt {
        replayed: true,
        ..first.clone()
    }
}

pub(crate) async fn a_repeat_gets_the_first_answer(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    let first = store
        .append_and_wait(alice.keyed_text(&log, "hi", "1"))
        .await
        .unwrap();
    assert!(!first.replayed);
    bed.clock.advance(5000);
    store
        .append_and_wait(alice.keyed_text(&log, "and then", "2"))
        .await
        .unwrap();
    let again = store
        .append_and_wait(alice.keyed_text(&log, "hi", "1"))
        .await
        .unwrap();
    assert_eq!(again, repeat_of(&first));
    assert_eq!(store.events_after(log.id, 0, 10).await.unwrap().len(), 2);
    assert_eq!(store.told(log.id).await.len(), 2);
    store.close().await;
}

pub(crate) async fn a_repeat_after_a_reopening(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    let first = store
        .append_and_wait(alice.keyed_text(&log, "hi", "1"))
        .await
        .unwrap();
    store.close().await;
    bed.clock.advance(5000);
    let store = bed.open().await;
    let again = store
        .append_and_wait(alice.keyed_text(&log, "hi", "1"))
        .await
        .unwrap();
    assert_eq!(again, repeat_of(&first));
    assert_eq!(
        store
            .append_and_wait(alice.keyed_text(&log, "ho", "2"))
            .await
            .unwrap()
            .number,
        2
    );
    store.close().await;
}

pub(crate) async fn repeats_in_one_batch(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let carol = person(&store, "carol").await;
    let (log, other) = (alice.with(&store, &bob).await, alice.with(&store, &carol).await);
    let hi = || alice.keyed_text(&log, "hi", "1");
    let items = vec![
        hi(),
        hi(),
        alice.keyed_text(&log, "other words", "1"),
        // The same words to somebody else are not the same.
        alice.keyed_text(&other, "hi", "1"),
        hi(),
        alice.text(&log, "no key"),
    ];
    let mut results = in_one_batch(&store, bob.text(&log, "first"), items).await;
    let receipt = results[0].clone().unwrap();
    assert_eq!((receipt.number, receipt.replayed), (2, false));
    for index in [1, 4] {
        assert_eq!(results[index].as_ref().unwrap(), &repeat_of(&receipt));
    }
    assert_eq!(results[5].as_ref().unwrap().number, 3);
    assert_eq!(code(results.remove(3)), "ClientIdReused");
    assert_eq!(code(results.remove(2)), "ClientIdReused");
    assert_eq!(store.told(log.id).await.len(), 3);
    assert!(store.told(other.id).await.is_empty());
    store.close().await;
}

/// The first took effect, so its `expect` can't hold any more; it is a repeat all the same.
pub(crate) async fn a_repeat_with_expect(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    let expecting = |number, id: &str| Append {
        expect: Some(number),
        ..alice.keyed_text(&log, id, id)
    };
    let first = store.append_and_wait(expecting(1, "a")).await.unwrap();
    assert_eq!(
        store.append_and_wait(expecting(1, "a")).await.unwrap(),
        repeat_of(&first)
    );
    // One that failed has used nothing up, not even within a batch.
    let items = vec![
        expecting(9, "b"),
        expecting(3, "b"),
        expecting(3, "b"),
        expecting(1, "a"),
        expecting(4, "c"),
    ];
    let mut results = in_one_batch(&store, bob.text(&log, "first"), items).await;
    let numbers: Vec<_> = results[1..]
        .iter()
        .map(|result| {
            result
                .as_ref()
                .map(|receipt| (receipt.number, receipt.replayed))
                .unwrap()
        })
        .collect();
    assert_eq!(numbers, [(3, false), (3, true), (1, true), (4, false)]);
    assert_eq!(code(results.remove(0)), "ExpectFailed");
    store.told_in_order().await;
    store.close().await;
}

/// It was stored, but the answer was lost on its way; in between the receiver has blocked the sender.
pub(crate) async fn a_repeat_after_a_block(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    let first = store
        .append_and_wait(alice.keyed_text(&log, "hi", "1"))
        .await
        .unwrap();
    store
        .change_contact(bob.author(), alice.account.clone(), ContactChange::Block)
        .await
        .unwrap();
    assert_eq!(
        store
            .append_and_wait(alice.keyed_text(&log, "hi", "1"))
            .await
            .unwrap(),
        repeat_of(&first)
    );
    assert_eq!(
        code(store.append_and_wait(alice.keyed_text(&log, "ho", "1")).await),
        "BlockedByOther"
    );
    assert_eq!(
        code(store.append_and_wait(alice.keyed_text(&log, "ho", "2")).await),
        "BlockedByOther"
    );
    store.set_enabled("alice", false).await.unwrap();
    assert_eq!(
        code(store.append_and_wait(alice.keyed_text(&log, "hi", "1")).await),
        "Inactive"
    );
    store.close().await;
}

pub(crate) async fn another_use_is_refused(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let carol = person(&store, "carol").await;
    let (log, other) = (alice.with(&store, &bob).await, alice.with(&store, &carol).await);
    store
        .append_and_wait(alice.keyed_text(&log, "hi", "1"))
        .await
        .unwrap();
    assert_eq!(
        code(store.append_and_wait(alice.keyed_text(&log, "ho", "1")).await),
        "ClientIdReused"
    );
    assert_eq!(
        code(store.append_and_wait(alice.keyed_text(&other, "hi", "1")).await),
        "ClientIdReused"
    );
    // A key is one for everything that an account writes.
    let add = async |author| {
        store
            .change_contact(author, bob.account.clone(), ContactChange::Add)
            .await
    };
    assert_eq!(code(add(alice.keyed("1", "add bob")).await), "ClientIdReused");
    add(alice.keyed("2", "add bob")).await.unwrap();
    assert_eq!(
        code(store.append_and_wait(alice.keyed_text(&log, "hi", "2")).await),
        "ClientIdReused"
    );
    store.close().await;
}

pub(crate) async fn everybody_has_keys_of_their_own(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    assert_eq!(
        store
            .append_and_wait(alice.keyed_text(&log, "hi", "1"))
            .await
            .unwrap()
            .number,
        1
    );
    assert_eq!(
        store
            .append_and_wait(bob.keyed_text(&log, "ho", "1"))
            .await
            .unwrap()
            .number,
        2
    );
    store.close().await;
}
