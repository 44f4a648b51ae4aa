use kith_common::DeviceId;
use kith_server::store::{Append, ContactChange};

use crate::bed::Bed;
use crate::people::{code, in_one_batch, person};
pub(crate) use crate::reference::behaves_as_if_one_after_the_other;

pub(crate) async fn bad_items_fail_alone(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let (carol, mallory) = (person(&store, "carol").await, person(&store, "mallory").await);
    let (log, blocked) = (alice.with(&store, &bob).await, mallory.with(&store, &carol).await);
    store
        .append_and_wait(alice.keyed_text(&log, "earlier", "earlier"))
        .await
        .unwrap();
    store
        .change_contact(carol.author(), mallory.account.clone(), ContactChange::Block)
        .await
        .unwrap();
    let off = person(&store, "off").await;
    let offs = off.with(&store, &bob).await;
    store.set_enabled("off", false).await.unwrap();

    let mut items = Vec::new();
    for number in 0..200 {
        items.push(alice.keyed_text(&log, &format!("good {number}"), &format!("good {number}")));
        items.push(match number % 8 {
            0 => mallory.text(&blocked, "blocked"),
            1 => carol.text(&blocked, "blocked by oneself"),
            2 => mallory.text(&log, "not a member"),
            3 => off.text(&offs, "switched off"),
            4 => alice.keyed_text(&log, "reused", "earlier"),
            5 => alice.keyed_text(&log, "reused in the batch", &format!("good {number}")),
            6 => Append {
                expect: Some(1),
                ..bob.text(&log, "too late")
            },
            _ => alice.keyed_text(&log, "earlier", "earlier"),
        });
    }
    let mut results = in_one_batch(&store, bob.text(&log, "first"), items)
        .await
        .into_iter();
    for number in 0..200 {
        assert_eq!(results.next().unwrap().unwrap().number, 3 + number);
        let bad = results.next().unwrap();
        if number % 8 == 7 {
            assert_eq!(
                bad.map(|receipt| (receipt.number, receipt.replayed)).unwrap(),
                (1, true)
            );
            continue;
        }
        let codes = [
            "BlockedByOther",
            "BlockedBySelf",
            "NotFound",
            "Inactive",
            "ClientIdReused",
            "ClientIdReused",
            "ExpectFailed",
        ];
        assert_eq!(code(bad), codes[number as usize % 8]);
    }
    let texts = store.told(log.id).await;
    assert!(
        texts[2..]
            .iter()
            .map(|event| event.body.clone())
            .eq((0..200).map(|number| format!("good {number}").into_bytes()))
    );
    assert_eq!(store.events_after(log.id, 0, 1000).await.unwrap().len(), 202);
    store.close().await;
}

/// Nothing that a client sends makes such a row; one that came in by a mistake of ours must not take its neighbours along.
pub(crate) async fn a_row_that_offends_a_constraint_fails_alone(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    let offends = |id: &str| Append {
        device: DeviceId(4711),
        ..alice.keyed_text(&log, id, id)
    };
    store
        .append_and_wait(alice.keyed_text(&log, "a", "a"))
        .await
        .unwrap();
    let items = vec![
        alice.keyed_text(&log, "b", "b"),
        offends("c"),
        alice.keyed_text(&log, "a", "a"),
        alice.keyed_text(&log, "b", "b"),
        alice.keyed_text(&log, "other", "a"),
        Append {
            expect: Some(4),
            ..bob.text(&log, "d")
        },
        offends("e"),
        bob.text(&log, "f"),
    ];
    let results = in_one_batch(&store, bob.text(&log, "first"), items).await;
    let outcome: Vec<_> = results
        .into_iter()
        .map(|result| match result {
            Ok(receipt) => Ok((receipt.number, receipt.replayed)),
            error => Err(code(error)),
        })
        .collect();
    let expected = [
        Ok((3, false)),
        Err("Database"),
        Ok((1, true)),
        Ok((3, true)),
        Err("ClientIdReused"),
        Ok((4, false)),
        Err("Database"),
        Ok((5, false)),
    ];
    assert_eq!(outcome, expected);
    assert_eq!(store.told(log.id).await.len(), 5);
    // What failed has used up no key.
    store
        .append_and_wait(alice.keyed_text(&log, "c", "c"))
        .await
        .unwrap();
    store.close().await;
}
