//! Why a server doesn't start: one clear sentence, and an exit code that isn't 0.

use std::fs;

use kith_tests::Server;
use sea_orm::ConnectionTrait as _;

/// Tries to run a server that can't; returns what it says.
fn refusal(server: &Server) -> String {
    server.fails(&["run", "--listen", "127.0.0.1:0"])
}

fn stopped() -> Server {
    let mut server = Server::start();
    server.stop();
    server
}

#[track_caller]
fn says(sentence: &str, words: &[&str]) {
    assert!(sentence.starts_with("kith-server: "), "{sentence}");
    for word in words {
        assert!(sentence.contains(word), "no {word:?} in: {sentence}");
    }
}

#[tokio::test]
async fn the_port_is_taken() {
    let running = Server::start();
    let other = stopped();
    let address = running.address.to_string();
    let said = other.fails(&["run", "--listen", &address]);
    says(&said, &[&address, "another server running?", "--listen"]);
    running.connect().await.nothing().await;
}

#[tokio::test]
async fn the_key_can_not_be_read() {
    let server = stopped();
    let key = server.data().join("certs/server-key.pem");
    let good = fs::read(&key).unwrap();
    for spoilt in [&b""[..], b"not a key", &good[..good.len() / 2]] {
        fs::write(&key, spoilt).unwrap();
        says(&refusal(&server), &["server-key.pem"]);
    }
    fs::remove_file(&key).unwrap();
    says(&refusal(&server), &["server-key.pem", "missing"]);
    fs::create_dir(&key).unwrap();
    says(&refusal(&server), &["server-key.pem", "can't be read"]);
    fs::remove_dir(&key).unwrap();
    fs::write(&key, good).unwrap();
    let mut server = server;
    server.restart();
    server.connect().await.nothing().await;
}

#[tokio::test]
async fn the_key_is_of_another_certificate() {
    let server = stopped();
    let own = "[tls]\ncertificate = \"certs/server.pem\"\nkey = \"certs/ca-key.pem\"\n";
    fs::write(server.data().join("kith.toml"), own).unwrap();
    says(
        &refusal(&server),
        &["server.pem", "ca-key.pem", "does not belong"],
    );
}

#[tokio::test]
async fn the_pepper_can_not_be_read() {
    let server = stopped();
    let pepper = server.data().join("pepper.toml");
    fs::write(&pepper, "not a pepper").unwrap();
    says(&refusal(&server), &["pepper.toml"]);
    fs::remove_file(&pepper).unwrap();
    says(&refusal(&server), &["pepper.toml"]);
}

#[tokio::test]
async fn the_data_are_of_a_newer_version() {
    let server = stopped();
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20990101_000001_thoughts', 0)";
    let database = server.database().await;
    database.execute_unprepared(newer).await.unwrap();
    database.close().await.unwrap();
    says(
        &refusal(&server),
        &["newer version of Kith", "m20990101_000001_thoughts"],
    );
    // The other commands keep off as well.
    for command in [&["user", "list"][..], &["invite"], &["user", "disable", "alice"]] {
        says(&server.fails(command), &["newer version of Kith"]);
    }
}

#[tokio::test]
async fn the_database_is_none() {
    let server = stopped();
    for file in ["kith.db-wal", "kith.db-shm"] {
        let _ = fs::remove_file(server.data().join(file));
    }
    fs::write(
        server.data().join("kith.db"),
        "a text about databases, ".repeat(1000),
    )
    .unwrap();
    says(&refusal(&server), &["kith.db"]);
}

#[tokio::test]
async fn nothing_was_set_up() {
    let server = stopped();
    fs::remove_file(server.data().join("kith.toml")).unwrap();
    says(&refusal(&server), &["kith.toml", "kith-server setup --data"]);
}

#[tokio::test]
async fn the_configuration_is_wrong() {
    let server = stopped();
    let file = server.data().join("kith.toml");
    fs::write(&file, "\n[limits]\nqueue_bytes = \"many\"\n").unwrap();
    says(&refusal(&server), &["kith.toml", "line 3", "a whole number from"]);
    fs::write(&file, "").unwrap();
    let output = server.command_with(&["run"], &[("KITH_LIMITS__QUEUE", "7")]);
    assert_eq!(output.status.code(), Some(1));
    says(
        &String::from_utf8(output.stderr).unwrap(),
        &["KITH_LIMITS__QUEUE", "unknown field `queue`"],
    );
}

#[tokio::test]
async fn the_log_can_not_be_written() {
    let server = stopped();
    let logs = server.data().join("logs");
    fs::remove_dir_all(&logs).unwrap();
    fs::write(&logs, "").unwrap();
    says(&refusal(&server), &["log"]);
}
