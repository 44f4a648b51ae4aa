//! Servers that restart, sessions that end, refusals, clocks that are wrong.

use kith_client::{Clock, Engine, EngineError, Options, Progress, Status, To, TrustError};
use kith_common::{ContactAction, ErrorCode};
use kith_tests::Server;

use crate::device::{Device, engine, person, session};

#[tokio::test]
async fn two_devices_converge() {
    let server = Server::start();
    let mut phone = Device::register(&server, "alice").await;
    let mut desktop = Device::login(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    phone.tell("bob", "from the phone").await;
    desktop.hears("alice", "from the phone").await;
    phone.proxy.down();
    phone.say("bob", "offline on the phone").await;
    desktop.tell("bob", "from the desktop").await;
    bob.hears("alice", "from the desktop").await;
    bob.tell("alice", "who is this?").await;
    phone.proxy.up();
    phone.engine.network_changed().await;
    phone.empty().await;
    desktop.hears("alice", "offline on the phone").await;
    assert_eq!(phone.texts("bob").await, desktop.texts("bob").await);
    for device in [&mut phone, &mut desktop, &mut bob] {
        device.equals_fresh_fetch(&server).await;
    }
}

#[tokio::test]
async fn a_server_that_restarts_in_mid_sync_is_asked_again() {
    let mut server = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    let bob = Device::register(&server, "bob").await;
    alice.online().await;
    alice.tell("bob", "hello").await;
    alice.proxy.down();
    for number in 0..300 {
        bob.say("alice", &format!("{number}")).await;
    }
    let mut bob = bob;
    bob.empty().await;
    // A page of sync is larger than this: it is cut in the middle.
    alice.proxy.cut_after(kith_tests::Way::Down, 30_000);
    alice.proxy.up();
    alice.engine.network_changed().await;
    alice
        .until("it was cut", async |engine| {
            matches!(engine.status(), Status::Offline { .. })
        })
        .await;
    alice.proxy.down();
    server.kill();
    server.restart();
    for device in [&alice, &bob] {
        device.proxy.redirect(server.address);
    }
    alice.proxy.up();
    alice.engine.network_changed().await;
    alice.hears("bob", "299").await;
    assert_eq!(alice.texts("bob").await.len(), 301);
    alice.equals_fresh_fetch(&server).await;
}

#[tokio::test]
async fn a_revoked_session_keeps_what_was_written_for_the_next_login() {
    let server = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    alice.tell("bob", "one").await;
    alice.proxy.down();
    alice.say("bob", "two").await;
    let desktop = Device::login(&server, "alice").await;
    desktop.online().await;
    desktop.engine.revoke(alice.options.me.device).await.unwrap();
    alice.proxy.up();
    alice.engine.network_changed().await;
    alice
        .until("it knows", async |engine| engine.status() == Status::SessionEnded)
        .await;
    assert_eq!(alice.engine.online().await, Err(EngineError::SessionEnded));
    assert_eq!(alice.engine.outbox().await.unwrap().len(), 1);
    assert_eq!(alice.texts("bob").await, ["one"]);

    let other = session(&server, "bob", alice.proxy.address).await;
    assert_eq!(alice.engine.renew(&other).await, Err(EngineError::OtherAccount));
    let renewed = session(&server, "alice", alice.proxy.address).await;
    alice.engine.renew(&renewed).await.unwrap();
    alice.options = Options::of(&renewed);
    alice.empty().await;
    bob.hears("alice", "two").await;

    // The same while the program isn't running.
    alice.proxy.down();
    alice.say("bob", "three").await;
    let (_, proxy, folder) = alice.stop().await;
    proxy.up();
    let again = session(&server, "alice", proxy.address).await;
    let mut alice = Device::open(Options::of(&again), proxy, folder).await;
    alice.empty().await;
    bob.hears("alice", "three").await;
    assert_eq!(bob.texts("alice").await, ["one", "two", "three"]);
    alice.equals_fresh_fetch(&server).await;
}

#[tokio::test]
async fn what_is_refused_for_good_holds_nothing_up_and_can_be_tried_again() {
    let server = Server::start();
    let alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    let mut carol = Device::register(&server, "carol").await;
    alice.tell("bob", "one").await;
    bob.hears("alice", "one").await;
    let block = bob
        .engine
        .change_contact(ContactAction::Block, &person("alice"))
        .await
        .unwrap();
    assert_eq!(
        bob.engine.settled(block).await.unwrap(),
        Progress::Sent { place: None }
    );
    let refused = alice.say("bob", "two").await;
    let nobody = alice.say("nobody", "hello?").await;
    alice.tell("carol", "three").await;
    carol.hears("alice", "three").await;
    for (id, code) in [(refused, ErrorCode::Blocked), (nobody, ErrorCode::NotFound)] {
        let Progress::Failed(error) = alice.engine.settled(id).await.unwrap() else {
            panic!("it was refused")
        };
        assert_eq!(error.code, code);
    }
    let alice = alice.restart().await;
    assert_eq!(
        alice.engine.outbox().await.unwrap().len(),
        2,
        "nothing typed is lost"
    );
    let unblock = bob
        .engine
        .change_contact(ContactAction::Unblock, &person("alice"))
        .await
        .unwrap();
    bob.engine.settled(unblock).await.unwrap();
    alice.online().await;
    alice.engine.retry(refused).await.unwrap();
    alice.engine.discard(nobody).await.unwrap();
    assert_eq!(alice.engine.discard(nobody).await, Err(EngineError::NotPending));
    alice.sent(refused).await;
    bob.hears("alice", "two").await;
    assert_eq!(alice.engine.outbox().await.unwrap(), []);
}

#[tokio::test]
async fn a_server_that_is_asked_too_much_gets_everything_later_in_order() {
    let server = Server::builder()
        .set("KITH_LIMITS__MESSAGES_PER_SESSION", "{burst=3,per_minute=180}")
        .start();
    let alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    let mut alice = alice;
    let texts: Vec<String> = (0..6).map(|number| number.to_string()).collect();
    for text in &texts {
        alice.say("bob", text).await;
    }
    alice.empty().await;
    bob.hears("alice", "5").await;
    assert_eq!(bob.texts("alice").await, texts);
}

#[tokio::test]
async fn a_clock_that_is_wrong_changes_nothing_but_what_is_not_sent_yet() {
    let server = Server::start();
    let bob = Device::register(&server, "bob").await;
    let alice = Device::register(&server, "alice").await;
    let (options, proxy, folder) = alice.stop().await;
    let system = jiff::Timestamp::now().as_millisecond();
    let options = Options {
        clock: Clock::new(move || system - 3_600_000),
        ..options
    };
    let mut alice = Device::open(options, proxy, folder).await;
    alice.proxy.down();
    alice.say("bob", "one").await;
    assert_eq!(alice.engine.outbox().await.unwrap()[0].time, system - 3_600_000);
    alice.proxy.up();
    alice.engine.network_changed().await;
    alice.empty().await;
    let mut bob = bob;
    let one = bob.hears("alice", "one").await;
    assert!(one.time >= system);
    assert_eq!(alice.hears("alice", "one").await, one);
}

#[tokio::test]
async fn nonsense_is_refused_at_once() {
    let server = Server::start();
    let alice = Device::register(&server, "alice").await;
    let to = || To::from(person("bob"));
    assert_eq!(
        alice.engine.send(to(), String::new(), None).await,
        Err(EngineError::Empty)
    );
    let long = alice.engine.send(to(), "x".repeat(65_537), None).await;
    assert!(matches!(long, Err(EngineError::TooLarge { .. })), "{long:?}");
    let unknown = To::Conversation("abc".to_owned());
    assert_eq!(
        alice.engine.send(unknown, "hi".to_owned(), None).await,
        Err(EngineError::UnknownConversation)
    );
    assert_eq!(
        alice.engine.messages("abc", None, 9).await,
        Err(EngineError::UnknownConversation)
    );
    assert_eq!(
        alice.engine.mark_read("abc", 9).await,
        Err(EngineError::UnknownConversation)
    );
    let own = alice.options.me.account.clone();
    assert_eq!(
        alice.engine.messages(&own, None, 9).await,
        Err(EngineError::UnknownConversation)
    );
    alice.proxy.down();
    assert_eq!(alice.engine.outbox().await.unwrap(), []);
    drop(alice.engine);
}

#[tokio::test]
async fn a_logout_leaves_nothing_behind() {
    let server = Server::start();
    let alice = Device::register(&server, "alice").await;
    let _bob = Device::register(&server, "bob").await;
    alice.tell("bob", "secret").await;
    alice.online().await;
    alice.engine.logout().await.unwrap();
    let files: Vec<_> = std::fs::read_dir(alice.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(files, ["lock"]);
    assert_eq!(alice.engine.status(), Status::Closed);
    let opened: Engine = engine(&alice.options, alice.folder.path()).await;
    assert_eq!(opened.online().await, Err(EngineError::SessionEnded));
}

#[tokio::test]
async fn a_session_that_is_ended_while_it_is_online_is_told() {
    let server = Server::start();
    let mut phone = Device::register(&server, "alice").await;
    let desktop = Device::login(&server, "alice").await;
    phone.online().await;
    desktop.online().await;
    let before = desktop.engine.sessions().await.unwrap().len();
    desktop.engine.revoke(phone.options.me.device).await.unwrap();
    phone
        .until("it knows", async |engine| engine.status() == Status::SessionEnded)
        .await;
    assert_eq!(phone.engine.sessions().await, Err(EngineError::Offline));
    assert_eq!(desktop.engine.sessions().await.unwrap().len(), before - 1);
    // A token that is worth nothing is not tried again by itself.
    phone.engine.network_changed().await;
    assert_eq!(phone.engine.status(), Status::SessionEnded);
}

#[tokio::test]
async fn a_server_with_another_key_gets_nothing() {
    let server = Server::start();
    let impostor = Server::start();
    let mut alice = Device::register(&server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    alice.online().await;
    alice.proxy.redirect(impostor.address);
    alice.proxy.cut();
    alice.say("bob", "secret").await;
    alice
        .until("it is refused", async |engine| {
            matches!(engine.status(), Status::Refused(TrustError::WrongKey { .. }))
        })
        .await;
    assert_eq!(alice.engine.outbox().await.unwrap().len(), 1);
    // The network was to blame, perhaps: with the right server it goes on.
    alice.proxy.redirect(server.address);
    alice.engine.network_changed().await;
    alice.empty().await;
    bob.hears("alice", "secret").await;
    assert!(!impostor.log().contains("resumed"));
}
