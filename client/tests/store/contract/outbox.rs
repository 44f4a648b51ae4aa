//! The outbox.

use kith_client::local_store::{Item, ItemChange, ItemState, LocalStore, NewItem, Range, Source, StoreError};
use kith_common::{ErrorCode, WireError};

use super::{growth, item, message, one, query};

/// Items come out in the order in which they were put in, lane by lane, whole only when they are sent.
pub(crate) async fn items_wait_in_order(store: &dyn LocalStore) {
    assert!(store.next(Vec::new()).await.unwrap().is_none());
    let with_file = NewItem {
        data: Some(vec![0, 255, 7]),
        ..item("bob", "b")
    };
    let first = store.add(item("bob", "a")).await.unwrap();
    let second = store.add(with_file).await.unwrap();
    let third = store.add(item("carol", "c")).await.unwrap();
    assert!(first < second && second < third);

    let all = store.outbox().await.unwrap();
    let keys: Vec<&str> = all.iter().map(|item| item.new.client_id.as_str()).collect();
    assert_eq!(keys, ["a", "b", "c"]);
    assert_eq!(
        (all[1].size, &all[1].new.data),
        (Some(3), &None),
        "a list holds no files"
    );
    assert_eq!((all[0].size, all[0].new.time), (None, -5));
    assert_eq!(all[0].new.request, item("bob", "a").request);
    assert!(all.iter().all(|item| item.state == ItemState::Waiting));

    let next = async |busy: &[&str]| {
        let busy = busy.iter().map(|lane| (*lane).to_owned()).collect();
        store.next(busy).await.unwrap().map(|item| item.id)
    };
    assert_eq!(next(&[]).await, Some(first));
    assert_eq!(next(&["bob"]).await, Some(third));
    assert_eq!(next(&["bob", "carol"]).await, None);
    assert!(store.remove(first).await.unwrap());
    assert!(!store.remove(first).await.unwrap());
    let whole = store.next(Vec::new()).await.unwrap().unwrap();
    assert_eq!((whole.id, whole.new.data), (second, Some(vec![0, 255, 7])));
    let one = store.item(second).await.unwrap().unwrap();
    assert_eq!((one.size, one.new.data), (Some(3), None));
    assert!(store.item(first).await.unwrap().is_none());
    assert!(store.remove(third).await.unwrap());
    let last = store.add(item("bob", "d")).await.unwrap();
    assert!(last > third, "a place is never given again");
}

/// What is sent or refused doesn't wait, until it is to be tried again.
pub(crate) async fn items_come_further(store: &dyn LocalStore) {
    let id = store.add(item("bob", "a")).await.unwrap();
    let refused = WireError {
        field: Some("content".to_owned()),
        retry_after: Some(3),
        ..WireError::new(ErrorCode::TooLarge, "too long")
    };
    for state in [
        ItemState::Sent {
            log: "chat".to_owned(),
            number: 4,
        },
        ItemState::Failed(refused),
    ] {
        let change = ItemChange::State(state.clone());
        assert!(store.update(id, change).await.unwrap());
        assert!(store.next(Vec::new()).await.unwrap().is_none());
        assert_eq!(store.item(id).await.unwrap().unwrap().state, state);
    }
    let request = ItemChange::Request("{}".to_owned());
    assert!(store.update(id, request).await.unwrap());
    let again = ItemChange::State(ItemState::Waiting);
    assert!(store.update(id, again.clone()).await.unwrap());
    let next = store.next(Vec::new()).await.unwrap().unwrap();
    assert_eq!((next.id, next.new.request.as_str()), (id, "{}"));
    store.remove(id).await.unwrap();
    assert!(!store.update(id, again).await.unwrap());
}

