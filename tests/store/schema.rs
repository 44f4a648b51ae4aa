use kith_migrations::Migrator;
use kith_server::store::{ContactChange, OpenError};
use sea_orm::{ConnectionTrait as _, SqlErr, Statement};
use sea_orm_migration::MigratorTrait as _;

use crate::bed::Bed;
use crate::people::person;

pub(crate) async fn made_from_nothing_and_again_without_harm(bed: &Bed) {
    let store = bed.open().await;
    let alice = person(&store, "alice").await;
    store.close().await;
    let store = bed.open().await;
    assert_eq!(store.account_named("alice").await.unwrap().id, alice.account.id);
    store.close().await;
}

pub(crate) async fn made_once_by_two_at_once(bed: &Bed) {
    let (one, other) = tokio::join!(bed.open(), bed.open());
    let alice = person(&one, "alice").await;
    assert_eq!(other.account_named("alice").await.unwrap().id, alice.account.id);
    one.close().await;
    other.close().await;
}

/// A set-up that was cut short begins anew; it doesn't find its own half-made tables in the way.
pub(crate) async fn made_whole_or_not_at_all(bed: &Bed) {
    bed.run("CREATE TABLE event_blobs (id INTEGER)").await;
    assert!(matches!(bed.try_open().await, Err(OpenError::Database { .. })));
    bed.run("DROP TABLE event_blobs").await;
    bed.open().await.close().await;
}

/// People and conversations of the first version get what the second wants to know of them.
pub(crate) async fn brought_up_to_date_from_the_first_version(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let carol = person(&store, "carol").await;
    let log = alice.with(&store, &bob).await;
    store
        .append_and_wait(alice.text(&log, "from long ago"))
        .await
        .unwrap();
    store
        .change_contact(alice.author(), carol.account.clone(), ContactChange::Add)
        .await
        .unwrap();
    store.close().await;
    let raw = bed.raw().await;
    Migrator::down(&raw, Some(2)).await.unwrap();
    raw.close().await.unwrap();

    let store = bed.open().await;
    let alice_again = store.account_named("alice").await.unwrap();
    assert_eq!(alice_again.id, alice.account.id);
    store.append_and_wait(bob.text(&log, "from today")).await.unwrap();
    // A change of today is newer than all that was there.
    store
        .change_contact(alice.author(), bob.account.clone(), ContactChange::Add)
        .await
        .unwrap();
    store.close().await;
    let raw = bed.raw().await;
    let count = async |table: &str, condition: &str| {
        let sql = format!("SELECT COUNT(*) AS n FROM {table} WHERE {condition}");
        let row = raw.query_one_raw(Statement::from_string(raw.get_database_backend(), sql));
        row.await.unwrap().unwrap().try_get::<i64>("", "n").unwrap()
    };
    assert_eq!(
        count("profiles", "about = '' AND avatar IS NULL AND revision > 0").await,
        3
    );
    assert_eq!(
        count("members", "marks_revision > 0 AND joined_revision > 0").await,
        2
    );
    let newest = "(SELECT value FROM revisions)";
    assert_eq!(
        count("contacts", &format!("revision BETWEEN 1 AND {newest} - 1")).await,
        1
    );
    assert_eq!(count("contacts", &format!("revision = {newest}")).await, 1);
    assert_eq!(count("revisions", "id = 1").await, 1);
    raw.close().await.unwrap();
}

pub(crate) async fn of_a_newer_version_is_refused(bed: &Bed) {
    bed.open().await.close().await;
    bed.run("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99991231_000001_tomorrow', 0)")
        .await;
    let error = bed.try_open().await.err().expect("it was opened");
    assert!(
        matches!(&error, OpenError::Newer(name) if name == "m99991231_000001_tomorrow"),
        "{error}"
    );
    assert!(error.to_string().contains("newer version of Kith"), "{error}");
}

/// Statements that the schema must refuse, beside rows that are as they should be.
pub(crate) async fn keeps_its_promises(bed: &Bed) {
    const NULL: [&str; 9] = [
        "UPDATE accounts SET display_name = NULL",
        "UPDATE accounts SET log_id = NULL",
        "UPDATE events SET sender_id = NULL",
        "UPDATE events SET time = NULL",
        "UPDATE members SET seed_number = NULL",
        "UPDATE logs SET newest = NULL",
        "UPDATE members SET marks_revision = NULL",
        "UPDATE profiles SET about = NULL",
        "UPDATE revisions SET value = NULL",
    ];
    const FOREIGN: [&str; 10] = [
        "UPDATE accounts SET log_id = log_id + 4711",
        "UPDATE devices SET account_id = 4711",
        "UPDATE members SET account_id = account_id + 4711",
        "UPDATE events SET log_id = 4711, number = number + 10 * log_id",
        "UPDATE events SET sender_id = 4711",
        "UPDATE events SET device_id = 4711",
        "INSERT INTO event_blobs (log_id, number, blob_id) VALUES (1, 1, 'nothing')",
        "INSERT INTO contacts (account_id, other_id, contact, blocked) VALUES (1, 4711, TRUE, FALSE)",
        "INSERT INTO profiles (account_id, about, revision) VALUES (4711, '', 1)",
        "DELETE FROM accounts",
    ];
    const UNIQUE: [&str; 6] = [
        "UPDATE accounts SET username_key = 'alice'",
        "UPDATE accounts SET log_id = 1",
        "UPDATE logs SET public_id = 'same'",
        "UPDATE events SET log_id = 1, number = 1",
        "UPDATE events SET sender_id = 1, client_id = 'same'",
        "INSERT INTO direct_conversations (low_account_id, high_account_id, log_id) \
         SELECT low_account_id, high_account_id, 1 FROM direct_conversations",
    ];
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    store.append_and_wait(alice.text(&log, "one")).await.unwrap();
    store.append_and_wait(bob.text(&log, "two")).await.unwrap();
    store.close().await;

    let raw = bed.raw().await;
    for statement in NULL {
        let error = raw
            .execute_unprepared(statement)
            .await
            .expect_err(statement)
            .to_string();
        assert!(
            error.to_lowercase().replace('-', " ").contains("not null"),
            "{statement}: {error}"
        );
    }
    for statement in FOREIGN {
        let error = raw.execute_unprepared(statement).await.expect_err(statement);
        let kind = error.sql_err();
        assert!(
            matches!(kind, Some(SqlErr::ForeignKeyConstraintViolation(_))),
            "{statement}: {error}"
        );
    }
    for statement in UNIQUE {
        let error = raw.execute_unprepared(statement).await.expect_err(statement);
        let kind = error.sql_err();
        assert!(
            matches!(kind, Some(SqlErr::UniqueConstraintViolation(_))),
            "{statement}: {error}"
        );
    }
    raw.close().await.unwrap();
}
