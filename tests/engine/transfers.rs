//! Files of any size, over lines that break.

use std::path::{Path, PathBuf};

use kith_client::{Blank, Change, Content, Engine, EngineError, FileSource, Progress, limits};
use kith_common::{ErrorCode, FileDetails, FileName};
use kith_tests::{Dice, PATIENCE, Server, Way, seed};
use tokio::time::timeout;

use crate::device::{Device, engine, person};

/// Bytes in which no pattern repeats soon.
pub(crate) fn noise(length: usize) -> Vec<u8> {
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

pub(crate) const MIB: usize = 1024 * 1024;

fn name(name: &str) -> FileName {
    FileName::try_from(name.to_owned()).unwrap()
}

impl Device {
    /// A file on this device that is to be sent.
    pub(crate) fn file(&self, called: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(called);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Sends a file of this device to Bob.
    pub(crate) async fn send_path(&self, path: &Path) -> u64 {
        let called = name(path.file_name().unwrap().to_str().unwrap());
        self.engine
            .send_file(
                person("bob"),
                called,
                path.to_owned(),
                FileDetails::default(),
                None,
            )
            .await
            .unwrap()
    }

    /// Waits until somebody has sent a file of this name. Returns its id.
    pub(crate) async fn sees(&mut self, from: &str, called: &str) -> String {
        let content = async |engine: &Engine| {
            let conversation = engine.conversation_with(from)?;
            let page = engine.messages(&conversation, None, 50).await.unwrap();
            page.messages
                .into_iter()
                .find_map(|message| match message.content {
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

    pub(crate) async fn fate(&self, id: u64) -> Progress {
        let settled = timeout(4 * PATIENCE, self.engine.settled(id)).await;
        settled.expect("not settled in time").unwrap()
    }

    /// Waits until a transfer has come so far.
    pub(crate) async fn moved(&mut self, id: u64, bytes: u64) {
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

/// The downloads in a folder that have begun and aren't there.
pub(crate) fn parts(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "part"))
        .collect()
}

/// A server on which two people have met.
pub(crate) async fn two() -> (Server, Device, Device) {
    let server = Server::start();
    let alice = Device::register(&server, "alice").await;
    let bob = Device::register(&server, "bob").await;
    alice.tell("bob", "hello").await;
    (server, alice, bob)
}

/// Sends a file from one to the other, who sees it. Returns its id.
pub(crate) async fn passed(alice: &Device, bob: &mut Device, name: &str, bytes: &[u8]) -> String {
    let id = alice.send_path(&alice.file(name, bytes)).await;
    alice.sent(id).await;
    bob.sees("alice", name).await
}

#[tokio::test]
async fn a_large_file_goes_over_and_is_fetched() {
    let (_server, alice, mut bob) = two().await;
    let bytes = noise(20 * MIB + 7);
    let path = alice.file("holiday.mp4", &bytes);
    let mut changes = alice.engine.changes();
    let details = FileDetails {
        media_type: Some("video/mp4".to_owned().try_into().unwrap()),
        width: Some(1920),
        ..FileDetails::default()
    };
    let id = alice
        .engine
        .send_file(person("bob"), name("holiday.mp4"), path, details.clone(), Some(1))
        .await
        .unwrap();
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
    let held = held.unwrap();
    assert_eq!(held.reply_to, Some(1));
    assert!(matches!(held.content, Content::File { details: said, .. } if said == details));
    let info = bob.engine.file_info(&file).await.unwrap();
    assert_eq!(
        (info.name.as_str(), info.hash.0),
        ("holiday.mp4", *blake3::hash(&bytes).as_bytes())
    );
    let url = bob.engine.file_url(&file).await.unwrap();
    assert!(
        url.starts_with(&format!("https://{}/files/", bob.proxy.address)),
        "{url}"
    );
    assert_eq!(alice.engine.transfers().await.unwrap(), []);

    let target = bob.folder.path().join("got.mp4");
    assert_eq!(bob.fetch(&file, &target).await, Progress::Saved);
    assert!(std::fs::read(&target).unwrap() == bytes);
    // Nothing is overwritten, and nothing lies beside it.
    let again = bob.engine.download(&file, &target).await;
    assert!(matches!(again, Err(EngineError::File(_))), "{again:?}");
    assert!(parts(bob.folder.path()).is_empty());
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
    let mut changes = alice.engine.changes();
    let mut cuts = 1_usize;
    let sending = alice.engine.clone();
    let mut settled = Box::pin(sending.settled(id));
    let progress = loop {
        tokio::select! {
            progress = &mut settled => break progress.unwrap(),
            batch = changes.next() => assert!(batch.is_some()),
        }
        if !alice.proxy.is_armed() && cuts < 9 {
            cuts += 1;
            let next = 64 * 1024 + dice.below(2 * MIB as u64);
            alice.proxy.cut_after(Way::Up, usize::try_from(next).unwrap());
            alice.engine.network_changed().await;
        }
    };
    assert!(
        matches!(progress, Progress::Sent { place: Some(_) }),
        "{progress:?}"
    );
    assert_eq!(cuts, 9);
    let passed = alice.proxy.passed(Way::Up) - before;
    let again = passed.saturating_sub(bytes.len());
    assert!(again < cuts * MIB, "{again} bytes were sent again in {cuts} cuts");
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

/// Cut, and begun again by another program: what is kept back stays so, and the file on the device stays whole.
#[tokio::test]
async fn parts_of_a_file_are_kept_back_over_restarts() {
    let (_server, mut alice, mut bob) = two().await;
    for (called, size) in [("small.mp4", 1000), ("large.mp4", 8 * MIB)] {
        let bytes = noise(size);
        let path = alice.file(called, &bytes);
        let blank = |at: usize, length: usize| Blank {
            at: at as u64,
            length: length as u64,
            begins: b"free".to_vec(),
        };
        // Over the borders of what is read at once, and at both ends.
        let blanks = [(0, 5), (size / 2 - 100, 300), (size - 7, 7)];
        let blanks = blanks.map(|(at, length)| blank(at, length)).to_vec();
        let mut sent = bytes.clone();
        for blank in &blanks {
            blank.cover(&mut sent, 0);
        }
        alice.engine.set_bandwidth(Some(6 * MIB as u64));
        let source = FileSource::PathWithout(path.clone(), blanks);
        let details = FileDetails::default();
        let sending = alice
            .engine
            .send_file(person("bob"), name(called), source, details, None);
        let id = sending.await.unwrap();
        if size > MIB {
            alice.moved(id, MIB as u64).await;
            alice.proxy.cut();
            alice.engine.network_changed().await;
            alice.moved(id, 2 * MIB as u64).await;
            alice = alice.restart().await;
            alice.online().await;
        }
        alice.sent(id).await;
        let file = bob.sees("alice", called).await;
        let target = bob.folder.path().join(called);
        assert_eq!(bob.fetch(&file, &target).await, Progress::Saved);
        assert!(std::fs::read(&target).unwrap() == sent);
        assert!(std::fs::read(&path).unwrap() == bytes);
    }
}

#[tokio::test]
async fn a_transfer_is_paused_resumed_and_called_off() {
    let (server, mut alice, mut bob) = two().await;
    let bytes = noise(6 * MIB);
    let path = alice.file("p.bin", &bytes);
    alice.engine.set_bandwidth(Some(4 * MIB as u64));
    let id = alice.send_path(&path).await;
    alice.moved(id, MIB as u64).await;
    alice.engine.pause(id).await.unwrap();
    let paused = async |engine: &Engine| {
        let transfers = engine.transfers().await.unwrap();
        transfers
            .iter()
            .any(|transfer| transfer.id == id && transfer.progress == Progress::Paused)
    };
    assert!(paused(&alice.engine).await);
    // A text overtakes it, and it stays paused over a restart.
    alice.tell("bob", "it will take a while").await;
    let mut alice = alice.restart().await;
    alice.online().await;
    alice.tell("bob", "still").await;
    assert!(paused(&alice.engine).await);
    alice.engine.set_bandwidth(Some(4 * MIB as u64));
    alice.engine.resume(id).await.unwrap();
    alice.moved(id, 2 * MIB as u64).await;
    alice.engine.discard(id).await.unwrap();
    assert_eq!(alice.fate(id).await, Progress::Discarded);
    assert_eq!(alice.engine.transfers().await.unwrap(), []);
    // Its room on the server is free again, soon.
    server.logged(1, &["upload given up by its owner"]).await;

    // The same with a download, of which nothing stays.
    alice.engine.set_bandwidth(None);
    let id = alice.send_path(&path).await;
    alice.sent(id).await;
    let file = bob.sees("alice", "p.bin").await;
    let target = bob.folder.path().join("p.bin");
    bob.engine.set_bandwidth(Some(4 * MIB as u64));
    let id = bob.engine.download(&file, &target).await.unwrap();
    bob.moved(id, MIB as u64).await;
    bob.engine.pause(id).await.unwrap();
    assert_eq!(parts(bob.folder.path()).len(), 1);
    bob.engine.resume(id).await.unwrap();
    bob.engine.discard(id).await.unwrap();
    bob.tell("alice", "no").await;
    assert_eq!((parts(bob.folder.path()).len(), target.exists()), (0, false));
    assert_eq!(bob.engine.transfers().await.unwrap(), []);
}

#[tokio::test]
async fn a_download_goes_on_after_cuts_and_a_restart() {
    let (_server, alice, mut bob) = two().await;
    let bytes = noise(12 * MIB);
    let file = passed(&alice, &mut bob, "d.bin", &bytes).await;
    let target = bob.folder.path().join("d.bin");
    bob.proxy.cut_after(Way::Down, 3 * MIB);
    bob.engine.set_bandwidth(Some(8 * MIB as u64));
    let id = bob.engine.download(&file, &target).await.unwrap();
    bob.until("it was cut", async |engine| {
        !matches!(engine.status(), kith_client::Status::Online)
    })
    .await;
    bob.engine.network_changed().await;
    bob.moved(id, 5 * MIB as u64).await;
    let bob = bob.restart().await;
    let id = bob.engine.download(&file, &target).await.unwrap();
    assert_eq!(bob.fate(id).await, Progress::Saved);
    assert!(std::fs::read(&target).unwrap() == bytes);
    assert!(parts(bob.folder.path()).is_empty());
}

#[tokio::test]
async fn a_download_that_was_there_and_not_noted_is_there() {
    let (_server, alice, mut bob) = two().await;
    let bytes = noise(MIB);
    let file = passed(&alice, &mut bob, "n.bin", &bytes).await;
    bob.offline().await;
    let target = bob.folder.path().join("n.bin");
    let other = bob.folder.path().join("o.bin");
    let whole = bob.engine.download(&file, &target).await.unwrap();
    let foreign = bob.engine.download(&file, &other).await.unwrap();
    std::fs::write(&target, &bytes).unwrap();
    std::fs::write(&other, noise(MIB + 1).split_off(1)).unwrap();
    bob.proxy.up();
    bob.engine.network_changed().await;
    assert_eq!(bob.fate(whole).await, Progress::Saved);
    assert!(matches!(bob.fate(foreign).await, Progress::Failed(_)));
    assert!(std::fs::read(&other).unwrap() != bytes);
    bob.engine.discard(foreign).await.unwrap();
    assert!(std::fs::read(&other).unwrap() != bytes, "it is somebody else's");
}

#[tokio::test]
async fn a_part_that_was_spoilt_is_found_out() {
    let (_server, alice, mut bob) = two().await;
    let bytes = noise(4 * MIB);
    let file = passed(&alice, &mut bob, "s.bin", &bytes).await;
    let target = bob.folder.path().join("s.bin");
    bob.engine.set_bandwidth(Some(2 * MIB as u64));
    let id = bob.engine.download(&file, &target).await.unwrap();
    bob.moved(id, MIB as u64).await;
    bob.engine.pause(id).await.unwrap();
    let bob = bob.restart().await;
    let part = std::fs::read_dir(bob.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "part"))
        .unwrap();
    let mut spoilt = std::fs::read(&part).unwrap();
    spoilt[1000] ^= 1;
    std::fs::write(&part, spoilt).unwrap();
    bob.engine.resume(id).await.unwrap();
    let Progress::Failed(error) = bob.fate(id).await else {
        panic!("it was believed")
    };
    assert_eq!(error.code, ErrorCode::Conflict);
    assert_eq!((parts(bob.folder.path()).len(), target.exists()), (0, false));
    bob.engine.retry(id).await.unwrap();
    assert_eq!(bob.fate(id).await, Progress::Saved);
    assert!(std::fs::read(&target).unwrap() == bytes);
}

#[tokio::test]
async fn a_file_that_was_changed_or_is_gone_isnt_sent() {
    let (server, mut alice, mut bob) = two().await;
    alice.engine.set_bandwidth(Some(2 * MIB as u64));
    let path = alice.file("c.bin", &noise(4 * MIB));
    let id = alice.send_path(&path).await;
    alice.moved(id, MIB as u64).await;
    std::fs::write(&path, noise(4 * MIB - 1)).unwrap();
    alice.engine.set_bandwidth(None);
    let Progress::Failed(error) = alice.fate(id).await else {
        panic!("it was sent")
    };
    assert!(error.message.contains("was changed"), "{error}");
    alice.engine.discard(id).await.unwrap();
    server.logged(1, &["upload given up by its owner"]).await;

    alice.offline().await;
    let id = alice.send_path(&path).await;
    std::fs::remove_file(&path).unwrap();
    alice.proxy.up();
    alice.engine.network_changed().await;
    let Progress::Failed(error) = alice.fate(id).await else {
        panic!("it was sent")
    };
    assert!(error.message.contains("c.bin"), "{error}");
    // Bytes need no file, and what is refused holds nothing up.
    let bytes = noise(MIB);
    let sending = alice.engine.send_file(
        person("bob"),
        name("b.bin"),
        bytes.clone(),
        FileDetails::default(),
        None,
    );
    let id = sending.await.unwrap();
    alice.sent(id).await;
    let file = bob.sees("alice", "b.bin").await;
    let target = bob.folder.path().join("b.bin");
    assert_eq!(bob.fetch(&file, &target).await, Progress::Saved);
    assert!(std::fs::read(&target).unwrap() == bytes);
    let nothing = alice
        .engine
        .send_file(person("bob"), name("n"), path, FileDetails::default(), None);
    assert!(matches!(nothing.await, Err(EngineError::File(_))));
}

#[tokio::test]
async fn what_has_no_room_is_refused_before_a_byte_is_sent() {
    let server = Server::builder()
        .set("KITH_FILES__LARGEST_BYTES", "5000000")
        .set("KITH_FILES__ACCOUNT_BYTES", "6000000")
        .start();
    let alice = Device::register(&server, "alice").await;
    let _bob = Device::register(&server, "bob").await;
    let before = alice.proxy.passed(Way::Up);
    let refused = async |size: usize| {
        let id = alice.send_path(&alice.file("large.bin", &noise(size))).await;
        match alice.fate(id).await {
            Progress::Failed(error) => error.code,
            progress => panic!("{progress:?}"),
        }
    };
    assert_eq!(refused(5_000_001).await, ErrorCode::TooLarge);
    let id = alice.send_path(&alice.file("fits.bin", &noise(4_000_000))).await;
    alice.sent(id).await;
    assert_eq!(refused(3_000_000).await, ErrorCode::Quota);
    assert!(alice.proxy.passed(Way::Up) - before < 4_200_000);
}

#[tokio::test]
async fn several_go_at_once_and_small_ones_dont_wait_for_large_ones() {
    let (_server, mut alice, mut bob) = two().await;
    let large = noise(limits::LARGE_FILE as usize + 1);
    alice.engine.set_bandwidth(Some(8 * MIB as u64));
    let mut ids = Vec::new();
    for called in ["l1", "l2", "l3"] {
        ids.push(alice.send_path(&alice.file(called, &large)).await);
    }
    let small = alice.send_path(&alice.file("small", &large[..MIB])).await;
    alice
        .until("two large ones move", async |engine| {
            done(engine, ids[0]).await > 0 && done(engine, ids[1]).await > 0
        })
        .await;
    alice.sent(small).await;
    assert_eq!(done(&alice.engine, ids[2]).await, 0, "the third large one waits");
    alice.engine.set_bandwidth(None);
    for id in ids {
        assert!(matches!(alice.fate(id).await, Progress::Sent { .. }));
    }
    bob.sees("alice", "l3").await;
}

#[tokio::test]
async fn two_programs_share_the_work() {
    let (_server, mut alice, mut bob) = two().await;
    let bytes = noise(6 * MIB);
    let other = engine(&alice.options, alice.folder.path()).await;
    other.online().await.unwrap();
    for engine in [&alice.engine, &other] {
        engine.set_bandwidth(Some(4 * MIB as u64));
    }
    let id = alice.send_path(&alice.file("both.bin", &bytes)).await;
    alice.moved(id, 2 * MIB as u64).await;
    // The one ends in the middle, and the other goes on.
    alice.engine.close().await;
    let place = timeout(4 * PATIENCE, other.settled(id)).await.unwrap().unwrap();
    assert!(matches!(place, Progress::Sent { .. }), "{place:?}");
    let file = bob.sees("alice", "both.bin").await;
    let target = bob.folder.path().join("both.bin");
    assert_eq!(bob.fetch(&file, &target).await, Progress::Saved);
    assert!(std::fs::read(&target).unwrap() == bytes);
    other.close().await;
}
