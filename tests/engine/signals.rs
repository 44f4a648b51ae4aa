//! Who is there and who types: told at once, never stored, and no harm when there is too much of it.

use kith_client::Change;
use kith_common::{ContactAction, Presence};
use kith_tests::{PATIENCE, Server};
use serde_json::json;
use tokio::time::timeout;

use crate::device::{Device, person};

#[tokio::test]
async fn people_see_who_is_there() {
    let server = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    for (device, other) in [(&alice, "bob"), (&bob, "alice")] {
        let id = device
            .engine
            .change_contact(ContactAction::Add, &person(other))
            .await
            .unwrap();
        device.engine.settled(id).await.unwrap();
    }
    alice.engine.set_presence(Presence::Online).await;
    bob.engine.set_presence(Presence::Away).await;
    alice
        .until("bob is away", async |engine| {
            engine.presence("bob") == Presence::Away
        })
        .await;
    bob.until("alice is there", async |engine| {
        engine.presence("alice") == Presence::Online
    })
    .await;
    // A new connection shows itself as the old one did.
    alice.proxy.cut();
    alice
        .until("a new connection sees bob", async |engine| {
            engine.presence("bob") == Presence::Away
        })
        .await;
    bob.until("alice is there again", async |engine| {
        engine.presence("alice") == Presence::Online
    })
    .await;
    alice.proxy.down();
    bob.until("alice has gone", async |engine| {
        engine.presence("alice") == Presence::Offline
    })
    .await;
    alice
        .until("nobody is seen offline", async |engine| {
            engine.presence("bob") == Presence::Offline
        })
        .await;
}

#[tokio::test]
async fn typing_is_told_and_ends_with_the_message() {
    let server = Server::start();
    let alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    let (conversation, _) = alice.tell("bob", "hello").await;
    bob.hears("alice", "hello").await;
    let mut changes = bob.engine.changes();
    let mut next = async |wanted: bool| {
        let waiting = async {
            loop {
                for change in changes.next().await.unwrap() {
                    if matches!(change, Change::Typing { typing, .. } if typing == wanted) {
                        return;
                    }
                }
            }
        };
        timeout(PATIENCE, waiting).await.expect("typing in time");
    };
    alice.engine.typing(&conversation, true).await;
    next(true).await;
    alice.engine.typing(&conversation, false).await;
    next(false).await;
    alice.engine.typing(&conversation, true).await;
    next(true).await;
    // Whoever says it has written it; whoever falls silent has stopped.
    alice.tell("bob", "there").await;
    next(false).await;
    alice.engine.typing(&conversation, true).await;
    next(true).await;
    bob.proxy.cut();
    next(false).await;
}

#[tokio::test]
async fn a_peer_that_floods_holds_nobody_up() {
    let server = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    let (conversation, _) = alice.tell("bob", "hello").await;
    bob.hears("alice", "hello").await;
    let mut flood = server.native_login("alice").await;
    for number in 0..500 {
        let typing = json!({"action": "typing", "conversation": conversation, "typing": number % 2 == 0});
        flood.send(typing).await;
        let mark = json!({"action": "mark", "conversation": conversation, "read": number % 3});
        flood.send(mark).await;
    }
    alice.tell("bob", "still there?").await;
    bob.hears("alice", "still there?").await;
    bob.tell("alice", "yes").await;
    for device in [&mut alice, &mut bob] {
        device.equals_fresh_fetch(&server).await;
    }
}
