use kith_common::EventKind;
use kith_server::store::{Append, Attachment, NewUpload, Room, Store, Upload};

use crate::bed::{BEGIN, Bed};
use crate::people::{Person, blob, code, inline, key, person};

const HOUR: i64 = 60 * 60 * 1000;

fn new(id: &str, size: Option<u64>) -> NewUpload {
    NewUpload {
        id: id.to_owned(),
        size,
        metadata: String::new(),
        client: None,
        expires_at: BEGIN + HOUR,
        at_most: 3,
    }
}

/// Room for so many bytes of an account, and of all.
fn room(account: i64, server: i64) -> Room {
    Room { account, server }
}

async fn open(store: &Store, who: &Person, id: &str, size: u64) -> Upload {
    let opened = store.open_upload(who.account.id, new(id, Some(size)), Room::UNLIMITED);
    opened.await.unwrap()
}

/// How many bytes the account could still send, out of 1000.
async fn left(store: &Store, who: &Person) -> u64 {
    for size in (0..=1000).rev().step_by(100) {
        let opened = store.open_upload(who.account.id, new("probe", Some(size)), room(1000, i64::MAX));
        if opened.await.is_ok() {
            store
                .drop_upload(who.account.id, "probe".to_owned())
                .await
                .unwrap();
            return size;
        }
    }
    0
}

pub(crate) async fn room_is_kept_until_the_file_is_gone(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    let me = alice.account.id;
    assert_eq!(left(&store, &alice).await, 1000);
    open(&store, &alice, "one", 300).await;
    assert_eq!(left(&store, &alice).await, 700);
    assert_eq!(store.outstanding().await.unwrap(), 300);
    store
        .note_upload(me, "one".to_owned(), 200, BEGIN + HOUR)
        .await
        .unwrap();
    assert_eq!(store.outstanding().await.unwrap(), 100);
    let opened = store
        .open_upload(me, new("two", None), Room::UNLIMITED)
        .await
        .unwrap();
    assert_eq!((opened.size, opened.reserved), (None, 0));
    store
        .grow_upload(me, "two".to_owned(), 400, Room::UNLIMITED)
        .await
        .unwrap();
    assert_eq!(left(&store, &alice).await, 300);
    store
        .size_upload(me, "two".to_owned(), 100, Room::UNLIMITED)
        .await
        .unwrap();
    assert_eq!(left(&store, &alice).await, 600);
    for again in [100, 200] {
        let sized = store
            .size_upload(me, "two".to_owned(), again, Room::UNLIMITED)
            .await;
        assert_eq!(code(sized), "NotFound", "a size is said once");
    }
    store.drop_upload(me, "two".to_owned()).await.unwrap();
    // Sent, it counts as before; and a file inside a message counts too.
    store
        .complete_upload(me, blob("one", 300), BEGIN + HOUR)
        .await
        .unwrap();
    assert_eq!(store.outstanding().await.unwrap(), 0);
    let uploaded = |id: &str| Append {
        kind: EventKind::File,
        blob: Some(Attachment::Uploaded(blob(id, 300))),
        ..alice.text(&log, "a file")
    };
    store.append_and_wait(uploaded("one")).await.unwrap();
    assert_eq!(left(&store, &alice).await, 700);
    let append = Append {
        kind: EventKind::File,
        blob: Some(inline("two", 200)),
        ..alice.text(&log, "another")
    };
    store.append_and_wait(append).await.unwrap();
    assert_eq!(left(&store, &alice).await, 500);
    assert_eq!(left(&store, &bob).await, 1000);
    let erased = store
        .erase(alice.author(), log.clone(), vec![1, 2])
        .await
        .unwrap();
    assert_eq!(erased.blobs.len(), 2);
    assert_eq!(left(&store, &alice).await, 1000);
    store.close().await;
}

