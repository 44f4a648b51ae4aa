//! Where a file is saved that was received: over another one, where nothing can be written, and where there is no room.

use std::path::{Path, PathBuf};

use kith_client::{EngineError, Progress};
use kith_common::ErrorCode;

use crate::transfers::{MIB, noise, parts, passed, two};

#[tokio::test]
async fn a_file_makes_place_for_one_that_is_whole() {
    let (_server, alice, mut bob) = two().await;
    let bytes = noise(6 * MIB);
    let file = passed(&alice, &mut bob, "r.bin", &bytes).await;
    let target = bob.file("mine.bin", b"what was there");
    let held = |path: &Path| std::fs::read(path).unwrap();
    bob.engine.set_bandwidth(Some(4 * MIB as u64));
    let id = bob.engine.download_over(&file, &target).await.unwrap();
    bob.moved(id, MIB as u64).await;
    assert_eq!(held(&target), b"what was there");
    // Over a restart too, and it is the same transfer when it is asked for again.
    let mut bob = bob.restart().await;
    let again = bob.engine.download_over(&file, &target).await.unwrap();
    assert_eq!(again, id);
    assert_eq!(bob.fate(id).await, Progress::Saved);
    assert!(held(&target) == bytes);

    // What is changed meanwhile stays.
    bob.engine.set_bandwidth(Some(4 * MIB as u64));
    let id = bob.engine.download_over(&file, &target).await.unwrap();
    bob.moved(id, MIB as u64).await;
    std::fs::write(&target, b"new work").unwrap();
    let Progress::Failed(error) = bob.fate(id).await else {
        panic!("it was saved over somebody's work")
    };
    assert_eq!(error.code, ErrorCode::Conflict);
    assert_eq!(held(&target), b"new work");
    bob.engine.discard(id).await.unwrap();
    assert_eq!(held(&target), b"new work");
    assert!(parts(bob.folder.path()).is_empty());

    // Where nothing is, it is as any other; and a folder makes no place.
    let free = bob.folder.path().join("free.bin");
    bob.engine.set_bandwidth(None);
    let id = bob.engine.download_over(&file, &free).await.unwrap();
    assert_eq!(bob.fate(id).await, Progress::Saved);
    assert!(held(&free) == bytes);
    assert!(bob.engine.download_over(&file, bob.folder.path()).await.is_err());
}

#[tokio::test]
async fn a_place_that_takes_no_file_is_named_and_nothing_is_lost() {
    let (_server, alice, mut bob) = two().await;
    let bytes = noise(4 * MIB);
    let file = passed(&alice, &mut bob, "w.bin", &bytes).await;
    let no_folder = bob.folder.path().join("no folder/w.bin");
    let no_place = bob.file("a file", b"x").join("w.bin");
    for path in [no_folder, no_place, PathBuf::from("/proc/w.bin")] {
        let id = bob.engine.download_over(&file, &path).await.unwrap();
        let Progress::Failed(error) = bob.fate(id).await else {
            panic!("saved to {}", path.display())
        };
        assert_eq!(error.code, ErrorCode::Storage);
        assert!(error.message.contains("w.bin"), "{}", error.message);
        bob.engine.discard(id).await.unwrap();
    }
}

/// A device that takes no byte stands in for a disk that is full (full(4)).
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_keeps_what_was_there_and_the_download_goes_on_when_there_is_room() {
    let (_server, alice, mut bob) = two().await;
    let bytes = noise(4 * MIB);
    let file = passed(&alice, &mut bob, "f.bin", &bytes).await;
    let target = bob.file("mine.bin", b"what was there");
    bob.engine.set_bandwidth(Some(2 * MIB as u64));
    let id = bob.engine.download_over(&file, &target).await.unwrap();
    bob.moved(id, MIB as u64).await;
    bob.engine.pause(id).await.unwrap();
    let [part] = &parts(bob.folder.path())[..] else {
        panic!("there is no part")
    };
    std::fs::remove_file(part).unwrap();
    std::os::unix::fs::symlink("/dev/full", part).unwrap();
    bob.engine.set_bandwidth(None);
    bob.engine.resume(id).await.unwrap();
    let Progress::Failed(error) = bob.fate(id).await else {
        panic!("it was saved on a full disk")
    };
    assert_eq!(error.code, ErrorCode::Storage);
    assert!(
        error.message.to_lowercase().contains("no space"),
        "{}",
        error.message
    );
    assert_eq!(std::fs::read(&target).unwrap(), b"what was there");
    std::fs::remove_file(part).unwrap();
    bob.engine.retry(id).await.unwrap();
    assert_eq!(bob.fate(id).await, Progress::Saved);
    assert!(std::fs::read(&target).unwrap() == bytes);
    assert!(parts(bob.folder.path()).is_empty());
}

#[tokio::test]
async fn a_file_is_read_from_any_place_on_and_kept_nowhere() {
    let (_server, alice, mut bob) = two().await;
    let bytes = noise(3 * MIB);
    let file = passed(&alice, &mut bob, "p.bin", &bytes).await;
    for from in [0, MIB + 7, 3 * MIB - 1] {
        let mut reading = bob.engine.read_file(&file, from as u64).await.unwrap();
        assert_eq!(reading.info().size, bytes.len() as u64);
        let mut read = Vec::new();
        while let Some(piece) = reading.next().await.unwrap() {
            read.extend(piece);
        }
        assert!(read == bytes[from..], "from {from}");
    }
    assert!(bob.engine.read_file(&file, bytes.len() as u64).await.is_err());
    assert!(bob.engine.read_file("another", 0).await.is_err());
    assert_eq!(bob.engine.transfers().await.unwrap(), []);
    bob.offline().await;
    let offline = bob.engine.read_file(&file, 0).await.err();
    assert!(matches!(offline, Some(EngineError::Offline)), "{offline:?}");
    // Who holds an address of it doesn't keep the account going.
    let weak = bob.engine.downgrade();
    assert!(weak.upgrade().is_some());
    drop(bob);
    assert!(weak.upgrade().is_none());
}
