//! The outbox.

use kith_client::local_store::{ItemChange, ItemState, LocalStore, NewItem, Range, StoreError};
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
