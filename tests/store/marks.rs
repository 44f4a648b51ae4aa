//! How far people are in a conversation, and who is told.

use kith_common::{Mark, Notice};
use kith_server::store::{ContactChange, Marks};
use tokio::task::JoinSet;

use crate::bed::Bed;
use crate::people::{code, person};

pub(crate) async fn marks_only_grow(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let mallory = person(&store, "mallory").await;
    let log = alice.with(&store, &bob).await;
    for _ in 0..9 {
        store.append_and_wait(alice.text(&log, "x")).await.unwrap();
    }
    let mark = async |delivered, read| {
        let marks = store
            .mark(bob.author(), log.clone(), Marks { delivered, read })
            .await
            .unwrap();
        let told: Vec<Mark> = store
            .announced()
            .await
            .into_iter()
            .map(|(audience, notice)| {
                assert_eq!(audience, [alice.account.id, bob.account.id]);
                match notice {
                    Notice::Mark(mark) => mark,
                    other => panic!("{other:?}"),
                }
            })
            .collect();
        for mark in &told {
            assert_eq!((&*mark.conversation, &*mark.username), (&*log.public_id, "bob"));
            assert_eq!(
                (mark.delivered, mark.read),
                (marks.delivered.cast_unsigned(), marks.read.cast_unsigned())
            );
        }
        (marks.delivered, marks.read, told.len())
    };
    assert_eq!(mark(0, 0).await, (0, 0, 0));
    assert_eq!(mark(3, 0).await, (3, 0, 1));
    assert_eq!(mark(2, 1).await, (3, 1, 1));
    assert_eq!(mark(0, 5).await, (5, 5, 1));
    assert_eq!(mark(5, 5).await, (5, 5, 0));
    assert_eq!(mark(i64::MIN, i64::MIN).await, (5, 5, 0));
    assert_eq!(mark(i64::MAX, 0).await, (9, 5, 1));
    assert_eq!(mark(0, i64::MAX).await, (9, 9, 1));
    let all = Marks {
        delivered: 9,
        read: 9,
    };
    assert_eq!(
        code(store.mark(mallory.author(), log.clone(), all).await),
        "NotFound"
    );
    let own = alice.account.log.clone();
    assert_eq!(code(store.mark(alice.author(), own, all).await), "NotFound");
    store.set_enabled("alice", false).await.unwrap();
    assert_eq!(
        code(store.mark(alice.author(), log.clone(), all).await),
        "Inactive"
    );
    store.close().await;
}

pub(crate) async fn marks_of_many_devices_at_once(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    for _ in 0..40 {
        store.append_and_wait(alice.text(&log, "x")).await.unwrap();
    }
    let mut devices = JoinSet::new();
    for device in 0..8 {
        let (store, author, log) = (store.store.clone(), bob.author(), log.clone());
        devices.spawn(async move {
            for number in 0..5 {
                let read = number * 8 + device + 1;
                let marks = Marks { delivered: 0, read };
                let marks = store.mark(author.clone(), log.clone(), marks).await.unwrap();
                assert!(marks.read >= read && marks.delivered == marks.read);
            }
        });
    }
    devices.join_all().await;
    let marks = store.mark(bob.author(), log, Marks::default()).await.unwrap();
    assert_eq!(marks.read, 40);
    // They were told in the order in which they hold.
    let mut last = 0;
    for (_, notice) in store.announced().await {
        let Notice::Mark(mark) = notice else {
            panic!("{notice:?}")
        };
        assert!(mark.read > last);
        last = mark.read;
    }
    assert_eq!(last, 40);
    store.close().await;
}

