//! What lies on a device: pages of it, damage to it, and two programs that share it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use kith_client::local_store::StoreError;
use kith_client::local_store::sqlite::{Owner, SqliteStore};
use kith_client::{Change, Content, Engine, Older};
use kith_tests::{PATIENCE, Server};
use tokio::time::timeout;

use crate::device::{Device, engine, owner, person};

/// Bob has 120 messages from Alice, of which a new device fetches the newest.
async fn long_chat(server: &Server) -> (Device, Device) {
    let mut alice = Device::register(server, "alice").await;
    let mut bob = Device::register(server, "bob").await;
    for number in 1..=120 {
        alice.say("bob", &number.to_string()).await;
    }
    alice.empty().await;
    bob.hears("alice", "120").await;
    (alice, bob)
}

#[tokio::test]
async fn older_pages_come_when_they_are_wanted_and_end_where_the_log_ends() {
    let server = Server::start();
    let (_alice, _bob) = long_chat(&server).await;
    let mut phone = Device::login(&server, "bob").await;
    phone.online().await;
    let conversation = phone.engine.conversation_with("alice").unwrap();
    assert_eq!(
        phone.engine.unread(&conversation).await.unwrap(),
        50,
        "as many as are held"
    );
    phone.offline().await;
    let page = phone.engine.messages(&conversation, None, 100).await.unwrap();
    assert_eq!(page.messages.len(), 50);
    assert!(matches!(page.older, Older::OutOfReach(_)), "{:?}", page.older);
    phone.proxy.up();
    phone.engine.network_changed().await;
    phone.online().await;
    let numbers = |messages: &[kith_client::Message]| messages.iter().map(|m| m.number).collect::<Vec<_>>();
    let page = phone.engine.messages(&conversation, None, 100).await.unwrap();
    assert_eq!(
        (numbers(&page.messages), page.older),
        ((21..=120).collect(), Older::More)
    );
    let page = phone.engine.messages(&conversation, Some(21), 100).await.unwrap();
    assert_eq!(
        (numbers(&page.messages), page.older),
        ((1..=20).collect(), Older::Nothing)
    );
    for before in [0, 1] {
        let page = phone
            .engine
            .messages(&conversation, Some(before), 100)
            .await
            .unwrap();
        assert_eq!((page.messages.len(), page.older), (0, Older::Nothing));
    }
    let page = phone
        .engine
        .messages(&conversation, Some(u64::MAX), 1)
        .await
        .unwrap();
    assert_eq!(numbers(&page.messages), [120]);
    assert_eq!(phone.texts("alice").await.len(), 120);
    // And what was fetched stays.
    let phone = phone.restart().await;
    phone.proxy.down();
    assert_eq!(phone.texts("alice").await.len(), 120);
}

#[tokio::test]
async fn a_damaged_copy_is_fetched_again_and_the_outbox_kept() {
    let server = Server::start();
    let (alice, mut bob) = long_chat(&server).await;
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("garbage", |copy| fs::write(copy, "x".repeat(50_000)).unwrap()),
        ("cut off", |copy| {
            let file = fs::OpenOptions::new().write(true).open(copy).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        }),
        ("holes", |copy| {
            let mut bytes = fs::read(copy).unwrap();
            for page in bytes.chunks_mut(4096).skip(2) {
                page[..200].fill(0x5a);
            }
            fs::write(copy, bytes).unwrap();
        }),
        ("another version", |copy| execute(copy, "PRAGMA user_version = 0")),
        ("a table is missing", |copy| execute(copy, "DROP TABLE effects")),
    ];
    let mut alice = alice;
    let mut written = 120;
    for (what, damage) in damages {
        alice.proxy.down();
        written += 1;
        alice.say("bob", &written.to_string()).await;
        let (options, proxy, folder) = alice.stop().await;
        let copy = folder.path().join("copy.db");
        damage(&copy);
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{end}", copy.display()));
        }
        proxy.up();
        alice = Device::open(options, proxy, folder).await;
        // Looking at it is what shows some of the damage.
        let _ = alice.engine.conversations().await;
        bob.hears("alice", &written.to_string()).await;
        alice.hears("alice", &written.to_string()).await;
        let texts: Vec<String> = (1..=written).map(|number| number.to_string()).collect();
        assert_eq!(alice.texts("bob").await, texts, "{what}");
        alice.equals_fresh_fetch(&server).await;
    }
}

