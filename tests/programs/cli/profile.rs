use std::fs;

use kith_tests::Server;

use super::Person;

#[tokio::test]
async fn profiles_are_changed_and_shown() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let bob = Person::registered("bob", &server).await;
    assert_eq!(bob.does(&["profile", "show", "alice"]).await, "alice (alice)\n");
    let picture = b"\x89PNG\r\n\x1a\n and so on";
    fs::write(alice.home.path().join("me.png"), picture).unwrap();
    let set = [
        "profile",
        "set",
        "--name",
        "Alice Liddell",
        "--about",
        "Late for tea",
        "--avatar",
        "me.png",
    ];
    assert_eq!(alice.does(&set).await, "Your profile is changed.\n");
    let shown = bob
        .does(&["profile", "show", "alice", "--save-avatar", "alice.png"])
        .await;
    assert!(
        shown.starts_with("Alice Liddell (alice)\nLate for tea\n"),
        "{shown}"
    );
    assert_eq!(fs::read(bob.home.path().join("alice.png")).unwrap(), picture);
    bob.fails(6, &["profile", "show", "alice", "--save-avatar", "alice.png"])
        .await;
    alice.does(&["profile", "set", "--no-avatar"]).await;
    let profile = alice.asks(&["profile"]).await;
    assert_eq!(
        (&profile["display_name"], &profile["about"]),
        (&"Alice Liddell".into(), &"Late for tea".into())
    );
    assert!(profile.get("avatar").is_none(), "{profile}");
    alice.fails(2, &["profile", "set"]).await;
    bob.fails(1, &["profile", "show", "nobody"]).await;
    bob.fails(1, &["profile", "show", "alice", "--save-avatar", "other.png"])
        .await;
}
