//! The bytes of files: each in a file of its own, named after its id, whole and synced before anybody hears of it.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files;
use crate::random::Random;
use crate::store::NewBlob;

/// The folder of files.
#[derive(Clone)]
pub struct Blobs {
    folder: PathBuf,
    random: Arc<dyn Random>,
}

impl Blobs {
    /// Opens the folder, and makes it where it isn't there yet.
    ///
    /// # Errors
    /// It can't be made.
    pub fn open(folder: PathBuf, random: Arc<dyn Random>) -> io::Result<Self> {
        // A file's name is worth nothing in a folder that has none.
        files::create_private_directory(&folder).map_err(io::Error::other)?;
        Ok(Self { folder, random })
    }

    /// Writes a file: under a temporary name, synced, then renamed, so that there is never half of one.
    ///
    /// # Errors
    /// The disk is full or fails; then nothing is left.
    pub async fn write(&self, bytes: Vec<u8>) -> io::Result<NewBlob> {
        let id = crate::random::text::<16>(&*self.random).map_err(io::Error::other)?;
        let path = self.path(&id);
        let folder = self.folder.clone();
        blocking(move || {
            let hash = *blake3::hash(&bytes).as_bytes();
            let mut file = tempfile::NamedTempFile::new_in(&folder)?;
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            file.persist_noclobber(path)?;
            sync_folder(&folder)?;
            Ok(NewBlob {
                id,
                size: bytes.len() as u64,
                hash,
            })
        })
        .await
    }

    /// Reads a file whole. Only for files that were sent inside a frame, which limits their size.
    ///
    /// # Errors
    /// It isn't there or can't be read.
    pub async fn read(&self, id: &str) -> io::Result<Vec<u8>> {
        if !is_id(id) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let path = self.path(id);
        blocking(move || std::fs::read(path)).await
    }

    /// Deletes a file. One that isn't there is fine.
    ///
    /// # Errors
    /// The disk fails.
    pub async fn delete(&self, id: &str) -> io::Result<()> {
        let path = self.path(id);
        blocking(move || match std::fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        })
        .await
    }

    /// The ids of all files, and the temporary ones that a crash has left (they are deleted).
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn ids(&self) -> io::Result<Vec<String>> {
        let mut ids = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if is_id(&name) {
                ids.push(name);
            } else if name.starts_with(".tmp") {
                std::fs::remove_file(self.folder.join(name))?;
            }
        }
        Ok(ids)
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.join(id)
    }
}

/// Whether this is an id that could have been given out, and so a plain file name.
fn is_id(text: &str) -> bool {
    text.len() == 22
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    // Windows can't sync a folder; its file systems journal renames.
    if cfg!(unix) {
        std::fs::File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandomness;

    #[tokio::test]
    async fn files_come_back_and_ids_are_never_paths() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().join("blobs"), Arc::new(SystemRandomness::new())).unwrap();
        std::fs::write(folder.path().join("secret"), "x").unwrap();
        std::fs::write(folder.path().join("blobs/.tmpleft"), "x").unwrap();
        let blob = blobs.write(b"bytes".to_vec()).await.unwrap();
        assert_eq!(blobs.read(&blob.id).await.unwrap(), b"bytes");
        assert_eq!(blobs.ids().unwrap(), std::slice::from_ref(&blob.id));
        assert!(blobs.read("../secret").await.is_err());
        blobs.delete(&blob.id).await.unwrap();
        blobs.delete(&blob.id).await.unwrap();
        assert!(blobs.read(&blob.id).await.is_err());
        assert_eq!(std::fs::read_dir(folder.path().join("blobs")).unwrap().count(), 0);
    }
}
