use std::collections::BTreeMap;
use std::sync::Arc;

use kith_common::EventKind;
use kith_server::store::{Append, ContactChange, Log, Store};

use crate::bed::Bed;
use crate::people::{Person, account, code, inline, person};

async fn file(store: &Store, sender: &Person, log: &Arc<Log>, id: &str) {
    let append = Append {
        kind: EventKind::File,
        blob: Some(inline(id, 5)),
        ..sender.text(log, id)
    };
    store.append_and_wait(append).await.unwrap();
}

pub(crate) async fn content_is_erased_and_numbers_stay(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    store
        .append_and_wait(alice.text(&log, "from alice"))
        .await
        .unwrap();
    store.append_and_wait(bob.text(&log, "from bob")).await.unwrap();
    file(&store, &alice, &log, "alices-file").await;
    file(&store, &bob, &log, "bobs-file").await;
    store
        .change_contact(alice.author(), bob.account.clone(), ContactChange::Add)
        .await
        .unwrap();

    assert_eq!(store.delete_account("alice").await.unwrap(), ["alices-file"]);

    let (pages, _) = store
        .newer(&bob.account, &BTreeMap::new(), 100, None)
        .await
        .unwrap();
    // Bob's own log still says that the conversation was opened.
    assert!(pages[0].events.iter().all(|event| event.body.is_some()));
    let bodies: Vec<_> = pages[1]
        .events
        .iter()
        .map(|event| (event.number, event.body.as_deref()))
        .collect();
    assert_eq!(
        bodies,
        [
            (1, None),
            (2, Some(&b"from bob"[..])),
            (3, None),
            (4, Some(b"bobs-file"))
        ]
    );
    // Hers is empty but for its numbers.
    let (pages, _) = store
        .newer(&alice.account, &BTreeMap::new(), 100, None)
        .await
        .unwrap();
    let erased = pages[0]
        .events
        .iter()
        .filter(|event| event.kind != EventKind::Conversation);
    assert_eq!(
        erased
            .map(|event| (event.number, event.body.clone()))
            .collect::<Vec<_>>(),
        [(2, None)]
    );

    assert_eq!(
        code(store.announced_blob(bob.account.id, "alices-file").await),
        "NotFound"
    );
    assert_eq!(
        &*store.announced_blob(bob.account.id, "bobs-file").await.unwrap(),
        b"bobs-file"
    );
    let ids = ["alices-file".to_owned(), "bobs-file".to_owned()];
    assert_eq!(store.known_blobs(&ids).await.unwrap(), ids[1..]);
    store.close().await;
}

pub(crate) async fn the_name_stays_taken(bed: &Bed) {
    let store = bed.open().await;
    person(&store, "alice").await;
    store.delete_account("alice").await.unwrap();
    assert_eq!(code(store.register(account("alice")).await), "NameTaken");
    assert_eq!(code(store.register(account("Alice")).await), "NameTaken");
    assert!(store.is_taken("alice").await.unwrap());
    assert!(store.credentials("alice").await.unwrap().is_none());
    assert_eq!(code(store.delete_account("alice").await), "NotFound");
    assert_eq!(code(store.set_enabled("alice", true).await), "NotFound");
    store.close().await;
}

pub(crate) async fn nobody_finds_them_any_more(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let carol = person(&store, "carol").await;
    let log = alice.with(&store, &bob).await;
    store.append_and_wait(alice.text(&log, "hi")).await.unwrap();
    store
        .change_contact(bob.author(), alice.account.clone(), ContactChange::Add)
        .await
        .unwrap();
    store.delete_account("alice").await.unwrap();
    // Reading what she wrote brings the account to mind, but not back.
    let (pages, _) = store
        .newer(&bob.account, &BTreeMap::new(), 100, None)
        .await
        .unwrap();
    assert_eq!(&*pages[1].events[0].sender.username, "alice");
    assert_eq!(code(store.account_named("alice").await), "NotFound");
    assert!(store.contacts(bob.account.id).await.unwrap().contacts.is_empty());
    // Who had found her before can neither write to her nor open a conversation.
    assert_eq!(
        code(store.append_and_wait(bob.text(&log, "still there?")).await),
        "NotFound"
    );
    assert_eq!(
        code(store.direct_conversation(&carol.author(), &alice.account).await),
        "NotFound"
    );
    assert_eq!(
        code(store.direct_conversation(&alice.author(), &carol.account).await),
        "Inactive"
    );
    assert_eq!(
        code(store.append_and_wait(alice.text(&log, "from beyond")).await),
        "Inactive"
    );
    store.close().await;
}
