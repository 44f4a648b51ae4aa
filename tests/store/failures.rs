use sea_orm::{ConnectionTrait as _, SqliteTransactionMode, TransactionOptions, TransactionTrait as _};

use crate::bed::{BEGIN, Bed};
use crate::people::{code, device, in_one_batch, person, verified};

/// Makes the database fail on one text, as a full disk would: SQLite then gives up the whole transaction by itself.
async fn poison(bed: &Bed) {
    bed.run(if bed.is_postgres() {
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$; \
         CREATE TRIGGER poison BEFORE INSERT ON events FOR EACH ROW WHEN (NEW.body = 'poison'::bytea) EXECUTE FUNCTION fail()"
    } else {
        "CREATE TRIGGER poison BEFORE INSERT ON events WHEN NEW.body = CAST('poison' AS BLOB) \
         BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END"
    })
    .await;
}

pub(crate) async fn a_batch_that_fails_leaves_nothing(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    poison(bed).await;
    for round in 1..=3 {
        let mut items = vec![bob.text(&log, "poison")];
        for number in 0..20 {
            let text = format!("{number}");
            items.push(alice.keyed_text(&log, &text, &text));
        }
        let results = in_one_batch(&store, alice.text(&log, "first"), items).await;
        assert!(results.into_iter().all(|result| code(result) == "Database"));
        assert_eq!(store.events_after(log.id, 0, 100).await.unwrap().len(), round);
    }
    // The keys are free, and no number was lost.
    let again = store
        .append_and_wait(alice.keyed_text(&log, "0", "0"))
        .await
        .unwrap();
    assert_eq!((again.number, again.replayed), (4, false));
    assert_eq!(store.told(log.id).await.len(), 4);
    store.close().await;
}

/// Another process holds the lock for longer than is waited.
pub(crate) async fn a_database_that_is_locked_comes_back(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    let write = async |text: &str| store.append_and_wait(alice.keyed_text(&log, text, text)).await;
    write("one").await.unwrap();
    store
        .add_device(alice.account.clone(), verified("alice"), alice.origin, device(1))
        .await
        .unwrap();
    let raw = bed.raw().await;
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let lock = raw.begin_with_options(options).await.unwrap();
    if bed.is_postgres() {
        lock.execute_unprepared("SELECT pg_advisory_xact_lock(7443000001)")
            .await
            .unwrap();
    }
    assert_eq!(code(write("two").await), "Database");
    // Reading goes on, also for a device that was away for long: that it was seen is not worth an error.
    let resumed = store.resume([1; 32], "198.51.100.1", BEGIN).await.unwrap();
    assert_eq!(resumed.unwrap().account.id, alice.account.id);
    assert_eq!(store.events_after(log.id, 0, 10).await.unwrap().len(), 1);
    lock.rollback().await.unwrap();
    assert_eq!(write("two").await.unwrap().number, 2);
    assert_eq!(store.told(log.id).await.len(), 2);
    raw.close().await.unwrap();
    store.close().await;
}

/// Every connection is cut, which happens to PostgreSQL only.
pub(crate) async fn a_database_that_was_away_comes_back(bed: &Bed) {
    const CUT: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()";
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    let write = async |text: &str| store.append_and_wait(alice.keyed_text(&log, text, text)).await;
    for round in 0..3 {
        if bed.is_postgres() {
            bed.run(CUT).await;
        }
        let text = format!("{round}");
        // The first may find out that the connection is gone; whoever repeats it gets through.
        if let Err(error) = write(&text).await {
            assert_eq!(code::<()>(Err(error)), "Database");
        }
        assert_eq!(write(&text).await.unwrap().number, round + 1);
        assert_eq!(store.events_after(log.id, round, 10).await.unwrap().len(), 1);
    }
    assert_eq!(store.told(log.id).await.len(), 3);
    store.close().await;
}
