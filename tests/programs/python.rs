//! The seed's protocol from a script that a stranger might write.

use std::path::Path;

use kith_tests::Server;
use tokio::process::Command;

use crate::process::Process;

#[tokio::test]
async fn a_script_chats_in_every_way_of_writing_json() {
    let server = Server::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/stranger.py");
    let mut command = Command::new("python3");
    command
        .arg(script)
        .arg(server.address.port().to_string())
        .arg(server.ca());
    let (status, lines) = Process::start(&mut command).end().await;
    assert_eq!(
        lines,
        [
            "ok lines",
            "ok nothing_between",
            "ok pretty",
            "ok all_in_one_write",
            "ok a_byte_a_write"
        ]
    );
    assert!(status.success());
}
