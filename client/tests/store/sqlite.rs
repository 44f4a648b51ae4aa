//! The contract in SQLite.

use std::time::Instant;

use kith_client::local_store::Owner;
use kith_client::local_store::sqlite::SqliteStore;
use tempfile::TempDir;

use crate::contract;

fn store() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let owner = Owner {
        server: "test".to_owned(),
        account: "a".to_owned(),
    };
    let store = SqliteStore::open(folder.path(), owner).unwrap();
    (folder, store)
}

macro_rules! contract {
    ($($story:ident)*) => {$(
        #[tokio::test]
        async fn $story() {
            let (_folder, store) = store();
            contract::$story(&store).await;
        }
    )*};
}

contract! {
    what_was_committed_is_read
    a_commit_is_a_compare_and_set
    an_event_that_is_there_twice_is_damage
    pages_are_cut_where_they_should_be
    effects_come_in_their_order
    what_is_erased_is_gone
    unread_ones_are_counted
    a_log_grows_and_shrinks_at_its_beginning
    marks_never_go_back
    items_wait_in_order
    items_come_further
    a_long_lane_hides_no_other
    wanted_reads_grow_until_they_are_told
    a_new_copy_keeps_the_outbox_and_a_wipe_nothing
}

#[tokio::test]
async fn a_long_conversation_is_paged() {
    let (_folder, store) = store();
    let start = Instant::now();
    let now = || start.elapsed().as_secs_f64() * 1000.0;
    contract::a_long_conversation_is_paged(&store, now).await;
}