pub(crate) async fn an_upload_is_opened_once(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let keyed = |id: &str, content: &[u8]| NewUpload {
        client: Some(key("key", content)),
        ..new(id, Some(100))
    };
    let me = alice.account.id;
    let first = store
        .open_upload(me, keyed("one", b"100"), Room::UNLIMITED)
        .await
        .unwrap();
    store
        .note_upload(me, "one".to_owned(), 50, BEGIN + 2 * HOUR)
        .await
        .unwrap();
    let again = store
        .open_upload(me, keyed("two", b"100"), Room::UNLIMITED)
        .await
        .unwrap();
    assert_eq!((again.id.as_str(), again.stored), ("one", 50));
    assert_eq!((first.stored, left(&store, &alice).await), (0, 900));
    let other = store
        .open_upload(me, keyed("three", b"200"), Room::UNLIMITED)
        .await;
    assert_eq!(code(other), "ClientIdReused");
    let bobs = store.open_upload(bob.account.id, keyed("bobs", b"200"), Room::UNLIMITED);
    assert_eq!(bobs.await.unwrap().id, "bobs", "everybody has keys of their own");
    // What is another's might as well not be there.
    for id in ["one", "nothing", "\0"] {
        assert_eq!(code(store.upload(bob.account.id, id, BEGIN).await), "NotFound");
        assert_eq!(
            code(store.drop_upload(bob.account.id, id.to_owned()).await),
            "NotFound"
        );
    }
    let noted = store
        .note_upload(bob.account.id, "one".to_owned(), 60, BEGIN)
        .await;
    assert_eq!(code(noted), "NotFound");
    store.drop_upload(me, "one".to_owned()).await.unwrap();
    let anew = store
        .open_upload(me, keyed("four", b"200"), Room::UNLIMITED)
        .await
        .unwrap();
    assert_eq!(anew.id, "four", "the key is free again");
    store.close().await;
}

pub(crate) async fn an_upload_becomes_one_file(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    let me = alice.account.id;
    open(&store, &alice, "one", 3).await;
    let send = |who: &Person, key: &str| Append {
        kind: EventKind::File,
        blob: Some(Attachment::Uploaded(blob("one", 3))),
        ..who.keyed_text(&log, "a file", key)
    };
    let refused = store.append_and_wait(send(&alice, "too early")).await;
    assert_eq!(code(refused), "UploadMissing", "it isn't complete");
    let wrong = store.complete_upload(me, blob("one", 4), BEGIN + HOUR).await;
    assert_eq!(code(wrong), "NotFound", "it has another size");
    store
        .complete_upload(me, blob("one", 3), BEGIN + HOUR)
        .await
        .unwrap();
    let complete = store.upload(me, "one", BEGIN).await.unwrap();
    assert_eq!(complete.blob(), Some(blob("one", 3)));
    let noted = store.note_upload(me, "one".to_owned(), 1, BEGIN + HOUR).await;
    assert_eq!(code(noted), "NotFound", "it changes no more");
    let stolen = store.append_and_wait(send(&bob, "mine now")).await;
    assert_eq!(code(stolen), "UploadMissing");
    // Twice in one batch, and once more: it is sent once.
    let receipts = crate::people::in_one_batch(
        &store,
        alice.text(&log, "hold"),
        vec![send(&alice, "a"), send(&alice, "b"), send(&alice, "a")],
    )
    .await;
    let mut receipts = receipts.into_iter();
    let first = receipts.next().unwrap().unwrap();
    assert_eq!(
        (first.number, first.blob.as_deref(), first.hash),
        (2, Some("one"), Some([1; 32]))
    );
    assert_eq!(code(receipts.next().unwrap()), "UploadMissing");
    let repeat = receipts.next().unwrap().unwrap();
    assert_eq!(
        (repeat.number, repeat.hash, repeat.replayed),
        (2, first.hash, true)
    );
    let later = store.append_and_wait(send(&alice, "a")).await.unwrap();
    assert_eq!(
        (later.number, later.blob, later.hash),
        (2, first.blob, first.hash)
    );
    assert_eq!(code(store.upload(me, "one", BEGIN).await), "NotFound");
    assert_eq!(store.blob("one").await.unwrap(), blob("one", 3));
    assert_eq!(
        &*store.announced_blob(bob.account.id, "one").await.unwrap(),
        b"a file"
    );
    store.told_in_order().await;
    store.close().await;
}

