//! Several devices of one person: what each gets, and how sessions end.

use kith_tests::{PASSWORD, Raw, Server};
use serde_json::{Value, json};

use crate::requests::{list_sessions, login, logout, message, password, resume, revoke, sync, with};

const NEW_PASSWORD: &str = "staple battery horse";

/// The person's devices: name and whether it is connected.
async fn devices(raw: &mut Raw) -> Vec<(String, bool)> {
    let reply = raw.ok_after_events(list_sessions()).await;
    let line = |session: &Value| {
        let name = session["name"].as_str().unwrap().to_owned();
        (name, session["connected"] == true)
    };
    reply["sessions"].as_array().unwrap().iter().map(line).collect()
}

fn session_ended() -> Value {
    json!({"event": "session_ended"})
}

#[tokio::test]
async fn every_device_gets_what_is_said_to_and_by_its_owner() {
    let server = Server::start();
    let mut bob = server.native_user("bob").await;
    let mut phone = server.native_user("alice").await;
    let mut desktop = server.native_login("alice").await;
    let mut script = server.login("alice").await;
    let sent = bob.say("alice", "hi, all of you").await;
    let heard = phone.event("message").await;
    assert_eq!(desktop.event("message").await, heard);
    assert_eq!(heard["body"], json!({"content": "hi, all of you"}));
    assert_eq!(
        (&heard["conversation"], &heard["number"]),
        (&sent["conversation"], &sent["number"])
    );
    assert_eq!(
        script.hear().await,
        ("bob".to_owned(), "hi, all of you".to_owned())
    );
    // What the phone says comes to the others too, and not to the phone.
    let sent = phone.say("bob", "from my phone").await;
    let copy = desktop.event("message").await;
    assert_eq!(bob.event("message").await, copy);
    assert_eq!(
        (&copy["sender"], &copy["number"]),
        (&json!("alice"), &sent["number"])
    );
    let copy = script.receive().await;
    assert_eq!(
        (&copy["sender"], &copy["receiver"]),
        (&json!("alice"), &json!("bob"))
    );
    assert_eq!(copy["content"], "from my phone");
    for raw in [&mut phone, &mut desktop, &mut script, &mut bob] {
        raw.nothing().await;
    }
}

#[tokio::test]
async fn a_session_that_is_revoked_ends_at_once_and_for_ever() {
    let server = Server::start();
    let mut phone = server.native_user("alice").await;
    let mut lost = server.connect_native().await;
    let lost_login = lost
        .ok(with(login("alice", PASSWORD), "device_name", "old laptop"))
        .await;
    assert_eq!(phone.event("device").await["body"]["name"], "old laptop");
    let before = devices(&mut phone).await;
    assert_eq!(before[0], ("old laptop".to_owned(), true));
    assert_eq!(before.len(), 2);

    phone.ok(revoke(&lost_login["device"])).await;
    assert_eq!(lost.event("session_ended").await, session_ended());
    assert_eq!(
        lost.error(message("alice", "am I still here?")).await,
        "not_logged_in"
    );
    assert_eq!(lost.error(resume(&lost_login["token"])).await, "session_ended");
    assert_eq!(devices(&mut phone).await.len(), 1);
    assert_eq!(phone.error(revoke(&lost_login["device"])).await, "not_found");
    assert_eq!(phone.error(revoke(&json!(987_654_321))).await, "not_found");
    // A guest that it is, it can log in again, and is another device then.
    let again = lost.login("alice").await;
    assert_ne!(again["device"], lost_login["device"]);
}

#[tokio::test]
async fn what_came_before_the_end_of_a_session_is_all_that_comes() {
    let server = Server::start();
    let mut bob = server.native_user("bob").await;
    let mut phone = server.native_user("alice").await;
    let connections = [server.connect_native().await, server.connect().await];
    for (round, mut lost) in connections.into_iter().enumerate() {
        let (before, after) = (format!("before {round}"), format!("after {round}"));
        let device = lost.login("alice").await["device"].clone();
        bob.say("alice", &before).await;
        phone.ok_after_events(revoke(&device)).await;
        bob.say("alice", &after).await;
        let mut heard = Vec::new();
        while heard.last() != Some(&session_ended()) {
            heard.push(lost.receive().await);
        }
        let said = serde_json::to_string(&heard).unwrap();
        assert!(said.contains(&before) && !said.contains(&after), "{said}");
        lost.nothing().await;
    }
}

/// An inline file may be large; what a stranger sends may not.
#[tokio::test]
async fn a_session_that_ended_has_the_limits_of_a_guest() {
    let server = Server::start();
    let mut phone = server.native_user("alice").await;
    for end in [logout(), revoke(&json!(null))] {
        let mut other = server.connect_native().await;
        let device = other.login("alice").await["device"].clone();
        if end == logout() {
            other.ok(logout()).await;
        } else {
            phone.ok_after_events(revoke(&device)).await;
            other.event("session_ended").await;
        }
        other.send_bytes(&[b'x'; 9000]).await;
        let said = other.closed().await;
        assert_eq!(said.last().unwrap()["error"]["code"], "too_large");
    }
}

