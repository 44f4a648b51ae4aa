//! Who sees what of whom that is never stored.

use kith_server::store::{ContactChange, SightChange};

use crate::bed::Bed;
use crate::people::{Person, code, person};

pub(crate) async fn presence_goes_to_contacts_that_are_not_blocked(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let carol = person(&store, "carol").await;
    let change = async |who: &Person, other: &Person, change| {
        let changed = store.change_contact(who.author(), other.account.clone(), change);
        let SightChange { of_author, of_other } = changed.await.unwrap();
        (of_author, of_other)
    };
    let by = async |who: &Person| {
        let mut found = store.presence_seen_by(who.account.id).await.unwrap();
        found.sort_unstable();
        found
    };
    let of = async |who: &Person| store.presence_seen_of(who.account.id).await.unwrap();
    assert_eq!(change(&alice, &bob, ContactChange::Add).await, (true, false));
    assert_eq!(change(&alice, &bob, ContactChange::Add).await, (false, false));
    assert_eq!(change(&alice, &carol, ContactChange::Add).await, (true, false));
    assert_eq!(by(&alice).await, [bob.account.id, carol.account.id]);
    assert_eq!(
        (of(&bob).await, of(&alice).await),
        (vec![alice.account.id], vec![])
    );
    assert_eq!(change(&bob, &alice, ContactChange::Add).await, (true, false));
    // A block takes both out of each other's sight, whoever blocks.
    assert_eq!(change(&bob, &alice, ContactChange::Block).await, (true, true));
    assert_eq!(
        (by(&alice).await, of(&bob).await),
        (vec![carol.account.id], vec![])
    );
    assert!(by(&bob).await.is_empty() && of(&alice).await.is_empty());
    assert_eq!(change(&alice, &bob, ContactChange::Block).await, (false, false));
    assert_eq!(change(&bob, &alice, ContactChange::Unblock).await, (false, false));
    assert!(of(&bob).await.is_empty());
    assert_eq!(change(&alice, &bob, ContactChange::Unblock).await, (true, true));
    assert_eq!(of(&alice).await, [bob.account.id]);
    assert_eq!(change(&alice, &bob, ContactChange::Remove).await, (true, false));
    assert_eq!(by(&alice).await, [carol.account.id]);
    store.close().await;
}

pub(crate) async fn typing_goes_to_members_that_are_not_blocked(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let mallory = person(&store, "mallory").await;
    let log = alice.with(&store, &bob).await;
    let others = async |who: &Person| store.others_in(&log, who.account.id).await;
    assert_eq!(others(&alice).await.unwrap(), [bob.account.id]);
    assert_eq!(code(others(&mallory).await), "NotFound");
    let block = store.change_contact(bob.author(), alice.account.clone(), ContactChange::Block);
    block.await.unwrap();
    assert!(others(&alice).await.unwrap().is_empty());
    assert!(others(&bob).await.unwrap().is_empty());
    // In a room the others still see it.
    bed.run(&format!(
        "UPDATE logs SET kind = 2 WHERE id = {0};
         INSERT INTO members (log_id, account_id, joined_number, delivered_number, read_number, seed_number, blocked)
            VALUES ({0}, {1}, 0, 0, 0, 0, FALSE)",
        log.id.0, mallory.account.id.0
    ))
    .await;
    let again = bed.open().await;
    let room = again.conversation(&log.public_id).await.unwrap();
    assert_eq!(
        again.others_in(&room, alice.account.id).await.unwrap(),
        [mallory.account.id]
    );
    assert_eq!(again.others_in(&room, mallory.account.id).await.unwrap().len(), 2);
    again.close().await;
    store.close().await;
}