pub(crate) async fn what_is_too_much_is_refused(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    let (me, him) = (alice.account.id, bob.account.id);
    let opened = async |who, id: &str, size, room| store.open_upload(who, new(id, Some(size)), room).await;
    assert_eq!(code(opened(me, "one", 101, room(100, 150)).await), "AccountFull");
    opened(me, "one", 100, room(100, 150)).await.unwrap();
    assert_eq!(code(opened(him, "two", 51, room(100, 150)).await), "ServerFull");
    opened(him, "two", 50, room(100, 150)).await.unwrap();
    let inline = |who: &Person, id: &str, size, room| Append {
        kind: EventKind::File,
        blob: Some(Attachment::Inline(blob(id, size), room)),
        ..who.text(&log, id)
    };
    let full = store
        .append_and_wait(inline(&alice, "a", 1, room(100, 1000)))
        .await;
    assert_eq!(code(full), "AccountFull");
    let full = store.append_and_wait(inline(&bob, "b", 1, room(100, 150))).await;
    assert_eq!(code(full), "ServerFull");
    // Of several at once as many are taken as there is room for.
    let some = |id: &str| inline(&bob, id, 20, room(100, 1000));
    let receipts = crate::people::in_one_batch(
        &store,
        bob.text(&log, "hold"),
        vec![some("c"), some("d"), some("e"), bob.text(&log, "a text")],
    )
    .await;
    let numbers: Vec<_> = receipts
        .iter()
        .map(|fate| fate.as_ref().ok().map(|r| r.number))
        .collect();
    assert_eq!(numbers, [Some(2), Some(3), None, Some(4)]);
    for id in ["three", "four"] {
        opened(me, id, 0, Room::UNLIMITED).await.unwrap();
    }
    assert_eq!(
        code(opened(me, "five", 0, Room::UNLIMITED).await),
        "TooManyUploads"
    );
    let grown = store
        .grow_upload(me, "one".to_owned(), 200, Room::UNLIMITED)
        .await;
    assert_eq!(code(grown), "NotFound", "its size was said");
    store.close().await;
}

pub(crate) async fn what_is_left_is_given_up(bed: &Bed) {
    let store = bed.open().await;
    let alice = person(&store, "alice").await;
    let me = alice.account.id;
    for id in ["one", "two", "three"] {
        open(&store, &alice, id, 100).await;
    }
    store
        .note_upload(me, "two".to_owned(), 1, BEGIN + 3 * HOUR)
        .await
        .unwrap();
    assert!(
        store
            .drop_expired_uploads(BEGIN + HOUR - 1, 10)
            .await
            .unwrap()
            .is_empty()
    );
    // Its time is over, also before anybody has cleaned up.
    assert_eq!(code(store.upload(me, "one", BEGIN + HOUR).await), "NotFound");
    assert_eq!(
        store.drop_expired_uploads(BEGIN + HOUR, 1).await.unwrap().len(),
        1
    );
    assert_eq!(
        store.drop_expired_uploads(BEGIN + HOUR, 10).await.unwrap().len(),
        1
    );
    assert!(
        store
            .drop_expired_uploads(BEGIN + HOUR, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.unfinished_uploads().await.unwrap(), ["two"]);
    let ids = ["one", "two", "three"].map(str::to_owned);
    assert_eq!(store.known_blobs(&ids).await.unwrap(), ["two"]);
    assert_eq!(left(&store, &alice).await, 900);
    store.close().await;
}

pub(crate) async fn an_account_takes_its_uploads_along(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    open(&store, &alice, "alices", 100).await;
    open(&store, &bob, "bobs", 100).await;
    store.set_enabled("alice", false).await.unwrap();
    let noted = store
        .note_upload(alice.account.id, "alices".to_owned(), 1, BEGIN + HOUR)
        .await;
    assert_eq!(code(noted), "Inactive");
    let opened = store
        .open_upload(alice.account.id, new("more", None), Room::UNLIMITED)
        .await;
    assert_eq!(code(opened), "Inactive");
    assert_eq!(store.delete_account("alice").await.unwrap(), ["alices"]);
    assert_eq!(store.unfinished_uploads().await.unwrap(), ["bobs"]);
    // Nothing of hers counts any more.
    let opened = store.open_upload(bob.account.id, new("large", Some(900)), room(1000, 1000));
    opened.await.unwrap();
    store.close().await;
}
