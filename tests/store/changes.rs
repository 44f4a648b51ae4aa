//! Marks and profiles since a revision.

use std::collections::BTreeMap;

use kith_common::ProfileInfo;
use kith_server::store::{Changes, ContactChange, Marks, ProfileChange, Store};

use crate::bed::Bed;
use crate::people::{Person, person};

/// What a client knows of marks and profiles.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    since: i64,
    marks: BTreeMap<(String, String), (u64, u64)>,
    profiles: BTreeMap<String, ProfileInfo>,
}

impl Known {
    /// Asks until there is no more. Returns how many rows came.
    async fn catch_up(&mut self, store: &Store, who: &Person, limit: u64) -> usize {
        let mut came = 0;
        for _ in 0..200 {
            let Changes {
                since,
                marks,
                profiles,
                more,
            } = store.changes(who.account.id, self.since, limit).await.unwrap();
            assert!(since > self.since || !more, "it gets nowhere");
            self.since = since;
            came += marks.len() + profiles.len();
            for mark in marks {
                let held = self.marks.entry((mark.conversation, mark.username)).or_default();
                *held = (held.0.max(mark.delivered), held.1.max(mark.read));
            }
            for profile in profiles {
                self.profiles.insert(profile.username.clone(), profile);
            }
            if !more {
                return came;
            }
        }
        panic!("it never ends");
    }

    fn names(&self) -> Vec<&str> {
        self.profiles.keys().map(String::as_str).collect()
    }
}

async fn rename(store: &Store, who: &Person, name: &str) {
    let change = ProfileChange {
        display_name: Some(name.to_owned()),
        ..ProfileChange::default()
    };
    store.change_profile(who.author(), change).await.unwrap();
}

async fn add(store: &Store, who: &Person, other: &Person) {
    let change = store.change_contact(who.author(), other.account.clone(), ContactChange::Add);
    change.await.unwrap();
}

pub(crate) async fn only_what_is_new_and_may_be_seen(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let (carol, dave) = (person(&store, "carol").await, person(&store, "dave").await);
    let log = alice.with(&store, &bob).await;
    let private = bob.with(&store, &carol).await;
    for log in [&log, &private] {
        store.append_and_wait(bob.text(log, "hi")).await.unwrap();
    }
    let read = Marks {
        delivered: 0,
        read: 1,
    };
    store.mark(alice.author(), log.clone(), read).await.unwrap();
    store.mark(carol.author(), private.clone(), read).await.unwrap();
    add(&store, &alice, &dave).await;

    let mut known = Known::default();
    known.catch_up(&store, &alice, 100).await;
    assert_eq!(known.names(), ["alice", "bob", "dave"]);
    let log_id = log.public_id.to_string();
    let expected = BTreeMap::from([((log_id.clone(), "alice".to_owned()), (1, 1))]);
    assert_eq!(known.marks, expected, "nobody else has marked anything there");
    assert_eq!(known.catch_up(&store, &alice, 100).await, 0);

    // Changes come, each once; those of people whom she doesn't see don't.
    rename(&store, &bob, "Bob B.").await;
    rename(&store, &carol, "Carol C.").await;
    store
        .mark(
            bob.author(),
            log.clone(),
            Marks {
                delivered: 1,
                read: 0,
            },
        )
        .await
        .unwrap();
    assert_eq!(known.catch_up(&store, &alice, 100).await, 2);
    assert_eq!(known.profiles["bob"].display_name, "Bob B.");
    assert_eq!(known.marks[&(log_id, "bob".to_owned())], (1, 0));

    // Who comes to be seen only now comes with an old profile, and what they had marked.
    let with_carol = alice.with(&store, &carol).await;
    assert_eq!(known.catch_up(&store, &alice, 100).await, 1);
    assert_eq!(known.profiles["carol"].display_name, "Carol C.");
    store
        .append_and_wait(alice.text(&with_carol, "hi"))
        .await
        .unwrap();
    store.mark(carol.author(), with_carol, read).await.unwrap();
    assert_eq!(known.catch_up(&store, &alice, 100).await, 1);
    let erin = person(&store, "erin").await;
    assert_eq!(known.catch_up(&store, &alice, 100).await, 0);
    add(&store, &alice, &erin).await;
    assert_eq!(known.catch_up(&store, &alice, 100).await, 1);
    assert!(known.names().contains(&"erin"));

    // Somebody who has ended their account has no profile.
    rename(&store, &erin, "Erin").await;
    store.delete_account("erin").await.unwrap();
    assert_eq!(known.catch_up(&store, &alice, 100).await, 0);
    // One that asks from beyond the end is told where the end is.
    let beyond = store.changes(alice.account.id, i64::MAX, 100).await.unwrap();
    assert_eq!((beyond.since, beyond.more), (known.since, false));
    store.close().await;
}

