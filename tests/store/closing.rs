use crate::bed::Bed;
use crate::people::{person, queue};

pub(crate) async fn what_is_queued_is_written(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    let mut receipts = Vec::new();
    for number in 0..3000 {
        receipts.push(queue(&store, alice.text(&log, &format!("{number}"))).await);
    }
    store.close().await;
    // Each was answered before the writer ended, so nothing is left to wait for.
    for (receipt, number) in receipts.iter_mut().zip(1..) {
        assert_eq!(receipt.try_recv().unwrap().unwrap().number, number);
    }
    let store = bed.open().await;
    let stored = store.events_after(log.id, 0, 5000).await.unwrap();
    assert!(
        stored
            .into_iter()
            .map(|event| event.body.unwrap())
            .eq((0..3000).map(|number| number.to_string().into_bytes()))
    );
    store.close().await;
}
