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

contract::stories!(contract);

#[tokio::test]
async fn a_long_conversation_is_paged() {
    let (_folder, store) = store();
    let start = Instant::now();
    let now = || start.elapsed().as_secs_f64() * 1000.0;
    contract::a_long_conversation_is_paged(&store, now).await;
}