pub(crate) async fn pages_lose_nothing(bed: &Bed) {
    let store = bed.open().await;
    let alice = person(&store, "alice").await;
    let mut others = Vec::new();
    for number in 0..12 {
        let other = person(&store, &format!("other{number}")).await;
        let log = alice.with(&store, &other).await;
        store.append_and_wait(alice.text(&log, "hi")).await.unwrap();
        store
            .mark(
                other.author(),
                log,
                Marks {
                    delivered: 1,
                    read: number % 2,
                },
            )
            .await
            .unwrap();
        if number % 3 == 0 {
            rename(&store, &other, &format!("Other {number}")).await;
        }
        others.push(other);
    }
    // A room in which many have joined at once: rows of one revision, more than a page.
    let first = others[0].with(&store, &others[1]).await;
    let mut room = format!("UPDATE logs SET kind = 2, newest = 5 WHERE id = {};", first.id.0);
    for member in others.iter().skip(2).chain([&alice]) {
        room += &format!(
            "INSERT INTO members (log_id, account_id, joined_number, delivered_number, read_number, seed_number, blocked,
                shown_delivered, shown_read, joined_revision)
                VALUES ({}, {}, 0, 3, 2, 0, FALSE, 3, 2, (SELECT value FROM revisions));",
            first.id.0, member.account.id.0
        );
    }
    bed.run(&room).await;
    rename(&store, &others[5], "Last").await;
    let mut whole = Known::default();
    whole.catch_up(&store, &alice, 1000).await;
    assert_eq!((whole.profiles.len(), whole.marks.len()), (13, 12 + 11));
    for limit in 1..=14 {
        let mut known = Known::default();
        known.catch_up(&store, &alice, limit).await;
        assert_eq!(known, whole, "{limit} at a time");
    }
    store.close().await;
}

pub(crate) async fn what_was_marked_during_a_block_comes_after_it(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    store.append_and_wait(alice.text(&log, "hi")).await.unwrap();
    let block = |change| store.change_contact(alice.author(), bob.account.clone(), change);
    block(ContactChange::Block).await.unwrap();
    let read = Marks {
        delivered: 0,
        read: 1,
    };
    store.mark(bob.author(), log.clone(), read).await.unwrap();
    store.mark(alice.author(), log.clone(), read).await.unwrap();
    let (mut hers, mut his) = (Known::default(), Known::default());
    hers.catch_up(&store, &alice, 100).await;
    his.catch_up(&store, &bob, 100).await;
    let names = |known: &Known| {
        known
            .marks
            .keys()
            .map(|(_, name)| name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (names(&hers), names(&his)),
        (vec!["alice".to_owned()], vec!["bob".to_owned()])
    );
    block(ContactChange::Unblock).await.unwrap();
    hers.catch_up(&store, &alice, 100).await;
    his.catch_up(&store, &bob, 100).await;
    assert_eq!(hers.marks, his.marks);
    assert_eq!(names(&hers), ["alice", "bob"]);
    store.close().await;
}
