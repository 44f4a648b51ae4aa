use std::collections::HashMap;

use kith_common::EventKind;
use kith_server::store::{ContactChange, LogId, Store};
use tokio::task::JoinSet;

use crate::bed::Bed;
use crate::people::{Person, code, person};

async fn change(store: &Store, who: &Person, whom: &Person, change: ContactChange) {
    store
        .change_contact(who.author(), whom.account.clone(), change)
        .await
        .unwrap();
}

async fn names(store: &Store, who: &Person) -> (Vec<String>, Vec<String>) {
    let list = store.contacts(who.account.id).await.unwrap();
    let names = |accounts: Vec<std::sync::Arc<kith_server::store::Account>>| {
        accounts
            .iter()
            .map(|account| account.username.to_string())
            .collect()
    };
    (names(list.contacts), names(list.blocked))
}

pub(crate) async fn adding_twice_is_adding_once(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let add = async |author| {
        store
            .change_contact(author, bob.account.clone(), ContactChange::Add)
            .await
    };
    add(alice.keyed("1", "add bob")).await.unwrap();
    add(alice.keyed("1", "add bob")).await.unwrap();
    assert_eq!(
        code(add(alice.keyed("1", "something else")).await),
        "ClientIdReused"
    );
    assert_eq!(store.told(alice.account.log.id).await.len(), 1);
    add(alice.author()).await.unwrap();
    assert_eq!(names(&store, &alice).await, (vec!["bob".to_owned()], vec![]));
    let told = store.told(alice.account.log.id).await;
    assert_eq!(
        (told[0].kind, &*told[0].body),
        (EventKind::Contact, &br#"{"change":"add","username":"bob"}"#[..])
    );
    assert_eq!(told[0].audience.len(), 1);
    assert!(store.told(bob.account.log.id).await.is_empty());
    store.close().await;
}

pub(crate) async fn lists_are_alphabetical(bed: &Bed) {
    let store = bed.open().await;
    let alice = person(&store, "alice").await;
    for name in ["dora", "Bob", "carl", "Anna"] {
        change(&store, &alice, &person(&store, name).await, ContactChange::Add).await;
    }
    let bob = Person {
        account: store.account_named("bob").await.unwrap(),
        ..alice.clone()
    };
    let anna = Person {
        account: store.account_named("anna").await.unwrap(),
        ..alice.clone()
    };
    change(&store, &alice, &bob, ContactChange::Block).await;
    change(&store, &alice, &anna, ContactChange::Block).await;
    change(&store, &alice, &bob, ContactChange::Remove).await;
    let (contacts, blocked) = names(&store, &alice).await;
    // One can be blocked and a contact, and neither change touches the other.
    assert_eq!(
        (contacts, blocked),
        (
            vec!["Anna".into(), "carl".into(), "dora".into()],
            vec!["Anna".into(), "Bob".into()]
        )
    );
    store.close().await;
}

pub(crate) async fn a_block_before_the_first_message(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    change(&store, &alice, &bob, ContactChange::Block).await;
    assert_eq!(
        code(store.direct_conversation(&bob.author(), &alice.account).await),
        "BlockedByOther"
    );
    assert_eq!(
        code(store.direct_conversation(&alice.author(), &bob.account).await),
        "BlockedBySelf"
    );
    change(&store, &alice, &bob, ContactChange::Unblock).await;
    let log = bob.with(&store, &alice).await;
    store.append_and_wait(bob.text(&log, "hi")).await.unwrap();
    store.append_and_wait(alice.text(&log, "hi")).await.unwrap();
    store.close().await;
}

pub(crate) async fn a_block_after_the_first_message(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let carol = person(&store, "carol").await;
    let (log, other) = (alice.with(&store, &bob).await, alice.with(&store, &carol).await);
    store.append_and_wait(bob.text(&log, "hi")).await.unwrap();
    change(&store, &alice, &bob, ContactChange::Block).await;
    assert_eq!(
        code(store.append_and_wait(bob.text(&log, "hello?")).await),
        "BlockedByOther"
    );
    assert_eq!(
        code(store.append_and_wait(alice.text(&log, "you there")).await),
        "BlockedBySelf"
    );
    // The conversation is found all the same, and others are not concerned.
    assert_eq!(bob.with(&store, &alice).await.id, log.id);
    store.append_and_wait(carol.text(&other, "hi")).await.unwrap();
    change(&store, &alice, &bob, ContactChange::Unblock).await;
    assert_eq!(
        store
            .append_and_wait(bob.text(&log, "again"))
            .await
            .unwrap()
            .number,
        2
    );
    store.close().await;
}

pub(crate) async fn one_conversation_a_pair(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let mut opening = JoinSet::new();
    for number in 0..20 {
        let (store, alice, bob) = (store.store.clone(), alice.clone(), bob.clone());
        let (one, other) = if number % 2 == 0 {
            (alice, bob)
        } else {
            (bob, alice)
        };
        opening.spawn(async move { one.with(&store, &other).await });
    }
    let logs = opening.join_all().await;
    assert!(
        logs.iter()
            .all(|log| log.id == logs[0].id && log.public_id == logs[0].public_id)
    );
    assert_eq!(
        store.conversation(&logs[0].public_id).await.unwrap().id,
        logs[0].id
    );
    let mut members: Vec<_> = store
        .members(logs[0].id)
        .await
        .unwrap()
        .iter()
        .map(|member| member.id)
        .collect();
    members.sort_unstable();
    assert_eq!(members, [alice.account.id, bob.account.id]);
    // Each is told once, with whom.
    for (one, other) in [(&alice, "bob"), (&bob, "alice")] {
        let told = store.told(one.account.log.id).await;
        let body = format!(r#"{{"conversation":"{}","with":"{other}"}}"#, logs[0].public_id);
        assert_eq!(
            told.iter().map(|event| &*event.body).collect::<Vec<_>>(),
            [body.as_bytes()]
        );
    }
    store.close().await;
}

/// All pairs of some people at once: each process takes them in another order, and each pair from its other end.
pub(crate) async fn one_conversation_a_pair_for_two_processes(bed: &Bed) {
    const PEOPLE: usize = 8;
    let stores = [bed.open().await, bed.open().await];
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(person(&stores[0], &format!("person{number}")).await);
    }
    let mut pairs = Vec::new();
    for low in 0..PEOPLE {
        pairs.extend((low + 1..PEOPLE).map(|high| (low, high)));
    }
    let mut opening = JoinSet::new();
    for (process, opened) in stores.iter().enumerate() {
        for (index, &(low, high)) in pairs.iter().enumerate() {
            let (one, other) = if (process + index) % 2 == 0 {
                (low, high)
            } else {
                (high, low)
            };
            let (store, one, other) = (opened.store.clone(), people[one].clone(), people[other].clone());
            opening.spawn(async move { ((low, high), one.with(&store, &other).await.id) });
        }
        pairs.reverse();
    }
    let mut found: HashMap<(usize, usize), LogId> = HashMap::new();
    for (pair, log) in opening.join_all().await {
        assert_eq!(*found.entry(pair).or_insert(log), log, "{pair:?} have two");
    }
    for opened in stores {
        opened.close().await;
    }
}
