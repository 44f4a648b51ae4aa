//! The accounts that are kept on a device, as the app uses them.

use kith_client::{
    Accounts, AccountsError, Change, Engine, Guest, KeptAccount, Of, Progress, Session, Status, Store,
};
use kith_tests::{PASSWORD, PATIENCE, Server};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::device::{Device, person, session, target};

/// The accounts of a device that is used for the first time.
fn device() -> (TempDir, Accounts) {
    let folder = tempfile::tempdir().unwrap();
    let accounts = Accounts::in_store(Store::new(folder.path().join("kith")), "accounts/1");
    (folder, accounts)
}

/// Registers somebody and keeps the account.
async fn join(accounts: &Accounts, server: &Server, name: &str) -> KeptAccount {
    let guest = Guest::connect(target(server.address, server)).await.unwrap();
    let password = PASSWORD.to_owned();
    guest.register(&person(name), password, None).await.unwrap();
    guest.close().await;
    log_in(accounts, server, name).await
}

async fn log_in(accounts: &Accounts, server: &Server, name: &str) -> KeptAccount {
    let session = session(server, name, server.address).await;
    session.close().await;
    accounts.add(&session).await.unwrap()
}

async fn online(engine: &Engine) {
    timeout(PATIENCE, engine.online()).await.unwrap().unwrap();
}

/// Waits until this is kept.
async fn until(accounts: &Accounts, so: impl Fn(&[KeptAccount]) -> bool) {
    let waiting = async {
        while !so(&accounts.list().await.unwrap()) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, waiting).await.unwrap();
}

#[tokio::test]
async fn accounts_are_kept_opened_and_forgotten() {
    let server = Server::start();
    let (folder, accounts) = device();
    assert_eq!(accounts.list().await.unwrap(), []);
    let alice = join(&accounts, &server, "alice").await;
    let bob = join(&accounts, &server, "bob").await;
    assert!(
        alice.is_logged_in && alice.name.starts_with("alice@"),
        "{alice:?}"
    );
    assert_eq!(accounts.list().await.unwrap(), [bob.clone(), alice.clone()]);

    let engine = accounts.engine(&alice.name).await.unwrap();
    online(&engine).await;
    let sent = engine.send(person("bob"), "hi".to_owned(), None).await.unwrap();
    let progress = timeout(PATIENCE, engine.settled(sent)).await.unwrap().unwrap();
    assert!(matches!(progress, Progress::Sent { .. }), "{progress:?}");
    assert_eq!(accounts.list().await.unwrap()[0], alice, "it was used last");

    // The server is known by its key from now on.
    let target = accounts.target(&alice.server).await.unwrap();
    assert_eq!(target.trust.pins(), [server.pin.parse().unwrap()]);

    engine.logout().await.unwrap();
    accounts.forget(&alice.name).await.unwrap();
    assert_eq!(accounts.list().await.unwrap(), [bob]);
    assert_eq!(
        accounts.engine(&alice.name).await.unwrap_err(),
        AccountsError::Unknown
    );
    let left = std::fs::read_dir(folder.path().join("kith/accounts")).unwrap();
    assert_eq!(left.count(), 0, "nothing of Alice is left");
}

#[tokio::test]
async fn what_was_not_sent_outlives_a_session_that_was_ended_elsewhere() {
    let server = Server::start();
    let (_folder, accounts) = device();
    let alice = join(&accounts, &server, "alice").await;
    let mut bob = Device::register(&server, "bob").await;
    let engine = accounts.engine(&alice.name).await.unwrap();
    online(&engine).await;
    let mut changes = engine.changes();
    let elsewhere: Session = session(&server, "alice", server.address).await;
    elsewhere.revoke(alice.device).await.unwrap();
    let ended = async {
        while !changes
            .next()
            .await
            .unwrap()
            .contains(&Change::Status(Status::SessionEnded))
        {}
    };
    timeout(PATIENCE, ended).await.unwrap();
    engine
        .send(person("bob"), "typed too late".to_owned(), None)
        .await
        .unwrap();
    engine.leave().await.unwrap();
    until(&accounts, |all| !all[0].is_logged_in).await;
    assert_eq!(
        accounts.engine(&alice.name).await.unwrap_err(),
        AccountsError::LoggedOut("alice".to_owned())
    );

    drop(engine);
    let again = log_in(&accounts, &server, "alice").await;
    assert_eq!(again.name, alice.name);
    let engine = accounts.engine(&alice.name).await.unwrap();
    online(&engine).await;
    bob.hears("alice", "typed too late").await;
    engine.close().await;
}

#[tokio::test]
async fn nothing_is_left_of_a_session_that_was_ended_elsewhere() {
    let server = Server::start();
    let (folder, accounts) = device();
    let alice = join(&accounts, &server, "alice").await;
    let _bob = Device::register(&server, "bob").await;
    let engine = accounts.engine(&alice.name).await.unwrap();
    online(&engine).await;
    let sent = engine.send(person("bob"), "hi".to_owned(), None).await.unwrap();
    timeout(PATIENCE, engine.settled(sent)).await.unwrap().unwrap();
    let elsewhere: Session = session(&server, "alice", server.address).await;
    elsewhere.revoke(alice.device).await.unwrap();
    let mut changes = engine.changes();
    while engine.status() != Status::SessionEnded {
        timeout(PATIENCE, changes.next()).await.unwrap().unwrap();
    }
    engine.leave().await.unwrap();
    drop(engine);
    let mut folders = vec![folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            assert!(
                path.extension().is_none_or(|end| end != "db"),
                "{}",
                path.display()
            );
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    log_in(&accounts, &server, "alice").await;
    let engine = accounts.engine(&alice.name).await.unwrap();
    online(&engine).await;
    assert_eq!(engine.conversations().await.unwrap().len(), 1);
    engine.close().await;
}

#[tokio::test]
async fn a_user_interfaces_settings_go_with_their_account() {
    let server = Server::start();
    let (_folder, accounts) = device();
    let alice = join(&accounts, &server, "alice").await;
    let (hers, all) = (Of::Account(&alice.name), Of::Device);
    let set = async |of, key: &str, value: Option<&str>| {
        accounts
            .set_setting(of, key, value.map(str::to_owned))
            .await
            .unwrap();
    };
    set(all, "theme", Some("dark")).await;
    set(hers, "draft/1", Some("Dear \u{1f600}")).await;
    set(hers, "draft/2", Some("…")).await;
    set(hers, "draft/2", None).await;
    assert_eq!(
        accounts.setting(all, "theme").await.unwrap().as_deref(),
        Some("dark")
    );
    let held = accounts.settings(hers).await.unwrap();
    assert_eq!(
        held.into_iter().collect::<Vec<_>>(),
        [("draft/1".to_owned(), "Dear \u{1f600}".to_owned())]
    );

    accounts.forget(&alice.name).await.unwrap();
    assert_eq!(accounts.settings(hers).await.unwrap_err(), AccountsError::Unknown);
    log_in(&accounts, &server, "alice").await;
    assert!(accounts.settings(hers).await.unwrap().is_empty());
    assert_eq!(
        accounts.setting(all, "theme").await.unwrap().as_deref(),
        Some("dark")
    );
}
