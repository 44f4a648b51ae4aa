//! The bytes of files: each in a file of its own, named after its id, whole and synced before anybody hears of it.
//!
//! While it comes in, it is called `ID.part` (`part.rs`), whether it comes inside a message or as an upload.

mod part;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files;
use crate::random::Random;
use crate::store::NewBlob;

pub use part::{Part, Syncing};

/// What the name of a file that isn't whole yet ends with.
const PART: &str = ".part";

/// The folder of files.
#[derive(Clone)]
pub struct Blobs {
    folder: Arc<Path>,
    random: Arc<dyn Random>,
    /// Bytes that have to stay free on the disk.
    keep_free: u64,
}

/// A file in the folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Found {
    /// A whole one, by its id.
    Whole(String),
    /// One that isn't whole.
    Part(String),
}

impl Found {
    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Self::Whole(id) | Self::Part(id) => id,
        }
    }
}

impl Blobs {
    /// Opens the folder, and makes it where it isn't there yet. So many bytes of its disk are to stay free.
    ///
    /// # Errors
    /// It can't be made.
    pub fn open(folder: PathBuf, random: Arc<dyn Random>, keep_free: u64) -> io::Result<Self> {
        // A file's name is worth nothing in a folder that has none.
        files::create_private_directory(&folder).map_err(io::Error::other)?;
        Ok(Self {
            folder: folder.into(),
            random,
            keep_free,
        })
    }

