//! Appends that are about earlier events, and erasing.

use kith_common::EventKind;
use kith_server::store::{Append, ContactChange, Target};

use crate::bed::Bed;
use crate::people::{code, in_one_batch, inline, key, person};

pub(crate) async fn what_an_append_is_about_has_to_fit(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let carol = person(&store, "carol").await;
    let log = alice.with(&store, &bob).await;
    let other = alice.with(&store, &carol).await;
    let of = |kind, who: &crate::people::Person| Append {
        kind,
        ..who.text(&log, "x")
    };
    store
        .append_and_wait(of(EventKind::Message, &alice))
        .await
        .unwrap();
    store.append_and_wait(of(EventKind::File, &alice)).await.unwrap();
    store.append_and_wait(of(EventKind::Message, &bob)).await.unwrap();
    store
        .append_and_wait(of(EventKind::Message, &alice))
        .await
        .unwrap();
    store.erase(alice.author(), log.clone(), vec![4]).await.unwrap();
    // 1 Alice's message, 2 her file, 3 Bob's message, 4 hers, erased, 5 the deletion.
    for _ in 0..3 {
        store
            .append_and_wait(alice.text(&other, "elsewhere"))
            .await
            .unwrap();
    }
    let outcome = async |target| {
        let kind = match target {
            Target::Answered(_) => EventKind::Message,
            Target::Edited(_) => EventKind::Edit,
            Target::ReactedTo(_) => EventKind::Reaction,
        };
        let append = Append {
            kind,
            target: Some(target),
            ..alice.text(&log, "about it")
        };
        match store.append_and_wait(append).await {
            Ok(_) => "ok",
            error => code(error),
        }
    };
    let expected = [
        ("ok", "ok", "ok"),
        ("ok", "TargetUnfit", "ok"),
        ("ok", "TargetForeign", "ok"),
        ("ok", "TargetErased", "TargetErased"),
        ("TargetMissing", "TargetUnfit", "TargetUnfit"),
    ];
    for (number, expected) in (1..).zip(expected) {
        let answered = outcome(Target::Answered(number)).await;
        let edited = outcome(Target::Edited(number)).await;
        let reacted = outcome(Target::ReactedTo(number)).await;
        assert_eq!((answered, edited, reacted), expected, "{number}");
    }
    for number in [0, -1, 1000, i64::MAX, i64::MIN] {
        assert_eq!(outcome(Target::Answered(number)).await, "TargetMissing");
        assert_eq!(outcome(Target::Edited(number)).await, "TargetMissing");
    }
    store.told(log.id).await;
    store.close().await;
}

/// Many answers in one transaction: looked up together, and each as if it had come alone.
pub(crate) async fn answers_in_one_batch(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let carol = person(&store, "carol").await;
    let logs = [alice.with(&store, &bob).await, alice.with(&store, &carol).await];
    let mut appends = Vec::new();
    let mut expected = Vec::new();
    let mut newest = [1, 0];
    for index in 0..600_usize {
        let log = index % 2;
        let next: i64 = newest[log] + 1;
        // Every third is about what comes only later; the others about something before, mostly of this very batch.
        let target = if index % 3 == 0 { next + 1 } else { next - 1 };
        let exists = (1..next).contains(&target);
        appends.push(Append {
            target: Some(Target::Answered(target)),
            ..alice.keyed_text(&logs[log], "answer", &format!("{index}"))
        });
        // Without a first message nothing can be answered there.
        expected.push(if exists { Ok(next) } else { Err("TargetMissing") });
        newest[log] += i64::from(exists);
    }
    let outcome = |results: Vec<Result<kith_server::store::Receipt, _>>| -> Vec<Result<i64, &str>> {
        let one = |result| match result {
            Ok(receipt) => Ok(kith_server::store::Receipt::clone(&receipt).number),
            error => Err(code(error)),
        };
        results.into_iter().map(one).collect()
    };
    let again: Vec<Append> = appends.iter().map(copy).collect();
    let results = in_one_batch(&store, alice.text(&logs[0], "first"), appends).await;
    assert_eq!(outcome(results), expected);
    // A repeat gets the first answer, though what it is about is erased meanwhile.
    let mine: Vec<i64> = (1..=100).collect();
    store.erase(alice.author(), logs[0].clone(), mine).await.unwrap();
    let results = in_one_batch(&store, alice.text(&logs[1], "something at last"), again).await;
    for (index, (result, expected)) in results.into_iter().zip(&expected).enumerate() {
        if expected.is_ok() {
            let receipt = result.unwrap();
            assert_eq!(
                (Ok(receipt.number), receipt.replayed),
                (*expected, true),
                "{index}"
            );
        }
    }
    store.told_in_order().await;
    store.close().await;
}

