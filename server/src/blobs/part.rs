use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::{Blobs, sync_folder};
use crate::platform;

/// Bytes that are given to the disk at once: what a sync finds to do goes before the commits of messages on the same disk, and tens of
/// megabytes of it would hold them up.
const STEP: u64 = 4 * 1024 * 1024;

/// A file that isn't whole yet, and the hash of what is there. Everything here waits for the disk.
pub struct Part {
    disk: Arc<Disk>,
    path: PathBuf,
    whole: PathBuf,
    folder: Arc<Path>,
    length: u64,
    /// Up to where it was given to the disk.
    given: u64,
    hasher: blake3::Hasher,
}

/// A file, and whether bytes of it may be lost: the system tells that once, and takes the next sync for a success
/// (fsync(2), "NOTES").
struct Disk {
    file: File,
    has_failed: AtomicBool,
}

/// Brings to the disk what was written before it was asked for.
pub struct Syncing {
    disk: Arc<Disk>,
    folder: Arc<Path>,
}

impl Part {
    pub(super) fn open(
        blobs: &Blobs,
        id: &str,
        stored: u64,
        hasher: Option<blake3::Hasher>,
    ) -> io::Result<Self> {
        let (path, whole) = (blobs.unfinished(id)?, blobs.whole(id)?);
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)?;
        if file.metadata()?.len() < stored {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "a file has fewer bytes than were synced",
            ));
        }
        file.set_len(stored)?;
        let hasher = match hasher {
            Some(hasher) => hasher,
            None => {
                let mut hasher = blake3::Hasher::new();
                hasher.update_reader((&file).take(stored))?;
                hasher
            }
        };
        file.seek(SeekFrom::Start(stored))?;
        Ok(Self {
            disk: Arc::new(Disk {
                file,
                has_failed: AtomicBool::new(false),
            }),
            path,
            whole,
            folder: blobs.folder.clone(),
            length: stored,
            given: stored,
            hasher,
        })
    }

    /// How many bytes are there.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The hash of them, to go on from here.
    pub fn hasher(&self) -> blake3::Hasher {
        self.hasher.clone()
    }

    /// Writes bytes behind what is there. They are all there or none is; unless the disk fails, then nothing can be synced any more.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = (&self.disk.file).write_all(bytes) {
            // As far as that is possible; what the database doesn't know of is cut off anyway.
            let _ = self.cut_file(self.length);
            return Err(error);
        }
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
        self.give()
    }

    /// Gives the disk what it has not been given. To wait until it is through would slow the upload down and help nobody.
    fn give(&mut self) -> io::Result<()> {
        if self.length - self.given >= STEP {
            let (start, end) = (self.given, self.length);
            self.given = end;
            self.disk
                .tried(platform::begin_writing(&self.disk.file, start..end))?;
        }
        Ok(())
    }

    /// What brings all that was written so far to the disk, and the file's name too. Writing may go on meanwhile.
    pub fn sync(&self) -> Syncing {
        Syncing {
            disk: self.disk.clone(),
            folder: self.folder.clone(),
        }
    }

    /// Goes back to a length that it had before, with the hash of then.
    ///
    /// # Errors
    /// The disk fails.
    pub fn cut_back(&mut self, length: u64, hasher: blake3::Hasher) -> io::Result<()> {
        self.cut_file(length)?;
        (self.length, self.hasher) = (length, hasher);
        self.given = self.given.min(length);
        Ok(())
    }

    /// The file is whole: it gets its name, and lasts from now on. Returns the hash of its bytes.
    ///
    /// # Errors
    /// The disk fails. The file may have its name then.
    pub fn finish(self) -> io::Result<[u8; 32]> {
        self.disk.sync(File::sync_all)?;
        std::fs::rename(&self.path, &self.whole)?;
        sync_folder(&self.folder)?;
        Ok(*self.hasher.finalize().as_bytes())
    }

    fn cut_file(&self, length: u64) -> io::Result<()> {
        self.disk.file.set_len(length)?;
        (&self.disk.file).seek(SeekFrom::Start(length)).map(drop)
    }
}

impl Syncing {
    /// Waits until it is there.
    ///
    /// # Errors
    /// The disk fails.
    pub fn run(self) -> io::Result<()> {
        self.disk.sync(File::sync_data)?;
        sync_folder(&self.folder)
    }
}

impl Disk {
    fn sync(&self, sync: fn(&File) -> io::Result<()>) -> io::Result<()> {
        if self.has_failed.load(Relaxed) {
            return Err(io::Error::other("bytes that were written before may be lost"));
        }
        self.tried(sync(&self.file))
    }

    fn tried(&self, outcome: io::Result<()>) -> io::Result<()> {
        if outcome.is_err() {
            self.has_failed.store(true, Relaxed);
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandomness;

    fn part(folder: &Path) -> Part {
        let blobs = Blobs::open(folder.join("blobs"), Arc::new(SystemRandomness::new()), 0).unwrap();
        let id = blobs.new_id().unwrap();
        Part::open(&blobs, &id, 0, None).unwrap()
    }

    #[test]
    fn the_disk_is_given_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = part(folder.path());
        let piece = vec![7; 300 * 1024];
        let before = part.hasher();
        for written in 1..40 {
            part.write(&piece).unwrap();
            assert_eq!(part.length(), written * piece.len() as u64);
            assert!(part.length() - part.given < STEP);
        }
        part.cut_back(0, before).unwrap();
        part.write(&piece).unwrap();
        assert_eq!(part.finish().unwrap(), *blake3::hash(&piece).as_bytes());
    }

    #[test]
    fn after_a_failure_no_sync_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = part(folder.path());
        part.write(b"lost").unwrap();
        let (first, second) = (part.sync(), part.sync());
        first.run().unwrap();
        let failed = part.disk.tried(Err(io::ErrorKind::Other.into()));
        assert!(failed.is_err());
        assert!(second.run().is_err());
        assert!(part.finish().is_err());
    }
}