    /// An id for a new file.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn new_id(&self) -> io::Result<String> {
        crate::random::text::<16>(&*self.random).map_err(io::Error::other)
    }

    /// Writes a file whole, under its temporary name first, so that there is never half of one.
    ///
    /// # Errors
    /// The disk is full or fails; then nothing is left.
    pub async fn write(&self, bytes: Vec<u8>) -> io::Result<NewBlob> {
        let (blobs, id, size) = (self.clone(), self.new_id()?, bytes.len() as u64);
        blocking(move || {
            blobs.require(size)?;
            let mut part = Part::open(&blobs, &id, 0, None)?;
            let written = part.write(&bytes).and_then(|()| part.finish());
            if written.is_err() {
                let _ = blobs.remove(&id);
            }
            Ok(NewBlob {
                hash: written?,
                id,
                size,
            })
        })
        .await
    }

    /// Opens what is there of a file that isn't whole: so many bytes, which were synced; what lies behind them is cut off. Without the
    /// hash of these bytes they are read again.
    ///
    /// # Errors
    /// The disk fails.
    pub async fn part(&self, id: &str, stored: u64, hasher: Option<blake3::Hasher>) -> io::Result<Part> {
        let (blobs, id) = (self.clone(), id.to_owned());
        blocking(move || Part::open(&blobs, &id, stored, hasher)).await
    }

    /// Opens a whole file to read from.
    ///
    /// # Errors
    /// It isn't there or can't be read.
    pub async fn open_whole(&self, id: &str) -> io::Result<std::fs::File> {
        let path = self.whole(id)?;
        blocking(move || std::fs::File::open(path)).await
    }

    /// Reads a file whole. Only for files that were sent inside a frame, or fit into one, which limits their size.
    ///
    /// # Errors
    /// It isn't there or can't be read.
    pub async fn read(&self, id: &str) -> io::Result<Vec<u8>> {
        let path = self.whole(id)?;
        blocking(move || std::fs::read(path)).await
    }

    /// Deletes a file, whole or not. One that isn't there is fine.
    ///
    /// # Errors
    /// The disk fails.
    pub async fn delete(&self, id: &str) -> io::Result<()> {
        let (blobs, id) = (self.clone(), id.to_owned());
        blocking(move || blobs.remove(&id)).await
    }

    /// Deletes what came in of a file under its temporary name.
    ///
    /// # Errors
    /// The disk fails.
    pub async fn delete_part(&self, id: &str) -> io::Result<()> {
        let path = self.unfinished(id)?;
        blocking(move || remove(&path)).await
    }

    /// A whole file is an unfinished one again: a crash came between its renaming and the word of it in the database.
    ///
    /// # Errors
    /// The disk fails.
    pub async fn take_back(&self, id: &str) -> io::Result<()> {
        let (from, to, folder) = (self.whole(id)?, self.unfinished(id)?, self.folder.clone());
        blocking(move || {
            std::fs::rename(from, to)?;
            sync_folder(&folder)
        })
        .await
    }

    /// All files. What other versions have left under temporary names is deleted.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn list(&self) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            match name.strip_suffix(PART) {
                Some(id) if is_id(id) => found.push(Found::Part(id.to_owned())),
                None if is_id(&name) => found.push(Found::Whole(name)),
                _ if name.starts_with(".tmp") => std::fs::remove_file(self.folder.join(name))?,
                _ => {}
            }
        }
        Ok(found)
    }

    /// Bytes that the disk has for files.
    ///
    /// # Errors
    /// The disk doesn't say.
    pub async fn room(&self) -> io::Result<u64> {
        let blobs = self.clone();
        blocking(move || blobs.measure()).await
    }

    /// Makes sure that the disk has room for so many bytes.
    fn require(&self, bytes: u64) -> io::Result<()> {
        if self.measure()? < bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn measure(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&*self.folder)?;
        Ok(disk
            .f_bavail
            .saturating_mul(disk.f_frsize)
            .saturating_sub(self.keep_free))
    }

    fn remove(&self, id: &str) -> io::Result<()> {
        remove(&self.unfinished(id)?)?;
        remove(&self.whole(id)?)
    }

    fn whole(&self, id: &str) -> io::Result<PathBuf> {
        if is_id(id) {
            Ok(self.folder.join(id))
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    fn unfinished(&self, id: &str) -> io::Result<PathBuf> {
        self.whole(id)?;
        Ok(self.folder.join(format!("{id}{PART}")))
    }
}

/// Whether this is an id that could have been given out, and so a plain file name.
fn is_id(text: &str) -> bool {
    text.len() == 22
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    // Windows can't sync a folder; its file systems journal renames.
    if cfg!(unix) {
        std::fs::File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Runs what waits for the disk on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandomness;

    fn blobs(folder: &Path, keep_free: u64) -> Blobs {
        Blobs::open(folder.join("blobs"), Arc::new(SystemRandomness::new()), keep_free).unwrap()
    }

    #[tokio::test]
    async fn files_come_back_and_ids_are_never_paths() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(folder.path(), 0);
        std::fs::write(folder.path().join("secret"), "x").unwrap();
        std::fs::write(folder.path().join("blobs/.tmpleft"), "x").unwrap();
        let blob = blobs.write(b"bytes".to_vec()).await.unwrap();
        assert_eq!((blob.size, blob.hash), (5, *blake3::hash(b"bytes").as_bytes()));
        assert_eq!(blobs.read(&blob.id).await.unwrap(), b"bytes");
        assert_eq!(blobs.list().unwrap(), [Found::Whole(blob.id.clone())]);
        assert!(blobs.read("../secret").await.is_err());
        assert!(blobs.part("../secret", 0, None).await.is_err());
        blobs.delete(&blob.id).await.unwrap();
        blobs.delete(&blob.id).await.unwrap();
        assert!(blobs.read(&blob.id).await.is_err());
        assert_eq!(std::fs::read_dir(folder.path().join("blobs")).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_file_grows_in_parts_and_forgets_what_was_not_synced() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(folder.path(), 0);
        let id = blobs.new_id().unwrap();
        let mut part = blobs.part(&id, 0, None).await.unwrap();
        part.write(b"hello ").unwrap();
        part.write(b"wor").unwrap();
        part.sync().run().unwrap();
        part.write(b"XXXX").unwrap();
        drop(part);
        assert_eq!(blobs.list().unwrap(), [Found::Part(id.clone())]);
        let mut part = blobs.part(&id, 9, None).await.unwrap();
        assert_eq!(part.length(), 9);
        let before = part.hasher();
        part.write(b"nonsense").unwrap();
        part.cut_back(9, before).unwrap();
        part.write(b"ld").unwrap();
        assert_eq!(part.finish().unwrap(), *blake3::hash(b"hello world").as_bytes());
        assert_eq!(blobs.list().unwrap(), [Found::Whole(id.clone())]);
        assert_eq!(blobs.read(&id).await.unwrap(), b"hello world");
        blobs.take_back(&id).await.unwrap();
        assert_eq!(blobs.list().unwrap(), [Found::Part(id)]);
    }

    #[tokio::test]
    async fn a_disk_without_room_takes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(folder.path(), u64::MAX);
        assert_eq!(blobs.room().await.unwrap(), 0);
        let error = blobs.write(vec![7]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(blobs.list().unwrap(), []);
    }
}
