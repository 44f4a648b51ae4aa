use kith_server::store::{AccountState, ContactChange, NewAccount};
use tokio::task::JoinSet;

use crate::bed::{BEGIN, Bed};
use crate::people::{Person, account, code, device, person, verified};

pub(crate) async fn names_are_one_across_case(bed: &Bed) {
    let store = bed.open().await;
    let alice = store.register(account("Alice")).await.unwrap();
    assert_eq!(code(store.register(account("aLICE")).await), "NameTaken");
    assert_eq!(&*alice.username, "Alice");
    assert_eq!(store.account_named("alice").await.unwrap().id, alice.id);
    assert!(store.is_taken("alice").await.unwrap());
    assert!(!store.is_taken("bob").await.unwrap());
    assert_eq!(code(store.account_named("bob").await), "NotFound");
    let found = store.credentials("alice").await.unwrap().unwrap();
    assert_eq!(
        (found.account.id, &*found.password_hash, found.pepper_version),
        (alice.id, "hash of Alice's password", 1)
    );
    store.close().await;
}

pub(crate) async fn a_name_goes_to_one_of_many_who_want_it(bed: &Bed) {
    let store = bed.open().await;
    let mut tries = JoinSet::new();
    for number in 0..20 {
        let store = store.store.clone();
        tries.spawn(async move {
            store
                .register(account(if number % 2 == 0 { "alice" } else { "ALICE" }))
                .await
        });
    }
    let (made, refused): (Vec<_>, Vec<_>) = tries.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    assert!(refused.into_iter().all(|result| code(result) == "NameTaken"));
    store.close().await;
}

fn invited(name: &str, code: u8) -> NewAccount {
    NewAccount {
        invite: Some([code; 32]),
        ..account(name)
    }
}

pub(crate) async fn an_invite_makes_one_account(bed: &Bed) {
    let store = bed.open().await;
    let host = person(&store, "host").await;
    store
        .add_invite([7; 32], false, Some(host.account.id), BEGIN + 1000)
        .await
        .unwrap();
    assert_eq!(code(store.register(invited("nobody", 8)).await), "BadInvite");
    // A registration that fails for another reason uses no invite up.
    assert_eq!(code(store.register(invited("host", 7)).await), "NameTaken");
    let mut tries = JoinSet::new();
    for number in 0..20 {
        let store = store.store.clone();
        tries.spawn(async move { store.register(invited(&format!("guest{number}"), 7)).await });
    }
    let (made, refused): (Vec<_>, Vec<_>) = tries.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    assert!(!made[0].as_ref().unwrap().admin);
    assert!(refused.into_iter().all(|result| code(result) == "BadInvite"));
    assert_eq!(store.accounts().await.unwrap().len(), 2);
    store.close().await;
}

pub(crate) async fn an_invite_ends_with_its_time(bed: &Bed) {
    let store = bed.open().await;
    for number in 1..=2 {
        store
            .add_invite([number; 32], false, None, BEGIN + 1000)
            .await
            .unwrap();
    }
    bed.clock.advance(999);
    store.register(invited("early", 1)).await.unwrap();
    bed.clock.advance(1);
    assert_eq!(code(store.register(invited("late", 2)).await), "BadInvite");
    store.close().await;
}

pub(crate) async fn an_invite_makes_an_administrator(bed: &Bed) {
    let store = bed.open().await;
    store.register(account("alice")).await.unwrap();
    assert!(!store.has_admin().await.unwrap());
    store.add_invite([1; 32], true, None, BEGIN + 1000).await.unwrap();
    assert!(store.register(invited("root", 1)).await.unwrap().admin);
    assert!(store.has_admin().await.unwrap());
    store.set_enabled("root", false).await.unwrap();
    assert!(!store.has_admin().await.unwrap());
    store.close().await;
}

/// Checking a password takes long. Whoever was let in by the old one while its owner changed it stays out.
pub(crate) async fn a_password_that_was_changed_meanwhile_opens_nothing(bed: &Bed) {
    let store = bed.open().await;
    let alice = person(&store, "alice").await;
    let author = alice.keyed("change", "changed");
    let changed = store.change_password(author, verified("alice"), "changed".to_owned(), 2);
    changed.await.unwrap();
    let old = || verified("alice");
    let device = store.add_device(alice.account.clone(), old(), alice.origin, device(1));
    assert_eq!(code(device.await), "PasswordChanged");
    let shared = store.seed_device(alice.account.id, old(), "192.0.2.1".to_owned());
    assert_eq!(code(shared.await), "PasswordChanged");
    let renewed = store.rehash(alice.account.id, old(), "the old one again".to_owned(), 3);
    assert_eq!(code(renewed.await), "PasswordChanged");
    let second = alice.keyed("again", "changed again");
    let changed = store.change_password(second, old(), "of somebody else".to_owned(), 2);
    assert_eq!(code(changed.await), "PasswordChanged");
    let kept = store.credentials("alice").await.unwrap().unwrap();
    assert_eq!(kept.password_hash, "changed");
    store.close().await;
}

