//! Who is typing and who is there: told at once, and kept nowhere.

use kith_tests::{Raw, Server};
use serde_json::{Value, json};

use crate::requests::{contacts, logout, presence, set_profile, sync, typing};

fn is_typing(conversation: &Value, typing: bool) -> Value {
    json!({"event": "typing", "conversation": conversation, "username": "alice", "typing": typing})
}

fn shows(username: &str, presence: &str) -> Value {
    json!({"event": "presence", "username": username, "presence": presence})
}

/// Says how this connection shows itself. Returns who is there.
async fn show(raw: &mut Raw, how: &str) -> Value {
    raw.ok(presence(how)).await["people"].clone()
}

/// The connection, once the events that have come are taken.
async fn settled(raw: &mut Raw) -> &mut Raw {
    raw.ok_after_events(json!({"action": "ping"})).await;
    raw
}

#[tokio::test]
async fn typing_reaches_the_other_members_and_nobody_else() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut phone = server.native_login("alice").await;
    alice.event("device").await;
    let mut bob = server.native_user("bob").await;
    let mut script = server.login("bob").await;
    let mut eve = server.native_user("eve").await;
    let c = alice.say("bob", "hi").await["conversation"].clone();
    for raw in [&mut phone, &mut bob] {
        raw.event("message").await;
    }
    script.hear().await;
    alice.ok(typing(&c, true)).await;
    alice.ok(json!({"action": "typing", "conversation": c})).await;
    alice.ok(typing(&c, false)).await;
    for expected in [true, true, false] {
        assert_eq!(bob.receive().await, is_typing(&c, expected));
    }
    for raw in [&mut alice, &mut phone, &mut script, &mut eve] {
        raw.nothing().await;
    }
    // It is in no log.
    let reply = bob.ok(sync(json!({}))).await;
    assert_eq!(reply["logs"][1]["newest"], 1);
    let own = server.connect_native().await.login("eve").await["account"].clone();
    eve.event("device").await;
    for conversation in [&c, &own, &json!("nothing")] {
        let error = eve.refusal(typing(conversation, true)).await;
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("not_found"), &json!("conversation"))
        );
    }
    bob.ok(contacts("block", "alice")).await;
    alice.ok(typing(&c, true)).await;
    bob.ok(typing(&c, true)).await;
    for raw in [&mut alice, &mut bob] {
        raw.nothing().await;
    }
}

#[tokio::test]
async fn presence_is_shown_to_ones_contacts() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    let mut carol = server.native_user("carol").await;
    let mut script = server.login("bob").await;
    alice.ok(contacts("add", "bob")).await;
    // To be connected is not to be there; and Carol, whom Alice has not in her contacts, never learns.
    assert_eq!(show(&mut bob, "online").await, json!([]));
    carol.ok(contacts("add", "alice")).await;
    assert_eq!(show(&mut alice, "online").await, json!([]));
    assert_eq!(bob.receive().await, shows("alice", "online"));
    assert_eq!(
        show(&mut bob, "online").await,
        json!([{"username": "alice", "presence": "online"}])
    );
    assert_eq!(show(&mut alice, "away").await, json!([]));
    assert_eq!(bob.receive().await, shows("alice", "away"));
    assert_eq!(show(&mut alice, "away").await, json!([]));
    // Carol shows herself to Alice, whose contact she is not; so it goes one way.
    assert_eq!(show(&mut carol, "online").await, json!([]));
    assert_eq!(alice.receive().await, shows("carol", "online"));
    alice.leave().await;
    assert_eq!(bob.receive().await, shows("alice", "offline"));
    assert_eq!(show(&mut bob, "away").await, json!([]));
    for raw in [&mut bob, &mut carol, &mut script] {
        raw.nothing().await;
    }
}

#[tokio::test]
async fn the_most_visible_connection_counts_until_it_ends() {
    let server = Server::start();
    let mut bob = server.native_user("bob").await;
    let mut desktop = server.native_user("alice").await;
    let mut phone = server.native_login("alice").await;
    let mut tablet = server.native_login("alice").await;
    desktop.ok_after_events(contacts("add", "bob")).await;
    show(settled(&mut phone).await, "away").await;
    assert_eq!(bob.receive().await, shows("alice", "away"));
    show(settled(&mut desktop).await, "online").await;
    assert_eq!(bob.receive().await, shows("alice", "online"));
    // What changes nothing for others isn't told.
    show(settled(&mut tablet).await, "away").await;
    show(&mut tablet, "offline").await;
    show(&mut phone, "online").await;
    desktop.leave().await;
    show(&mut phone, "away").await;
    assert_eq!(bob.receive().await, shows("alice", "away"));
    // A logout ends it, and so does somebody who ends the session.
    phone.ok(logout()).await;
    assert_eq!(bob.receive().await, shows("alice", "offline"));
    show(settled(&mut tablet).await, "online").await;
    assert_eq!(bob.receive().await, shows("alice", "online"));
    server.must(&["user", "disable", "alice"]);
    assert_eq!(bob.receive().await, shows("alice", "offline"));
    bob.nothing().await;
}

