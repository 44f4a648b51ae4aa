//! Files of any size, over lines that break.

use std::path::{Path, PathBuf};

use kith_client::{Change, Content, Engine, EngineError, Progress};
use kith_common::{ErrorCode, FileDetails, FileName};
use kith_tests::{Dice, PATIENCE, Server, Way, seed};
use tokio::time::timeout;

use crate::device::{Device, person};

/// Bytes in which no pattern repeats soon.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

const MIB: usize = 1024 * 1024;

fn name(name: &str) -> FileName {
    FileName::try_from(name.to_owned()).unwrap()
}

impl Device {
    /// A file on this device that is to be sent.
    fn file(&self, called: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(called);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Sends a file of this device to Bob.
    async fn send_path(&self, path: &Path) -> u64 {
        let called = name(path.file_name().unwrap().to_str().unwrap());
        self.engine
            .send_file(person("bob"), called, path.to_owned(), FileDetails::default(), None)
            .await
            .unwrap()
    }

    /// Waits until somebody has sent a file of this name. Returns its id.
    async fn sees(&mut self, from: &str, called: &str) -> String {
        let content = async |engine: &Engine| {
            let conversation = engine.conversation_with(from)?;
            let page = engine.messages(&conversation, None, 50).await.unwrap();
            page.messages.into_iter().find_map(|message| match message.content {
                Content::File { file, name, .. } if name == called => Some(file),
                _ => None,
            })
        };
        self.until(&format!("{from} sends {called}"), async |engine| {
            content(engine).await.is_some()
        })
        .await;
        content(&self.engine).await.unwrap()
    }

    /// Fetches a file to a path, whole.
    async fn fetch(&self, file: &str, path: &Path) -> Progress {
        let id = self.engine.download(file, path).await.unwrap();
        self.fate(id).await
    }

    async fn fate(&self, id: u64) -> Progress {
        let settled = timeout(4 * PATIENCE, self.engine.settled(id)).await;
        settled.expect("not settled in time").unwrap()
    }

    /// Waits until a transfer has come so far.
    async fn moved(&mut self, id: u64, bytes: u64) {
        self.until("it moves", async |engine| done(engine, id).await >= bytes)
            .await;
    }
}

async fn done(engine: &Engine, id: u64) -> u64 {
    let transfers = engine.transfers().await.unwrap();
    transfers
        .iter()
        .find(|transfer| transfer.id == id)
        .map_or(0, |transfer| transfer.done)
}

/// A server on which two people have met.
async fn two() -> (Server, Device, Device) {
    let server = Server::start();
    let alice = Device::register(&server, "alice").await;
    let bob = Device::register(&server, "bob").await;
    alice.tell("bob", "hello").await;
    (server, alice, bob)
}

#[tokio::test]
async fn a_large_file_goes_over_and_is_fetched() {
    let (_server, alice, mut bob) = two().await;
    let bytes = noise(20 * MIB + 7);
    let path = alice.file("holiday.mp4", &bytes);
    let mut changes = alice.engine.changes();
    let id = alice.send_path(&path).await;
    let (conversation, number) = alice.sent(id).await;
    let mut told = Vec::new();
    while told.last() != Some(&(20 * MIB as u64 + 7)) {
        for change in changes.next().await.unwrap() {
            if let Change::Transfer { id: of, done, total } = change {
                assert_eq!((of, total), (id, bytes.len() as u64));
                told.push(done);
            }
        }
    }
    assert!(told.is_sorted(), "{told:?}");
    let held = alice.engine.message(&conversation, number).await.unwrap();
    let file = bob.sees("alice", "holiday.mp4").await;
    assert_eq!(held, bob.engine.message(&conversation, number).await.unwrap());
    assert_eq!(alice.engine.transfers().await.unwrap(), []);

    let target = bob.folder.path().join("got.mp4");
    assert_eq!(bob.fetch(&file, &target).await, Progress::Saved);
    assert!(std::fs::read(&target).unwrap() == bytes);
    // Nothing is overwritten, and nothing lies beside it.
    let again = bob.engine.download(&file, &target).await;
    assert!(matches!(again, Err(EngineError::File(_))), "{again:?}");
    let beside = std::fs::read_dir(bob.folder.path()).unwrap();
    let parts = beside.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().contains(".part")
    });
    assert_eq!(parts.count(), 0);
}

#[tokio::test]
async fn a_line_that_is_cut_again_and_again_brings_a_file_over_once() {
    let (server, mut alice, mut bob) = two().await;
    let bytes = noise(24 * MIB);
    let path = alice.file("cut.bin", &bytes);
    let mut dice = Dice::new(seed());
    let before = alice.proxy.passed(Way::Up);
    alice.proxy.cut_after(Way::Up, 200_000);
    let id = alice.send_path(&path).await;
    let mut cuts = 0_usize;
    while alice.engine.transfers().await.unwrap().iter().any(|transfer| transfer.id == id) && cuts < 8 {
        let at = done(&alice.engine, id).await;
        let next = dice.below(2 * MIB as u64);
        alice.proxy.cut_after(Way::Up, usize::try_from(next).unwrap() + 64 * 1024);
        alice.engine.network_changed().await;
        alice.moved(id, at + 1).await;
        alice
            .until("it was cut", async |engine| {
                !matches!(engine.status(), kith_client::Status::Online)
            })
            .await;
        cuts += 1;
    }
    alice.proxy.disarm();
    alice.engine.network_changed().await;
    alice.sent(id).await;
    let passed = alice.proxy.passed(Way::Up) - before;
    let again = passed.saturating_sub(bytes.len());
    assert!(again < (cuts + 1) * MIB, "{again} bytes were sent again in {cuts} cuts");
    let file = bob.sees("alice", "cut.bin").await;
    let target = bob.folder.path().join("cut.bin");
    assert_eq!(bob.fetch(&file, &target).await, Progress::Saved);
    assert!(std::fs::read(&target).unwrap() == bytes);
    alice.equals_fresh_fetch(&server).await;
}

#[tokio::test]
async fn an_upload_outlives_the_program_and_the_server() {
    let (mut server, mut alice, mut bob) = two().await;
    let bytes = noise(12 * MIB);
    let path = alice.file("long.bin", &bytes);
    alice.engine.set_bandwidth(Some(8 * MIB as u64));
    let id = alice.send_path(&path).await;
    alice.moved(id, 3 * MIB as u64).await;
    let mut alice = alice.restart().await;
    alice.engine.set_bandwidth(Some(8 * MIB as u64));
    alice.online().await;
    alice.moved(id, 5 * MIB as u64).await;
    alice.proxy.down();
    server.kill();
    server.restart();
    for device in [&alice, &bob] {
        device.proxy.redirect(server.address);
    }
    alice.proxy.up();
    alice.engine.network_changed().await;
    bob.engine.network_changed().await;
    alice.sent(id).await;
    let file = bob.sees("alice", "long.bin").await;
    let target = bob.folder.path().join("long.bin");
    assert_eq!(bob.fetch(&file, &target).await, Progress::Saved);
    assert!(std::fs::read(&target).unwrap() == bytes);
}