pub(crate) async fn passwords_change(bed: &Bed) {
    let store = bed.open().await;
    let alice = store.register(account("alice")).await.unwrap();
    let mut devices = Vec::new();
    for number in 1..=3 {
        let one = Person::at(
            alice.clone(),
            store
                .seed_device(alice.id, verified("alice"), "192.0.2.1".to_owned())
                .await
                .unwrap(),
        );
        devices.push(
            store
                .add_device(alice.clone(), verified("alice"), one.origin, device(number))
                .await
                .unwrap(),
        );
    }
    let hash = async || store.credentials("alice").await.unwrap().unwrap().password_hash;
    let resumes = async |token| {
        store
            .resume([token; 32], "192.0.2.1", BEGIN)
            .await
            .unwrap()
            .is_some()
    };

    store
        .rehash(alice.id, verified("alice"), "rehashed".to_owned(), 2)
        .await
        .unwrap();
    assert_eq!(hash().await, "rehashed");
    assert!(resumes(3).await);

    let first = Person::at(alice.clone(), devices[0]);
    let author = first.keyed("change", "changed");
    let mut ended = store
        .change_password(author.clone(), "rehashed".to_owned(), "changed".to_owned(), 2)
        .await
        .unwrap();
    ended.retain(|device| devices.contains(device));
    assert_eq!(ended, devices[1..]);
    assert_eq!(hash().await, "changed");
    assert_eq!(
        [resumes(1).await, resumes(2).await, resumes(3).await],
        [true, false, false]
    );
    assert!(store.was_written(&author).await.unwrap());
    // The same again changes nothing: what came since stays.
    store
        .rehash(alice.id, "changed".to_owned(), "rehashed".to_owned(), 3)
        .await
        .unwrap();
    assert!(
        store
            .change_password(author, "rehashed".to_owned(), "changed".to_owned(), 2)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(hash().await, "rehashed");
    let other = first.keyed("change", "something else");
    assert_eq!(
        code(
            store
                .change_password(other.clone(), "rehashed".to_owned(), "other".to_owned(), 2)
                .await
        ),
        "ClientIdReused"
    );
    assert_eq!(code(store.was_written(&other).await), "ClientIdReused");

    store
        .reset_password("alice", "reset".to_owned(), 2)
        .await
        .unwrap();
    assert_eq!(hash().await, "reset");
    assert!(!resumes(1).await);
    assert_eq!(
        code(store.reset_password("bob", "reset".to_owned(), 2).await),
        "NotFound"
    );
    store.close().await;
}

pub(crate) async fn accounts_are_switched_off_and_on(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "Bob").await);
    store
        .add_device(alice.account.clone(), verified("alice"), alice.origin, device(1))
        .await
        .unwrap();
    let state = async || store.account_named("alice").await.unwrap().state;
    store.set_enabled("alice", false).await.unwrap();
    assert_eq!(state().await, AccountState::Disabled);
    assert!(store.credentials("alice").await.unwrap().is_none());
    assert!(store.resume([1; 32], "192.0.2.1", BEGIN).await.unwrap().is_none());
    assert_eq!(store.revoked(alice.account.id).await.unwrap().len(), 2);
    assert_eq!(
        code(
            store
                .change_contact(alice.author(), bob.account.clone(), ContactChange::Add)
                .await
        ),
        "Inactive"
    );
    store.set_enabled("alice", true).await.unwrap();
    assert_eq!(state().await, AccountState::Active);
    // The sessions from before stay ended.
    assert!(store.resume([1; 32], "192.0.2.1", BEGIN).await.unwrap().is_none());
    assert_eq!(code(store.set_enabled("carol", false).await), "NotFound");
    let rows = store.accounts().await.unwrap();
    let names: Vec<_> = rows
        .iter()
        .map(|row| (&*row.username, row.state, row.created_at, row.last_seen_at))
        .collect();
    assert_eq!(
        names,
        [
            ("alice", AccountState::Active, BEGIN, BEGIN),
            ("Bob", AccountState::Active, BEGIN, BEGIN)
        ]
    );
    store.close().await;
}

pub(crate) async fn what_another_process_changed_is_noticed(bed: &Bed) {
    let (store, other) = (bed.open().await, bed.open().await);
    let alice = person(&store, "alice").await;
    bed.clock.advance(10);
    other.set_enabled("alice", false).await.unwrap();
    assert!(store.accounts_changed_since(BEGIN + 11).await.unwrap().is_empty());
    let changed = store.accounts_changed_since(BEGIN + 10).await.unwrap();
    let changed: Vec<_> = changed
        .iter()
        .map(|(account, at)| (account.id, account.state, *at))
        .collect();
    assert_eq!(changed, [(alice.account.id, AccountState::Disabled, BEGIN + 10)]);
    // From then on it is what everybody here sees.
    assert_eq!(
        store.account_named("alice").await.unwrap().state,
        AccountState::Disabled
    );
    other.close().await;
    store.close().await;
}