#[tokio::test]
async fn contacts_and_blocks_bring_people_into_sight_and_out_of_it() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    show(&mut alice, "online").await;
    show(&mut bob, "online").await;
    alice.ok(contacts("add", "bob")).await;
    assert_eq!(bob.receive().await, shows("alice", "online"));
    alice.ok(contacts("block", "bob")).await;
    assert_eq!(bob.receive().await, shows("alice", "offline"));
    // Blocked already: nothing more is to be seen of it.
    bob.ok(contacts("block", "alice")).await;
    alice.ok(contacts("unblock", "bob")).await;
    assert_eq!(show(&mut bob, "away").await, json!([]));
    // Here the notice may come before the reply.
    bob.send(contacts("unblock", "alice")).await;
    let came = [bob.receive().await, bob.receive().await];
    assert!(
        came.contains(&json!({"status": "ok"})) && came.contains(&shows("alice", "online")),
        "{came:?}"
    );
    alice.ok(contacts("remove", "bob")).await;
    assert_eq!(bob.receive().await, shows("alice", "offline"));
    // Who saw nothing before sees nothing of a block.
    alice.ok(contacts("block", "bob")).await;
    alice.ok(contacts("unblock", "bob")).await;
    show(&mut alice, "away").await;
    for raw in [&mut alice, &mut bob] {
        raw.nothing().await;
    }
}

#[tokio::test]
async fn who_is_added_while_somebody_appears_is_told_once() {
    let server = Server::builder()
        .set("KITH_LIMITS__SIGNALS_PER_SESSION", "{burst=1000,per_minute=1000}")
        .start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    for _ in 0..40 {
        alice.send(presence("online")).await;
        alice.send(contacts("add", "bob")).await;
        for _ in 0..2 {
            assert_eq!(alice.receive().await["status"], "ok");
        }
        assert_eq!(bob.receive().await, shows("alice", "online"));
        alice.ok(contacts("remove", "bob")).await;
        assert_eq!(bob.receive().await, shows("alice", "offline"));
        show(&mut alice, "offline").await;
    }
    bob.nothing().await;
}

#[tokio::test]
async fn a_flood_of_signals_is_refused_and_hinders_nothing_else() {
    let server = Server::builder()
        .set("KITH_LIMITS__SIGNALS_PER_SESSION", "{burst=3,per_minute=1}")
        .start();
    let mut alice = server.native_user("alice").await;
    let mut bob = server.native_user("bob").await;
    let c = alice.say("bob", "hi").await["conversation"].clone();
    bob.event("message").await;
    for _ in 0..2 {
        alice.ok(typing(&c, true)).await;
        bob.event("typing").await;
    }
    show(&mut alice, "online").await;
    for request in [typing(&c, true), presence("away")] {
        let error = alice.refusal(request).await;
        assert_eq!(error["code"], "rate_limited");
        assert!(error["retry_after"].as_u64().unwrap() > 0);
    }
    alice.say("bob", "still here").await;
    assert_eq!(bob.hear().await.1, "still here");
    // Another connection has a measure of its own.
    let mut phone = server.native_login("alice").await;
    phone.ok(typing(&c, true)).await;
    assert_eq!(bob.receive().await, is_typing(&c, true));
}

#[tokio::test]
async fn signals_that_make_no_sense() {
    let server = Server::start();
    let mut alice = server.native_user("alice").await;
    let error = alice.refusal(presence("invisible")).await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("bad_request"), &json!("presence"))
    );
    let error = alice.refusal(json!({"action": "typing", "typing": true})).await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("bad_request"), &json!("conversation"))
    );
    let mut guest = server.connect_native().await;
    for request in [
        presence("online"),
        typing(&json!("c"), true),
        set_profile(json!({"about": "x"})),
    ] {
        assert_eq!(guest.error(request).await, "not_logged_in");
    }
}
