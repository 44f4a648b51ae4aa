//! What people do, while the line is good.

use kith_client::{Change, Content, Progress, Status};
use kith_common::{ContactAction, FileDetails, FileName};
use kith_tests::Server;

use crate::device::{Device, person};

#[tokio::test]
async fn two_people_write_and_both_see_the_same() {
    let server = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    let (conversation, number) = alice.tell("bob", "Tea?").await;
    assert_eq!(number, 1);
    assert_eq!(alice.texts("bob").await, ["Tea?"]);
    let tea = bob.hears("alice", "Tea?").await;
    let listed = bob.engine.conversations().await.unwrap();
    assert_eq!(
        (listed[0].unread, listed[0].others.as_slice()),
        (1, &["alice".to_owned()][..])
    );
    assert_eq!(listed[0].last.as_ref(), Some(&tea));
    let id = bob
        .engine
        .send(person("alice"), "Gladly".to_owned(), Some(tea.number))
        .await
        .unwrap();
    assert_eq!(bob.sent(id).await, (conversation.clone(), 2));
    assert_eq!(alice.hears("bob", "Gladly").await.reply_to, Some(1));
    for device in [&mut alice, &mut bob] {
        device.equals_fresh_fetch(&server).await;
    }
}

#[tokio::test]
async fn a_file_goes_over_and_is_fetched() {
    let server = Server::start();
    let alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    let name = FileName::try_from("a.bin".to_owned()).unwrap();
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    let id = alice
        .engine
        .send_file(
            person("bob"),
            name.clone(),
            bytes.clone(),
            FileDetails::default(),
            None,
        )
        .await
        .unwrap();
    let (conversation, number) = alice.sent(id).await;
    bob.until("the file is there", async |engine| {
        engine.message(&conversation, number).await.unwrap().is_some()
    })
    .await;
    let seen = bob.engine.message(&conversation, number).await.unwrap().unwrap();
    assert_eq!(
        alice
            .engine
            .message(&conversation, number)
            .await
            .unwrap()
            .as_ref(),
        Some(&seen)
    );
    let Content::File { file, size, .. } = seen.content else {
        panic!("{seen:?}")
    };
    assert_eq!(size, 100_000);
    let fetched = bob.engine.file(&file).await.unwrap();
    assert_eq!((fetched.file_name, fetched.file_data.0), (name, bytes));
}

#[tokio::test]
async fn contacts_are_the_same_on_both_devices() {
    let server = Server::start();
    let _bob = Device::register(&server, "bob").await;
    let phone = Device::register(&server, "alice").await;
    let mut desktop = Device::login(&server, "alice").await;
    let id = phone
        .engine
        .change_contact(ContactAction::Add, &person("Bob"))
        .await
        .unwrap();
    assert_eq!(
        phone.engine.settled(id).await.unwrap(),
        Progress::Sent { place: None }
    );
    assert!(phone.engine.contacts().contacts.contains("bob"));
    desktop
        .until("bob is a contact", async |engine| {
            engine.contacts().contacts.contains("bob")
        })
        .await;
    let refused = phone
        .engine
        .change_contact(ContactAction::Add, &person("nobody"))
        .await
        .unwrap();
    assert!(matches!(
        phone.engine.settled(refused).await.unwrap(),
        Progress::Failed(_)
    ));
    phone.engine.discard(refused).await.unwrap();
    assert_eq!(phone.engine.outbox().await.unwrap(), []);
}

#[tokio::test]
async fn changes_tell_what_to_look_at() {
    let server = Server::start();
    let alice = Device::register(&server, "alice").await;
    let bob = Device::register(&server, "bob").await;
    bob.online().await;
    let mut changes = bob.engine.changes();
    let (conversation, _) = alice.tell("bob", "one").await;
    let mut seen = Vec::new();
    let there = |seen: &[Change]| {
        let unread = Change::Unread {
            conversation: conversation.clone(),
            count: 1,
        };
        seen.contains(&Change::Conversations) && seen.contains(&unread)
    };
    while !there(&seen) {
        seen.extend(changes.next().await.unwrap());
    }
    assert!(
        seen.iter()
            .any(|change| matches!(change, Change::Messages { numbers, .. } if numbers.contains(&1)))
    );
    bob.engine.close().await;
    while let Some(batch) = changes.next().await {
        seen.extend(batch);
    }
    assert_eq!(seen.last(), Some(&Change::Status(Status::Closed)));
}

#[tokio::test]
async fn a_bot_of_thirty_lines_answers() {
    let server = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    let bot = Device::register(&server, "echo").await;
    let engine = bot.engine.clone();
    let running = tokio::spawn(async move { crate::echo_bot::echo(&engine).await });
    let (_, number) = alice.tell("echo", "Is anybody there?").await;
    assert_eq!(
        alice.hears("echo", "Is anybody there?").await.reply_to,
        Some(number)
    );
    // What it is told while it isn't running it answers later, and what it has answered never again.
    bot.engine.close().await;
    running.await.unwrap().unwrap();
    alice.tell("echo", "And now?").await;
    let bot = bot.restart().await;
    let engine = bot.engine.clone();
    let running = tokio::spawn(async move { crate::echo_bot::echo(&engine).await });
    alice.hears("echo", "And now?").await;
    alice.tell("echo", "Goodbye").await;
    alice.hears("echo", "Goodbye").await;
    bot.engine.close().await;
    running.await.unwrap().unwrap();
    assert_eq!(alice.texts("echo").await.len(), 6);
}

#[tokio::test]
async fn an_account_that_is_remembered_opens_with_one_call() {
    use kith_client::{Account, Logs, OpenError, Store};

    let server = Server::start();
    let device = Device::register(&server, "alice").await;
    let home = tempfile::tempdir().unwrap();
    let store = Store::new(home.path());
    assert!(matches!(
        store.open(None, None, "test/1").await,
        Err(OpenError::Unknown)
    ));
    let kith_client::Trust::Pins(pins) = device.options.target.trust.clone() else {
        panic!("the stories pin")
    };
    let account = Account {
        server: device.options.target.server.clone(),
        username: "alice".to_owned(),
        account: device.options.me.account.clone(),
        device: device.options.me.device,
        token: Some(device.options.token.clone()),
        logs: Logs::default(),
    };
    store
        .change(|profile| {
            profile.servers.entry(account.server.clone()).or_default().pins = pins;
            profile.accounts.insert("alice".to_owned(), account.clone());
        })
        .unwrap();
    let engine = store.open(Some("alice"), None, "test/1").await.unwrap();
    engine.online().await.unwrap();
    engine.close().await;
    store
        .change(|profile| profile.accounts.get_mut("alice").unwrap().token = None)
        .unwrap();
    assert!(matches!(
        store.open(None, None, "test/1").await,
        Err(OpenError::LoggedOut(_))
    ));
}
