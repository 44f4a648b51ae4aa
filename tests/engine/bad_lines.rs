//! Lines that break, at every byte: nothing is lost, nothing comes twice, nothing overtakes.

use kith_client::{Progress, Status};
use kith_tests::{Server, Way};

use crate::device::Device;

/// Bytes of a request and its reply, with what TLS adds, that are surely enough.
const MORE_THAN_A_REQUEST: usize = 4000;

#[tokio::test]
async fn a_line_that_breaks_while_much_is_sent_loses_and_doubles_nothing() {
    let server = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    alice.online().await;
    let texts: Vec<String> = (0..60).map(|number| format!("message {number}")).collect();
    for (number, text) in texts.iter().enumerate() {
        alice.say("bob", text).await;
        if number % 15 == 7 {
            alice.proxy.cut();
        }
        if number % 20 == 11 {
            bob.proxy.cut();
        }
    }
    alice.empty().await;
    bob.hears("alice", "message 59").await;
    assert_eq!(alice.texts("bob").await, texts);
    assert_eq!(bob.texts("alice").await, texts);
    for device in [&mut alice, &mut bob] {
        device.equals_fresh_fetch(&server).await;
    }
}

/// Cuts the line after each number of bytes in one direction, from when a message is sent.
async fn cut_after_each_byte(way: Way) {
    let server = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    // Nobody else is there, so that nothing else goes over the line.
    Device::register(&server, "bob").await.stop().await;
    alice.online().await;
    alice.tell("bob", "first").await;
    let mut texts = vec!["first".to_owned()];
    for bytes in 0..MORE_THAN_A_REQUEST {
        let text = format!("after {bytes}");
        alice.proxy.cut_after(way, bytes);
        let id = alice.say("bob", &text).await;
        texts.push(text);
        // Not to wait for the engine's own patience between two attempts.
        alice
            .until("it is sent", async |engine| {
                if matches!(engine.status(), Status::Offline { .. }) {
                    engine.network_changed().await;
                }
                engine.outbox().await.unwrap().is_empty()
            })
            .await;
        assert!(matches!(
            alice.engine.settled(id).await.unwrap(),
            Progress::Sent { .. }
        ));
        if alice.proxy.is_armed() {
            // All of it has gone through.
            alice.proxy.disarm();
            assert!(bytes > 100, "a request is longer than {bytes} bytes");
            assert_eq!(alice.texts("bob").await, texts);
            return alice.equals_fresh_fetch(&server).await;
        }
    }
    panic!("the request has no end");
}

#[tokio::test]
async fn a_line_that_breaks_at_any_byte_of_a_request_loses_and_doubles_nothing() {
    cut_after_each_byte(Way::Up).await;
}

#[tokio::test]
async fn a_line_that_breaks_at_any_byte_of_a_reply_loses_and_doubles_nothing() {
    cut_after_each_byte(Way::Down).await;
}

#[tokio::test]
async fn a_reply_that_is_lost_after_the_commit_is_made_good_by_the_log() {
    let server = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    // Nobody else is there, so that nothing else goes over the line.
    let (options, proxy, folder) = Device::register(&server, "bob").await.stop().await;
    alice.online().await;
    alice.tell("bob", "one").await;
    // Nothing of the reply comes back, and no new connection is made.
    alice.proxy.down_after(Way::Down, 0);
    alice.say("bob", "two").await;
    alice
        .until("the line is down", async |engine| {
            matches!(engine.status(), Status::Offline { .. })
        })
        .await;
    let mut bob = Device::open(options, proxy, folder).await;
    bob.hears("alice", "two").await;
    assert_eq!(
        alice.engine.outbox().await.unwrap().len(),
        1,
        "nobody has told that it was sent"
    );
    let mut alice = alice.restart().await;
    assert_eq!(alice.engine.outbox().await.unwrap().len(), 1);
    alice.say("bob", "three").await;
    alice.proxy.up();
    alice.empty().await;
    bob.hears("alice", "three").await;
    assert_eq!(bob.texts("alice").await, ["one", "two", "three"]);
    alice.equals_fresh_fetch(&server).await;
}

#[tokio::test]
async fn what_is_written_offline_survives_the_program_and_is_sent_in_order() {
    let server = Server::start();
    let alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    let (conversation, _) = alice.tell("bob", "hello").await;
    alice.proxy.down();
    for text in ["one", "two"] {
        alice.say("bob", text).await;
    }
    let alice = alice.restart().await;
    assert_eq!(alice.texts("bob").await, ["hello"], "it opens offline");
    let three = kith_client::To::Conversation(conversation);
    alice
        .engine
        .send(three, "three".to_owned(), Some(1))
        .await
        .unwrap();
    let pending = alice.engine.outbox().await.unwrap();
    assert_eq!(pending.len(), 3);
    assert!(pending.iter().all(|item| item.write.conversation().is_some()));
    let mut alice = alice.restart().await;
    let discarded = alice.engine.outbox().await.unwrap()[1].id;
    alice.engine.discard(discarded).await.unwrap();
    alice.say("bob", "four").await;
    alice.proxy.up();
    alice.empty().await;
    bob.hears("alice", "four").await;
    assert_eq!(bob.texts("alice").await, ["hello", "one", "three", "four"]);
    alice.equals_fresh_fetch(&server).await;
}