#[tokio::test]
async fn an_outbox_that_cannot_be_read_is_moved_aside() {
    let server = Server::start();
    let alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    alice.tell("bob", "one").await;
    let (options, proxy, folder) = alice.stop().await;
    fs::write(folder.path().join("outbox.db"), "not a database at all").unwrap();
    let alice = Device::open(options, proxy, folder).await;
    assert_eq!(
        fs::read_to_string(alice.folder.path().join("outbox.damaged.db")).unwrap(),
        "not a database at all"
    );
    alice.tell("bob", "two").await;
    bob.hears("alice", "two").await;
}

#[tokio::test]
async fn a_copy_belongs_to_one_account_of_one_server_and_one_version() {
    let server = Server::start();
    let alice = Device::register(&server, "alice").await;
    let (options, proxy, folder) = alice.stop().await;
    for other in [
        Owner {
            server: "another".to_owned(),
            ..owner(&options)
        },
        Owner {
            account: "another".to_owned(),
            ..owner(&options)
        },
    ] {
        let error = SqliteStore::open(folder.path(), other).unwrap_err();
        assert!(matches!(error, StoreError::OtherOwner { .. }), "{error}");
    }
    // What waits to be sent is never thrown away for its version.
    execute(&folder.path().join("outbox.db"), "PRAGMA user_version = 99");
    let error = SqliteStore::open(folder.path(), owner(&options)).unwrap_err();
    assert!(matches!(error, StoreError::Newer { version: 99, .. }), "{error}");
    execute(&folder.path().join("outbox.db"), "PRAGMA user_version = 3");
    let device = Device::open(options, proxy, folder).await;
    device.online().await;
    assert!(!device.folder.path().join("outbox.damaged.db").exists());
}

#[tokio::test]
async fn two_programs_share_a_copy() {
    let server = Server::start();
    let mut one = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    one.tell("bob", "hello").await;
    let two = engine(&one.options, one.folder.path()).await;
    timeout(PATIENCE, two.online()).await.unwrap().unwrap();
    let mut texts = vec!["hello".to_owned()];
    for number in 0..10 {
        let text = format!("one {number}");
        one.tell("bob", &text).await;
        texts.push(text);
        let text = format!("two {number}");
        let id = two.send(person("bob"), text.clone(), None).await.unwrap();
        timeout(PATIENCE, two.settled(id)).await.unwrap().unwrap();
        texts.push(text);
        let text = format!("bob {number}");
        bob.tell("alice", &text).await;
        one.hears("bob", &text).await;
        texts.push(text);
    }
    assert_eq!(one.texts("bob").await, texts);
    assert_eq!(bob.texts("alice").await, texts);
    // And with both at once, and a line that breaks.
    for number in 0..10 {
        one.say("bob", &format!("three {number}")).await;
        two.send(person("bob"), format!("four {number}"), None)
            .await
            .unwrap();
        if number == 5 {
            one.proxy.cut();
        }
    }
    one.empty().await;
    bob.until("all have come", async |engine| {
        let conversation = engine.conversation_with("alice").unwrap();
        engine
            .messages(&conversation, None, 500)
            .await
            .unwrap()
            .messages
            .len()
            == 51
    })
    .await;
    let heard = bob.texts("alice").await;
    for word in ["three", "four"] {
        let said: Vec<_> = heard.iter().filter(|text| text.starts_with(word)).collect();
        let wanted: Vec<_> = (0..10).map(|number| format!("{word} {number}")).collect();
        assert_eq!(said, wanted.iter().collect::<Vec<_>>());
    }
    // A copy that has to be made anew isn't taken away from under the other program.
    let copy = one.folder.path().join("copy.db");
    execute(&copy, "PRAGMA user_version = 0");
    let third = SqliteStore::open(one.folder.path(), owner(&one.options)).unwrap_err();
    assert_eq!(third, StoreError::InUse);
    execute(&copy, "PRAGMA user_version = 1");
    two.close().await;
    drop(two);
    one.equals_fresh_fetch(&server).await;
}

