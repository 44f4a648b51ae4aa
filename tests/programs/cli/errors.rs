use kith_tests::Server;

use super::{Person, failed};

#[tokio::test]
async fn a_server_that_is_not_there() {
    let mut server = Server::start();
    let alice = Person::registered("alice", &server).await;
    server.kill();
    let told = alice.fails(3, &["sessions"]).await;
    let address = server.address;
    let why = format!(
        "can't reach {address}: check its address and your network, and whether it runs (Connection refused)"
    );
    assert_eq!(told, why);
    // What was written is kept.
    let told = alice.fails(7, &["send", "bob", "hi"]).await;
    assert_eq!(
        told,
        format!(
            "{why}; the message to bob waits in the outbox as 1 and goes out with the next command that reaches the \
             server"
        )
    );
    // A name that no name service knows (RFC 6761, section 6.4).
    let told = alice
        .fails(3, &["login", "alice", "--server", "kith.invalid"])
        .await;
    assert!(
        told.starts_with("can't find kith.invalid: check its name and your network"),
        "{told}"
    );
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_sound_the_same() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    for name in ["alice", "nobody"] {
        let mut command = alice.command(&["login", name]);
        let output = command.env("KITH_PASSWORD", "wrong horse battery").output().await;
        let told = failed(1, &["login", name], output.unwrap());
        assert_eq!(told, "user name and password don't belong together");
    }
    // A failed login takes nothing away from who is logged in.
    alice.does(&["contacts"]).await;
}

#[tokio::test]
async fn people_who_are_not_there_or_do_not_want() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let bob = Person::registered("bob", &server).await;
    let told = alice.fails(1, &["send", "nobody", "hi"]).await;
    assert_eq!(told, "there is no user of this name");
    alice.fails(1, &["contacts", "add", "nobody"]).await;
    alice.fails(1, &["send", "alice", "hi"]).await;
    bob.does(&["contacts", "block", "alice"]).await;
    assert_eq!(bob.does(&["contacts"]).await, "alice (blocked)\n");
    let told = alice.fails(1, &["send", "bob", "hi"]).await;
    assert!(!told.is_empty());
    bob.does(&["contacts", "unblock", "alice"]).await;
    alice.does(&["send", "bob", "hi"]).await;
}

#[tokio::test]
async fn who_is_not_logged_in_is_told_how() {
    let nobody = Person::new();
    for arguments in [
        &["send", "bob", "hi"][..],
        &["contacts"],
        &["listen"],
        &["sessions"],
        &["history", "bob"],
        &["edit", "bob", "1", "x"],
        &["delete", "bob", "1"],
        &["react", "bob", "1", "x"],
        &["send", "--no-wait", "bob", "hi"],
        &["profile"],
        &["status"],
        &["outbox"],
        &["export", "folder"],
        &["password"],
        &["logout"],
        &["get-file", "x"],
    ] {
        let told = nobody.fails(5, arguments).await;
        assert!(told.contains("kith-cli login USER --server HOST"), "{told}");
    }
    let told = nobody.fails(5, &["--account", "alice", "contacts"]).await;
    assert!(told.starts_with("alice has not logged in here"), "{told}");
    let told = nobody.fails(2, &["login", "alice"]).await;
    assert!(told.contains("--server HOST"), "{told}");
}

#[tokio::test]
async fn an_unknown_server_is_not_trusted_without_a_person() {
    let server = Server::start();
    let alice = Person::new();
    let address = server.address.to_string();
    let told = alice.fails(4, &["register", "alice", "--server", &address]).await;
    assert!(
        told.contains("nobody is at a terminal to be asked") && told.contains(&server.pin),
        "{told}"
    );
    assert!(!alice.home.path().join("kith/profile.json").exists());
    // With its key, its authority's file or its link it is.
    alice
        .does(&["register", "alice", "--server", &address, "--pin", &server.pin])
        .await;
    let other = Person::new();
    let ca = server.ca();
    let ca = ca.to_str().unwrap();
    other
        .does(&["login", "alice", "--server", &address, "--ca", ca])
        .await;
    let third = Person::new();
    let link = format!("https://{address}/#pin={}", server.pin);
    third.does(&["login", "alice", "--server", &link]).await;
}

#[tokio::test]
async fn a_server_that_is_none() {
    // It takes the connection and says something that isn't TLS.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let alice = Person::new();
    let answer = async {
        use tokio::io::AsyncWriteExt as _;
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
        stream
    };
    let arguments = ["login", "alice", "--server", &address];
    let (_stream, told) = tokio::join!(answer, alice.fails(3, &arguments));
    assert!(told.starts_with("no secure connection with the server"), "{told}");
}
