//! The contract in IndexedDB, in a browser, and what stands on it.

use core::cell::Cell;
use std::sync::Arc;

use kith_client::local_store::indexed_db::IndexedDbStore;
use kith_client::local_store::{LocalStore as _, Owner, StoreError};
use kith_client::{
    Accounts, AccountsError, Change, Clock, Engine, Error, Identity, Of, Options, Status, Target, Trust,
};
use kith_common::{DeviceId, Username};
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

use crate::contract;

wasm_bindgen_test_configure!(run_in_browser);

thread_local! {
    static OWNERS: Cell<u32> = const { Cell::new(0) };
}

/// Somebody of whom nothing is kept yet.
pub(crate) fn owner() -> Owner {
    let number = OWNERS.replace(OWNERS.get() + 1);
    Owner {
        server: "test".to_owned(),
        account: format!("{number} {}", js_sys::Date::now()),
    }
}

async fn store() -> IndexedDbStore {
    IndexedDbStore::open(&owner()).await.unwrap()
}

macro_rules! contract {
    ($($story:ident)*) => {$(
        #[wasm_bindgen_test]
        async fn $story() {
            contract::$story(&store().await).await;
        }
    )*};
}

contract::stories!(contract);

#[wasm_bindgen_test]
async fn a_long_conversation_is_paged() {
    let now = || web_sys::window().unwrap().performance().unwrap().now();
    let each = contract::a_long_conversation_is_paged(&store().await, now).await;
    console_log!("a page of a long conversation: {each:.1} ms");
}

#[wasm_bindgen_test]
async fn two_pages_share_a_store_and_one_of_them_wipes_it() {
    let owner = owner();
    let one = IndexedDbStore::open(&owner).await.unwrap();
    let other = IndexedDbStore::open(&owner).await.unwrap();
    let id = one.add(contract::item("bob", "a")).await.unwrap();
    assert_eq!(other.next(Vec::new()).await.unwrap().unwrap().id, id);
    let change = contract::growth(None, vec![(contract::message(1, "bob"), vec![])]);
    // Both have seen the same head: one of them is the second.
    let (first, second) = tokio::join!(
        one.commit(contract::one(change.clone())),
        other.commit(contract::one(change))
    );
    assert_eq!((first, second), (Ok(()), Err(StoreError::Changed)));
    one.wipe().await.unwrap();
    assert_eq!(other.load().await.unwrap_err(), StoreError::Closed);
    other.wipe().await.unwrap();
    let again = IndexedDbStore::open(&owner).await.unwrap();
    assert!(again.outbox().await.unwrap().is_empty());
    assert!(again.load().await.unwrap().heads.is_empty());
}

#[wasm_bindgen_test]
async fn what_somebody_no_longer_waits_for_is_done_all_the_same() {
    let store = store().await;
    let adding = store.add(contract::item("bob", "a"));
    drop(adding);
    assert_eq!(store.outbox().await.unwrap().len(), 1);
}

#[wasm_bindgen_test]
async fn settings_are_there_when_the_page_comes_back() {
    let accounts = Accounts::open("test/1").await.unwrap();
    let set = async |accounts: &Accounts, value: Option<&str>| {
        let value = value.map(str::to_owned);
        accounts.set_setting(Of::Device, "theme", value).await.unwrap();
    };
    set(&accounts, Some("dark \u{1f600}")).await;
    drop(accounts);
    let accounts = Accounts::open("test/1").await.unwrap();
    let theme = accounts.setting(Of::Device, "theme").await.unwrap();
    assert_eq!(theme.as_deref(), Some("dark \u{1f600}"));
    set(&accounts, None).await;
    assert!(accounts.settings(Of::Device).await.unwrap().is_empty());
    assert!(accounts.list().await.unwrap().is_empty());
    let unknown = accounts.settings(Of::Account("nobody@test:1")).await;
    assert_eq!(unknown.unwrap_err(), AccountsError::Unknown);
    let error = accounts.engine("nobody@test:1").await.unwrap_err();
    assert_eq!(error, AccountsError::Unknown);
}

/// An engine whose server can't be reached.
async fn engine(owner: &Owner) -> Engine {
    let options = Options {
        target: Target {
            server: "localhost:1".parse().unwrap(),
            trust: Trust::Public,
            program: "test/1".to_owned(),
        },
        me: Identity {
            username: "alice".to_owned(),
            account: owner.account.clone(),
            device: DeviceId(1),
        },
        token: "none".to_owned(),
        clock: Clock::system(),
    };
    let store = IndexedDbStore::open(owner).await.unwrap();
    Engine::open(options, Arc::new(store)).await.unwrap()
}

#[wasm_bindgen_test]
async fn what_is_written_offline_outlives_the_page() {
    let owner = owner();
    let first = engine(&owner).await;
    let mut changes = first.changes();
    let bob: Username = "bob".parse().unwrap();
    first.send(&bob, "hi".to_owned(), None).await.unwrap();
    let offline = |change: &Change| {
        matches!(
            change,
            Change::Status(Status::Offline {
                reason: Some(Error::Unreachable { .. }),
                ..
            })
        )
    };
    while !changes.next().await.unwrap().iter().any(offline) {}
    // Told of the network, it tries again at once.
    first.network_changed().await;
    while !changes.next().await.unwrap().iter().any(offline) {}
    first.close().await;
    while changes.next().await.is_some() {}

    let second = engine(&owner).await;
    let waiting = second.outbox().await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert!(waiting[0].time > 1_700_000_000_000, "{}", waiting[0].time);
    second.discard(waiting[0].id).await.unwrap();
    second.wipe().await.unwrap();
}