#[tokio::test]
async fn what_another_program_has_stored_is_told_too() {
    let server = Server::start();
    let one = Device::register(&server, "alice").await;
    let bob = Device::register(&server, "bob").await;
    one.online().await;
    let two: Engine = engine(&one.options, one.folder.path()).await;
    timeout(PATIENCE, two.online()).await.unwrap().unwrap();
    let mut changes = [one.engine.changes(), two.changes()];
    for number in 1..=5 {
        bob.tell("alice", &number.to_string()).await;
    }
    for changes in &mut changes {
        let mut told = std::collections::BTreeSet::new();
        while told.len() < 5 {
            let batch = timeout(PATIENCE, changes.next()).await.unwrap().unwrap();
            for change in batch {
                if let Change::Messages { numbers, .. } = change {
                    told.extend(numbers);
                }
            }
        }
    }
    let conversation = two.conversation_with("bob").unwrap();
    let page = two.messages(&conversation, None, 9).await.unwrap();
    assert_eq!(page.messages[4].content, Content::Text("5".to_owned()));
    let store: Arc<SqliteStore> = Arc::new(crate::device::store(&one.options, one.folder.path()));
    drop(store);
}

fn execute(database: &Path, sql: &str) {
    rusqlite::Connection::open(database)
        .unwrap()
        .execute_batch(sql)
        .unwrap();
}

#[tokio::test]
async fn the_events_of_a_log_come_whole_though_the_copy_holds_its_end() {
    let server = Server::start();
    let (_alice, _bob) = long_chat(&server).await;
    let mut phone = Device::login(&server, "bob").await;
    phone.online().await;
    let logs = phone.engine.logs();
    let [own, chat] = &logs[..] else {
        panic!("{logs:?}")
    };
    let engine = phone.engine.clone();
    assert_eq!((&own.id, own.others.len()), (&phone.engine.me().account, 0));
    assert_eq!((&*chat.others, chat.newest), (&["alice".to_owned()][..], 120));
    let numbers = async |after, limit| -> Vec<u64> {
        let events = engine.events(&chat.id, after, limit).await.unwrap();
        events.iter().map(|event| event.number).collect()
    };
    // The end is there; what is in front of it is fetched, and then it is there too.
    phone.offline().await;
    assert_eq!(numbers(118, 500).await, [119, 120]);
    assert_eq!(numbers(120, 500).await, [0; 0]);
    assert!(phone.engine.events(&chat.id, 5, 2).await.is_err());
    phone.proxy.up();
    phone.engine.network_changed().await;
    phone.online().await;
    assert_eq!(numbers(5, 2).await, [6, 7]);
    assert_eq!(numbers(0, 500).await, (1..=120).collect::<Vec<_>>());
    phone.proxy.down();
    assert_eq!(numbers(0, 1).await, [1]);
}

#[tokio::test]
async fn whoever_waits_for_it_knows_when_marks_were_told() {
    let server = Server::start();
    let (alice, bob) = long_chat(&server).await;
    let conversation = bob.engine.conversation_with("alice").unwrap();
    bob.engine.mark_read(&conversation, 120).await.unwrap();
    timeout(PATIENCE, bob.engine.marks_told()).await.unwrap();
    let device = Device::login(&server, "alice").await;
    device.online().await;
    let marks = device.engine.marks(&conversation);
    let his = marks.iter().find(|mark| mark.username == "bob").unwrap();
    assert_eq!((his.delivered, his.read), (120, 120));
    // Without a connection nobody waits for long.
    alice.proxy.down();
    timeout(PATIENCE, alice.engine.marks_told()).await.unwrap();
}

#[tokio::test]
async fn a_program_that_is_killed_has_kept_what_was_written() {
    let server = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    alice.tell("bob", "one").await;
    alice.offline().await;
    alice.say("bob", "two").await;
    // What lies in the files right now is what a kill leaves behind.
    let left = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(alice.folder.path()).unwrap() {
        let entry = entry.unwrap();
        // The index of SQLite's log lives in memory that the programs share, and is made anew.
        if !entry.file_name().to_string_lossy().ends_with("-shm") {
            fs::copy(entry.path(), left.path().join(entry.file_name())).unwrap();
        }
    }
    let (options, proxy, _) = alice.stop().await;
    let mut alice = Device::open(options, proxy, left).await;
    assert_eq!(alice.texts("bob").await, ["one"]);
    assert_eq!(alice.engine.outbox().await.unwrap().len(), 1);
    alice.proxy.up();
    alice.empty().await;
    bob.hears("alice", "two").await;
    alice.equals_fresh_fetch(&server).await;
}