/// Many people's marks meet in few transactions, some of them twice; nobody's get lost or mixed up.
pub(crate) async fn marks_of_many_people_at_once(bed: &Bed) {
    const PEOPLE: usize = 30;
    let store = bed.open().await;
    let alice = person(&store, "alice").await;
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let other = person(&store, &format!("other{number}")).await;
        let log = alice.with(&store, &other).await;
        for _ in 0..=number % 5 {
            store.append_and_wait(alice.text(&log, "x")).await.unwrap();
        }
        people.push((other, log));
    }
    let mut marks = JoinSet::new();
    for (number, (other, log)) in people.iter().cloned().enumerate() {
        let newest = (number % 5 + 1) as i64;
        for (who, read) in [
            (alice.clone(), 1),
            (other.clone(), newest),
            (other.clone(), 1),
            (alice.clone(), 99),
        ] {
            let (store, log) = (store.store.clone(), log.clone());
            marks.spawn(async move {
                let wanted = Marks { delivered: 0, read };
                let marks = store.mark(who.author(), log, wanted).await.unwrap();
                assert!(marks.read >= read.min(newest) && marks.read <= newest);
            });
        }
        let (store, stranger) = (store.store.clone(), people[(number + 1) % PEOPLE].0.clone());
        marks.spawn(async move {
            let wanted = Marks {
                delivered: 0,
                read: 1,
            };
            assert_eq!(code(store.mark(stranger.author(), log, wanted).await), "NotFound");
        });
    }
    marks.join_all().await;
    for (number, (other, log)) in people.iter().enumerate() {
        for who in [&alice, other] {
            let marks = store
                .mark(who.author(), log.clone(), Marks::default())
                .await
                .unwrap();
            assert_eq!(marks.read, (number % 5 + 1) as i64);
        }
    }
    // Each change has a revision of its own.
    let changes = store.changes(alice.account.id, 0, 1000).await.unwrap();
    assert_eq!(changes.marks.len(), 2 * PEOPLE);
    let few = store
        .changes(alice.account.id, changes.since - 10, 1000)
        .await
        .unwrap();
    assert!(few.marks.len() <= 10);
    store.close().await;
}

pub(crate) async fn a_block_hides_marks(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    for _ in 0..4 {
        store.append_and_wait(alice.text(&log, "x")).await.unwrap();
    }
    let told = async |who: &crate::people::Person, read| {
        let marks = Marks { delivered: 0, read };
        store.mark(who.author(), log.clone(), marks).await.unwrap();
        let (audience, _) = store.announced().await.remove(0);
        audience
    };
    let both = [alice.account.id, bob.account.id];
    assert_eq!(told(&bob, 1).await, both);
    let block = |change| store.change_contact(alice.author(), bob.account.clone(), change);
    block(ContactChange::Block).await.unwrap();
    assert_eq!(told(&bob, 2).await, [bob.account.id]);
    assert_eq!(told(&alice, 2).await, [alice.account.id]);
    block(ContactChange::Unblock).await.unwrap();
    // Each is told what was hidden.
    let again = store.announced().await.into_iter().map(|(audience, _)| audience);
    assert_eq!(
        again.collect::<Vec<_>>(),
        [[bob.account.id], [alice.account.id]].map(Vec::from)
    );
    assert_eq!(told(&bob, 3).await, both);
    // In a room the two may still meet.
    let carol = person(&store, "carol").await;
    bed.run(&format!(
        "UPDATE logs SET kind = 2 WHERE id = {0};
         INSERT INTO members (log_id, account_id, joined_number, delivered_number, read_number, seed_number, blocked)
            VALUES ({0}, {1}, 0, 0, 0, 0, FALSE)",
        log.id.0, carol.account.id.0
    ))
    .await;
    block(ContactChange::Block).await.unwrap();
    let room = bed.open().await;
    let log = room.conversation(&log.public_id).await.unwrap();
    let marks = Marks {
        delivered: 0,
        read: 4,
    };
    room.mark(bob.author(), log.clone(), marks).await.unwrap();
    room.mark(carol.author(), log, marks).await.unwrap();
    let audiences: Vec<_> = room
        .announced()
        .await
        .into_iter()
        .map(|(audience, _)| audience)
        .collect();
    let without_alice = vec![bob.account.id, carol.account.id];
    assert_eq!(
        audiences,
        [
            without_alice,
            vec![alice.account.id, bob.account.id, carol.account.id]
        ]
    );
    room.close().await;
    store.close().await;
}