#[tokio::test]
async fn logging_out_ends_the_token_on_every_connection() {
    let server = Server::start();
    let mut phone = server.connect_native().await;
    phone.register("alice").await;
    let token = phone.login("alice").await["token"].clone();
    let mut second = server.connect_native().await;
    let resumed = second.ok(resume(&token)).await;
    assert!(resumed["token"].is_null(), "no second token");
    phone.ok(logout()).await;
    second.event("session_ended").await;
    for raw in [&mut phone, &mut second] {
        assert_eq!(raw.error(resume(&token)).await, "session_ended");
        assert_eq!(raw.error(list_sessions()).await, "not_logged_in");
    }
    phone.login("alice").await;
    assert_eq!(devices(&mut phone).await.len(), 1);
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    let server = Server::start();
    let mut phone = server.native_user("alice").await;
    let mut desktop = server.connect_native().await;
    let token = desktop.login("alice").await["token"].clone();
    let mut script = server.login("alice").await;
    phone.event("device").await;
    let error = phone.refusal(password("not the old one", NEW_PASSWORD)).await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("bad_credentials"), &json!("old_password"))
    );
    desktop.ok(sync(json!({}))).await;

    phone.ok(password(PASSWORD, NEW_PASSWORD)).await;
    assert_eq!(desktop.event("password").await["body"], json!({}));
    assert_eq!(desktop.receive().await, session_ended());
    assert_eq!(script.receive().await, session_ended());
    assert_eq!(desktop.error(resume(&token)).await, "session_ended");
    assert_eq!(script.error(message("bob", "hi")).await, "not_logged_in");
    assert_eq!(desktop.error(login("alice", PASSWORD)).await, "bad_credentials");
    desktop.ok(login("alice", NEW_PASSWORD)).await;
    script.ok(login("alice", NEW_PASSWORD)).await;
    assert_eq!(phone.event("device").await["body"]["change"], "added");
    assert_eq!(devices(&mut phone).await.len(), 3);
}

/// Scripts share a device; whoever stole the password is one of them, perhaps.
#[tokio::test]
async fn a_new_password_ends_the_other_simple_clients_too() {
    let server = Server::start();
    let mut alice = server.user("alice").await;
    let mut thief = server.login("alice").await;
    alice.ok(password(PASSWORD, NEW_PASSWORD)).await;
    assert_eq!(thief.receive().await, session_ended());
    assert_eq!(thief.error(message("bob", "hi")).await, "not_logged_in");
    alice.nothing().await;
}

#[tokio::test]
async fn a_new_password_that_is_sent_twice_is_set_once() {
    let server = Server::start();
    let mut phone = server.native_user("alice").await;
    let change = with(password(PASSWORD, NEW_PASSWORD), "client_id", "change-1");
    let first = phone.ok(change.clone()).await;
    assert_eq!(phone.ok(change.clone()).await, first);
    let mut other = change;
    other["new_password"] = json!("quite another one");
    other["old_password"] = json!(NEW_PASSWORD);
    assert_eq!(phone.error(other).await, "conflict");
    server
        .connect_native()
        .await
        .ok(login("alice", NEW_PASSWORD))
        .await;
}

#[tokio::test]
async fn a_token_outlives_the_server() {
    let mut server = Server::start();
    let mut phone = server.connect_native().await;
    phone.register("alice").await;
    let login = phone.login("alice").await;
    let mut bob = server.user("bob").await;
    bob.say("alice", "one").await;
    server.kill();
    server.restart();
    let mut phone = server.connect_native().await;
    let resumed = phone.ok(resume(&login["token"])).await;
    for field in ["username", "device", "account", "admin"] {
        assert_eq!(resumed[field], login[field], "{field}");
    }
    server.login("bob").await.say("alice", "two").await;
    assert_eq!(phone.event("message").await["body"]["content"], "two");

    // And a new certificate, which has the pinned key above it.
    server.must(&["setup", "--renew"]);
    server.stop();
    let pin = server.pin.clone();
    server.restart();
    assert_eq!(server.pin, pin);
    let mut phone = server.connect_native().await;
    phone.ok(resume(&login["token"])).await;
    let missed = phone.ok(sync(json!({}))).await;
    assert!(missed.to_string().contains("one") && missed.to_string().contains("two"));
}

#[tokio::test]
async fn a_simple_client_gets_no_token_and_a_wrong_one_opens_nothing() {
    let server = Server::start();
    let mut alice = server.connect().await;
    alice.register("alice").await;
    assert!(alice.login("alice").await["token"].is_null());
    let mut guest = server.connect_native().await;
    for wrong in ["", "x", &"A".repeat(43)] {
        assert_eq!(guest.error(resume(&json!(wrong))).await, "session_ended");
    }
    let error = guest.refusal(json!({"action": "resume"})).await;
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("bad_request"), &json!("token"))
    );
}
