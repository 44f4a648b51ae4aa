//! What is done to messages after they were sent, seen from both sides.

use kith_client::{Content, Progress};
use kith_common::{ErrorCode, FileDetails, FileName, Mark};
use kith_tests::Server;

use crate::device::{Device, person};

#[tokio::test]
async fn edits_and_reactions_are_seen_on_both_sides() {
    let server = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    let (conversation, number) = alice.tell("bob", "See you at four").await;
    bob.hears("alice", "See you at four").await;
    let edit = alice
        .engine
        .edit(&conversation, number, "See you at five".to_owned())
        .await
        .unwrap();
    alice.sent(edit).await;
    let edited = bob.hears("alice", "See you at five").await;
    assert!(edited.edited.is_some());
    assert_eq!(
        bob.texts("alice").await,
        ["See you at five"],
        "an edit is no message"
    );
    for (reaction, on) in [("👍", true), ("❤️", true), ("👍", false)] {
        let id = bob
            .engine
            .react(&conversation, number, reaction.to_owned(), on)
            .await
            .unwrap();
        bob.sent(id).await;
    }
    alice
        .until("the reaction is there", async |engine| {
            let message = engine.message(&conversation, number).await.unwrap().unwrap();
            message
                .reactions
                .get("❤️")
                .is_some_and(|people| people.contains("bob"))
        })
        .await;
    // Somebody else's message can't be edited, and nothing behind that is held up.
    let refused = bob
        .engine
        .edit(&conversation, number, "mine".to_owned())
        .await
        .unwrap();
    bob.tell("alice", "done").await;
    let Progress::Failed(error) = bob.engine.settled(refused).await.unwrap() else {
        panic!("it was refused")
    };
    assert_eq!(error.code, ErrorCode::Forbidden);
    bob.engine.discard(refused).await.unwrap();
    for device in [&mut alice, &mut bob] {
        device.equals_fresh_fetch(&server).await;
        assert_eq!(device.engine.unread(&conversation).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn what_is_deleted_is_gone_from_every_device_with_all_its_edits() {
    let server = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    let (conversation, number) = alice.tell("bob", "my passwort is").await;
    bob.hears("alice", "my passwort is").await;
    for text in ["my password is", "my password is hunter22"] {
        alice
            .engine
            .edit(&conversation, number, text.to_owned())
            .await
            .unwrap();
    }
    // The edits are still to be sent when the message is deleted: their numbers are looked for when it is its turn.
    let delete = alice.engine.delete(&conversation, number).await.unwrap();
    alice.sent(delete).await;
    for device in [&mut alice, &mut bob] {
        device
            .until("it is gone", async |engine| {
                engine
                    .message(&conversation, number)
                    .await
                    .unwrap()
                    .unwrap()
                    .content
                    == Content::Erased
            })
            .await;
        device.equals_fresh_fetch(&server).await;
    }
    let database = server.data().join("kith.db");
    let mut places = vec![database];
    for device in [alice, bob] {
        let (_, _, folder) = device.stop().await;
        places.push(folder.path().join("copy.db"));
        let left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        for file in left {
            let bytes = std::fs::read(&file).unwrap();
            let found = bytes.windows(8).any(|window| window == b"hunter22");
            assert!(!found, "{} still holds it", file.display());
        }
    }
}

#[tokio::test]
async fn a_file_that_is_deleted_can_not_be_fetched_any_more() {
    let server = Server::start();
    let alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    let name = FileName::try_from("a.txt".to_owned()).unwrap();
    let id = alice
        .engine
        .send_file(
            person("bob"),
            name,
            b"hello".to_vec(),
            FileDetails::default(),
            None,
        )
        .await
        .unwrap();
    let (conversation, number) = alice.sent(id).await;
    let Some(Content::File { file, .. }) = alice
        .engine
        .message(&conversation, number)
        .await
        .unwrap()
        .map(|m| m.content)
    else {
        panic!("it is a file")
    };
    let delete = alice.engine.delete(&conversation, number).await.unwrap();
    alice.sent(delete).await;
    bob.until("it is gone", async |engine| {
        let message = engine.message(&conversation, number).await.unwrap();
        message.is_some_and(|message| message.content == Content::Erased)
    })
    .await;
    assert!(bob.engine.file(&file).await.is_err());
    assert_eq!(
        bob.engine.unread(&conversation).await.unwrap(),
        0,
        "nothing is left to be read"
    );
}

#[tokio::test]
async fn marks_are_seen_on_both_sides_and_on_all_devices() {
    let server = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    let mut phone = Device::register(&server, "bob").await;
    let mut desktop = Device::login(&server, "bob").await;
    let (conversation, _) = alice.tell("bob", "one").await;
    alice.tell("bob", "two").await;
    let mark = |username: &str, delivered, read| Mark {
        conversation: conversation.clone(),
        username: username.to_owned(),
        delivered,
        read,
    };
    let received = mark("bob", 2, 0);
    alice
        .until("it was received", async |engine| {
            engine.marks(&conversation).contains(&received)
        })
        .await;
    for device in [&mut phone, &mut desktop] {
        device.hears("alice", "two").await;
        assert_eq!(device.engine.unread(&conversation).await.unwrap(), 2);
    }
    phone.engine.mark_read(&conversation, 1).await.unwrap();
    assert_eq!(phone.engine.unread(&conversation).await.unwrap(), 1, "at once");
    desktop
        .until("one was read", async |engine| {
            engine.unread(&conversation).await.unwrap() == 1
        })
        .await;

    // What was read offline is told later, and marks never go back.
    phone.proxy.down();
    phone.engine.mark_read(&conversation, 99).await.unwrap();
    phone.engine.mark_read(&conversation, 1).await.unwrap();
    let mut phone = phone.restart().await;
    assert_eq!(phone.engine.unread(&conversation).await.unwrap(), 0);
    phone.proxy.up();
    let read = mark("bob", 2, 2);
    alice
        .until("all was read", async |engine| {
            engine.marks(&conversation).contains(&read)
        })
        .await;
    desktop
        .until("all was read", async |engine| {
            engine.unread(&conversation).await.unwrap() == 0
        })
        .await;
    for device in [&mut alice, &mut phone, &mut desktop] {
        device.equals_fresh_fetch(&server).await;
    }
}

#[tokio::test]
async fn a_profile_is_seen_by_whoever_knows_the_person() {
    let server = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    let mut desktop = Device::login(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    alice.tell("bob", "hello").await;
    bob.hears("alice", "hello").await;
    let about = Some("Late for tea".to_owned());
    let picture = b"\x89PNG\r\n\x1a\n".to_vec();
    let id = alice
        .engine
        .change_profile(Some("Alice L.".to_owned()), about, Some(picture.clone()))
        .await
        .unwrap();
    assert_eq!(
        alice.engine.settled(id).await.unwrap(),
        Progress::Sent { place: None }
    );
    for device in [&mut alice, &mut desktop, &mut bob] {
        device
            .until("the new name", async |engine| {
                engine
                    .profile("Alice")
                    .is_some_and(|person| person.display_name == "Alice L.")
            })
            .await;
        device.equals_fresh_fetch(&server).await;
    }
    let fetched = bob.engine.fetch_profile("alice").await.unwrap();
    assert_eq!(Some(fetched.profile), bob.engine.profile("alice"));
    assert_eq!(fetched.avatar_data.unwrap().0, picture);
}

#[tokio::test]
async fn a_message_with_more_edits_than_a_request_may_name_is_deleted_with_all_of_them() {
    let server = Server::start();
    let mut phone = Device::register(&server, "alice").await;
    let mut desktop = Device::login(&server, "alice").await;
    let _bob = Device::register(&server, "bob").await;
    let (conversation, number) = phone.tell("bob", "draft 0").await;
    for draft in 1..=105 {
        let text = format!("hunter22 {draft}");
        phone.engine.edit(&conversation, number, text).await.unwrap();
    }
    phone.empty().await;
    desktop.hears("alice", "hunter22 105").await;
    // Both at once: one of them is too late, which is no failure.
    for device in [&phone, &desktop] {
        device.engine.delete(&conversation, number).await.unwrap();
    }
    for device in [&mut phone, &mut desktop] {
        device.empty().await;
        device.equals_fresh_fetch(&server).await;
    }
    let mut raw = server.native_login("alice").await;
    let history = serde_json::json!({"action": "history", "conversation": conversation, "limit": 500});
    let log = raw.ok_after_events(history).await.to_string();
    assert!(!log.contains("hunter22"), "{log}");
}
