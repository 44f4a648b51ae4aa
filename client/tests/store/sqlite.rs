//! The contract in SQLite.

use std::time::Instant;

use kith_client::Blank;
use kith_client::local_store::sqlite::SqliteStore;
use kith_client::local_store::{ItemState, LocalFile, LocalStore as _, NewItem, Owner, Source};
use tempfile::TempDir;

use crate::contract;

fn owner() -> Owner {
    Owner {
        server: "test".to_owned(),
        account: "a".to_owned(),
    }
}

fn store() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path(), owner()).unwrap();
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

#[tokio::test]
async fn a_path_is_kept_whatever_its_bytes_are() {
    use std::os::unix::ffi::OsStringExt as _;

    let (folder, store) = store();
    let path = std::ffi::OsString::from_vec(b"/tmp/caf\xe9".to_vec()).into();
    let file = LocalFile {
        path,
        size: 7,
        modified: -1,
        blanks: vec![Blank {
            at: u64::MAX,
            length: 3,
            begins: b"f".to_vec(),
        }],
    };
    let new = NewItem {
        source: Some(Source::Path(file.clone())),
        ..contract::item("file a", "a")
    };
    let id = store.add(new).await.unwrap();
    let target = NewItem {
        source: Some(Source::Target("/tmp/b".into())),
        ..contract::item("file b", "b")
    };
    store.add(target).await.unwrap();
    let over_file = LocalFile {
        blanks: Vec::new(),
        ..file.clone()
    };
    let over = NewItem {
        source: Some(Source::Over(over_file.clone())),
        ..contract::item("file c", "c")
    };
    store.add(over).await.unwrap();
    drop(store);
    let store = SqliteStore::open(folder.path(), owner()).unwrap();
    let items = store.transfers().await.unwrap();
    let [upload, download, over] = &items[..] else {
        panic!("{items:?}")
    };
    assert!(matches!(&upload.new.source, Some(Source::Path(held)) if *held == file));
    assert_eq!((upload.id, upload.size, download.size), (id, Some(7), None));
    assert!(
        matches!(&download.new.source, Some(Source::Target(path)) if path == std::path::Path::new("/tmp/b"))
    );
    assert!(matches!(&over.new.source, Some(Source::Over(held)) if *held == over_file));
    // That is another file's.
    assert_eq!(over.size, None);
}

#[tokio::test]
async fn two_programs_never_have_one_transfer() {
    let (folder, one) = store();
    let other = SqliteStore::open(folder.path(), owner()).unwrap();
    let claim = one.claim(1).await.unwrap().unwrap();
    assert!(other.claim(1).await.unwrap().is_none());
    assert!(other.claim(2).await.unwrap().is_some());
    drop(claim);
    assert!(other.claim(1).await.unwrap().is_some());
}

/// What version 1 had made is brought up to this one, with all that waits in it.
#[tokio::test]
async fn an_outbox_of_an_older_version_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(folder.path().join("outbox.db")).unwrap();
    old.execute_batch(
        r#"
        CREATE TABLE items (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            lane TEXT NOT NULL,
            client_id TEXT NOT NULL UNIQUE,
            request TEXT NOT NULL,
            data BLOB,
            time INTEGER NOT NULL,
            waiting INTEGER NOT NULL,
            state TEXT NOT NULL
        ) STRICT;
        CREATE INDEX items_waiting ON items (id) WHERE waiting = 1;
        CREATE TABLE reads (
            log TEXT PRIMARY KEY,
            number INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE owner (server TEXT NOT NULL, account TEXT NOT NULL) STRICT;
        INSERT INTO owner VALUES ('test', 'a');
        INSERT INTO items VALUES (3, 'bob', 'key', '{}', x'0102', 5, 1, '"waiting"');
        INSERT INTO reads VALUES ('chat', 9);
        PRAGMA application_id = 1265202280;
        PRAGMA user_version = 1;
        "#,
    )
    .unwrap();
    drop(old);
    for _ in 0..2 {
        let store = SqliteStore::open(folder.path(), owner()).unwrap();
        let next = store.next(Vec::new()).await.unwrap().unwrap();
        assert_eq!((next.id, next.size, next.state), (3, Some(2), ItemState::Waiting));
        assert_eq!(next.new.data, Some(vec![1, 2]));
        assert_eq!(store.wanted_reads().await.unwrap(), [("chat".to_owned(), 9)]);
        assert!(store.transfers().await.unwrap().is_empty());
    }
    assert!(!folder.path().join("outbox.damaged.db").exists());
}
