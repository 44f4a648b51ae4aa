//! What people do, while the line is good.

use kith_client::{Change, Content, Progress, Status};
use kith_common::{ContactAction, FileName};
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
        .send_file(person("bob"), name.clone(), bytes.clone(), None)
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