/// What is to be transferred is none of what is to be sent, and comes with its bytes only when it is asked for whole.
pub(crate) async fn transfers_have_a_list_of_their_own(store: &dyn LocalStore) {
    let text = store.add(item("bob", "a")).await.unwrap();
    let file = NewItem {
        lane: "file b".to_owned(),
        ..kept(item("", "b"), vec![7; 1000])
    };
    let file = store.add(file).await.unwrap();
    let transfers = async || -> Vec<u64> {
        let transfers = store.transfers().await.unwrap();
        assert!(transfers.iter().all(|item| item.size == Some(1000)));
        transfers.iter().map(|item| item.id).collect()
    };
    assert_eq!(transfers().await, [file]);
    assert_eq!(
        store
            .next(Vec::new())
            .await
            .unwrap()
            .map(|item| (item.id, item.size)),
        Some((text, None))
    );
    assert!(store.next(vec!["bob".to_owned()]).await.unwrap().is_none());
    let listed = &store.outbox().await.unwrap()[1];
    assert_eq!((&listed.state, listed.size), (&ItemState::Transfer, Some(1000)));
    assert!(listed.new.source.is_some() && held(listed).await.is_none());
    let whole = store.whole(file).await.unwrap().unwrap();
    assert_eq!(held(&whole).await, Some(vec![7; 1000]));
    assert!(store.whole(file + 1).await.unwrap().is_none());
    assert!(store.claim(file).await.unwrap().is_some());

    let turn = async |state: ItemState| {
        let request = ItemChange::Request("{\"upload\":\"u\"}".to_owned());
        assert!(store.update(file, request).await.unwrap());
        assert!(
            store
                .update(file, ItemChange::State(state.clone()))
                .await
                .unwrap()
        );
        let item = store.item(file).await.unwrap().unwrap();
        assert_eq!(
            (item.state, item.new.request.as_str()),
            (state, "{\"upload\":\"u\"}")
        );
    };
    turn(ItemState::Paused).await;
    assert!(transfers().await.is_empty());
    turn(ItemState::Cancelled).await;
    assert_eq!(transfers().await, [file]);
    turn(ItemState::Failed(WireError::new(ErrorCode::Quota, "no room"))).await;
    assert!(transfers().await.is_empty());
    turn(ItemState::Transfer).await;
    assert!(store.remove(file).await.unwrap());
    assert!(transfers().await.is_empty());
}

#[cfg(not(target_arch = "wasm32"))]
fn kept(item: NewItem, bytes: Vec<u8>) -> NewItem {
    NewItem {
        data: Some(bytes),
        source: Some(Source::Kept),
        ..item
    }
}

#[cfg(not(target_arch = "wasm32"))]
async fn held(item: &Item) -> Option<Vec<u8>> {
    item.new.data.clone()
}

#[cfg(target_arch = "wasm32")]
fn kept(item: NewItem, bytes: Vec<u8>) -> NewItem {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes.as_slice()));
    let blob = web_sys::Blob::new_with_u8_array_sequence(&parts).unwrap();
    NewItem {
        source: Some(Source::Blob(Some(blob))),
        ..item
    }
}

#[cfg(target_arch = "wasm32")]
async fn held(item: &Item) -> Option<Vec<u8>> {
    let Some(Source::Blob(Some(blob))) = &item.new.source else {
        return None;
    };
    let buffer = wasm_bindgen_futures::JsFuture::from(blob.array_buffer()).await;
    Some(js_sys::Uint8Array::new(&buffer.unwrap()).to_vec())
}

/// One busy lane, however much waits in it, hides no other.
pub(crate) async fn a_long_lane_hides_no_other(store: &dyn LocalStore) {
    for number in 0..120 {
        store.add(item("bob", &format!("b{number}"))).await.unwrap();
    }
    let other = store.add(item("carol", "c")).await.unwrap();
    let next = store.next(vec!["bob".to_owned()]).await.unwrap().unwrap();
    assert_eq!(next.id, other);
}

/// Read marks that are still to be told only grow, and go when they were told.
pub(crate) async fn wanted_reads_grow_until_they_are_told(store: &dyn LocalStore) {
    let wanted = async || store.wanted_reads().await.unwrap();
    let (one, two) = ("one".to_owned(), "two".to_owned());
    store.want_read(one.clone(), 5).await.unwrap();
    store.want_read(one.clone(), 3).await.unwrap();
    store.want_read(two.clone(), 1).await.unwrap();
    assert_eq!(wanted().await, [(one.clone(), 5), (two.clone(), 1)]);
    store.read_done(one.clone(), 4).await.unwrap();
    assert_eq!(wanted().await.len(), 2, "more was read meanwhile");
    store.read_done(one, 5).await.unwrap();
    store.read_done("none".to_owned(), 5).await.unwrap();
    assert_eq!(wanted().await, [(two, 1)]);
}

/// A copy that is begun anew leaves the outbox, and a wipe leaves nothing.
pub(crate) async fn a_new_copy_keeps_the_outbox_and_a_wipe_nothing(store: &dyn LocalStore) {
    store
        .commit(one(growth(None, vec![(message(1, "bob"), vec![])])))
        .await
        .unwrap();
    store.add(item("bob", "a")).await.unwrap();
    store.want_read("chat".to_owned(), 1).await.unwrap();
    store.rebuild().await.unwrap();
    assert!(store.load().await.unwrap().heads.is_empty());
    let events = store.events(query(Range::After(0), false, 10)).await.unwrap();
    assert!(events.is_empty());
    assert_eq!(store.outbox().await.unwrap().len(), 1);
    assert_eq!(store.wanted_reads().await.unwrap().len(), 1);
    store.wipe().await.unwrap();
    assert_eq!(store.outbox().await.unwrap_err(), StoreError::Closed);
}