fn copy(append: &Append) -> Append {
    Append {
        log: append.log.clone(),
        sender: append.sender.clone(),
        body: append.body.clone(),
        blob: None,
        client: append.client.clone(),
        ..*append
    }
}

pub(crate) async fn erasing_is_all_or_nothing(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let mallory = person(&store, "mallory").await;
    let log = alice.with(&store, &bob).await;
    let file = |who: &crate::people::Person, id: &str| Append {
        kind: EventKind::File,
        blob: Some(inline(id, 1)),
        ..who.text(&log, id)
    };
    store.append_and_wait(alice.text(&log, "one")).await.unwrap();
    store.append_and_wait(file(&alice, "needed once")).await.unwrap();
    store.append_and_wait(file(&alice, "needed twice")).await.unwrap();
    store.append_and_wait(file(&bob, "bob's")).await.unwrap();
    // Something else refers to this blob too, as a forwarded file would.
    bed.run(&format!(
        "INSERT INTO event_blobs (log_id, number, blob_id) VALUES ({}, 1, 'needed twice')",
        alice.account.log.id.0
    ))
    .await;
    let erase = async |who: &crate::people::Person, targets: &[i64]| {
        store.erase(who.author(), log.clone(), targets.to_vec()).await
    };
    assert_eq!(code(erase(&mallory, &[1]).await), "NotFound");
    assert_eq!(code(erase(&alice, &[1, 4]).await), "TargetForeign");
    assert_eq!(code(erase(&alice, &[1, 5]).await), "TargetMissing");
    let bodies = async || -> Vec<Option<Vec<u8>>> {
        let events = store.events_after(log.id, 0, 100).await.unwrap();
        events
            .into_iter()
            .map(|event| event.body.map(Into::into))
            .collect()
    };
    assert!(bodies().await.iter().all(Option::is_some), "nothing was erased");
    store
        .change_contact(bob.author(), alice.account.clone(), ContactChange::Block)
        .await
        .unwrap();

    let mut author = alice.author();
    author.client = Some(key("once", b"2, 3"));
    let erased = store
        .erase(author.clone(), log.clone(), vec![2, 3])
        .await
        .unwrap();
    assert_eq!((erased.receipt.number, erased.receipt.replayed), (5, false));
    assert_eq!(erased.blobs, ["needed once"]);
    let again = store
        .erase(author.clone(), log.clone(), vec![2, 3])
        .await
        .unwrap();
    assert_eq!((again.receipt.number, again.receipt.replayed), (5, true));
    assert!(again.blobs.is_empty());
    let carols = alice.with(&store, &mallory).await;
    assert_eq!(
        code(store.erase(author, carols, vec![2, 3]).await),
        "ClientIdReused"
    );
    assert_eq!(code(erase(&alice, &[2, 3]).await), "TargetErased");
    assert_eq!(code(erase(&alice, &[5]).await), "TargetUnfit");
    assert_eq!(
        bodies().await,
        [
            Some(b"one".to_vec()),
            None,
            None,
            Some(b"bob's".to_vec()),
            Some(br#"{"targets":[2,3]}"#.to_vec())
        ]
    );
    let ids = ["needed once", "needed twice", "bob's"].map(str::to_owned);
    let mut known = store.known_blobs(&ids).await.unwrap();
    known.sort();
    assert_eq!(known, ["bob's", "needed twice"]);
    assert_eq!(
        code(store.announced_blob(bob.account.id, "needed once").await),
        "NotFound"
    );
    assert_eq!(
        code(store.announced_blob(bob.account.id, "needed twice").await),
        "NotFound"
    );

    let told = store.told(log.id).await;
    assert_eq!(told.len(), 5);
    assert_eq!(told[4].audience.len(), 2, "both are told");
    store.set_enabled("alice", false).await.unwrap();
    assert_eq!(code(erase(&alice, &[1]).await), "Inactive");
    store.close().await;
}
