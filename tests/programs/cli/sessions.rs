use kith_tests::{PASSWORD, Server};

use super::{Person, failed};

const NEW_PASSWORD: &str = "another horse battery";

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let server = Server::start();
    let desk = Person::registered("alice", &server).await;
    let laptop = Person::new();
    let address = server.address.to_string();
    laptop
        .does(&["login", "alice", "--server", &address, "--pin", &server.pin])
        .await;
    let mut listener = laptop.listens();
    assert_eq!(listener.json().await["event"], "device");

    let sessions = desk.asks(&["sessions"]).await;
    let sessions = sessions["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let other = sessions
        .iter()
        .find(|session| session["current"] == false)
        .unwrap();
    assert_eq!(other["connected"], true);
    let lines = desk.does(&["sessions"]).await;
    assert!(lines.contains("this one, from 127.0.0.1"), "{lines}");

    let id = other["device"].to_string();
    assert_eq!(
        desk.does(&["sessions", "revoke", &id]).await,
        format!("Session {id} is ended.\n")
    );
    // The listener says so and ends; its computer has to log in again.
    let (status, _) = listener.end().await;
    assert_eq!(status.code(), Some(5));
    let told = laptop.fails(5, &["contacts"]).await;
    assert!(told.contains("alice is logged out"), "{told}");
    let told = desk.fails(1, &["sessions", "revoke", &id]).await;
    assert!(told.contains("session"), "{told}");
}

#[tokio::test]
async fn a_new_password_logs_other_devices_out() {
    let server = Server::start();
    let desk = Person::registered("alice", &server).await;
    let laptop = Person::new();
    let address = server.address.to_string();
    let login = ["login", "alice", "--server", &address, "--pin", &server.pin];
    laptop.does(&login).await;

    let change = |old: &str, new: &str| {
        let mut command = desk.command(&["password"]);
        command.env("KITH_PASSWORD", old).env("KITH_NEW_PASSWORD", new);
        command
    };
    let wrong = change("a wrong horse", NEW_PASSWORD).output().await.unwrap();
    assert!(failed(1, &["password"], wrong).contains("not right"));
    let weak = change(PASSWORD, "password").output().await.unwrap();
    assert!(failed(1, &["password"], weak).contains("most common"));
    let output = change(PASSWORD, NEW_PASSWORD).output().await.unwrap();
    assert!(output.status.success());

    desk.does(&["contacts"]).await;
    laptop.fails(5, &["contacts"]).await;
    let told = laptop.fails(1, &login).await;
    assert_eq!(told, "user name and password don't belong together");
    let mut again = laptop.command(&login);
    let again = again.env("KITH_PASSWORD", NEW_PASSWORD).output().await.unwrap();
    assert!(again.status.success());
}

#[tokio::test]
async fn a_logout_ends_the_session_and_keeps_what_was_read() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let bob = Person::registered("bob", &server).await;
    bob.does(&["send", "alice", "before"]).await;
    assert_eq!(alice.missed().await.len(), 1);
    assert_eq!(alice.does(&["logout"]).await, "alice is logged out.\n");
    let profile = alice.profile().to_string();
    assert!(!profile.contains("token"), "{profile}");
    let told = alice.fails(5, &["logout"]).await;
    assert!(told.contains("kith-cli login alice --server"), "{told}");

    bob.does(&["send", "alice", "meanwhile"]).await;
    alice.does(&["login", "alice"]).await;
    let missed = alice.missed().await;
    assert_eq!(missed.len(), 1, "{missed:?}");
    assert_eq!(missed[0]["body"]["content"], "meanwhile");
}
