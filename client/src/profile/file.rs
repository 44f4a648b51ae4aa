//! A file of JSON that only its owner may read, and that several processes may change.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::ProfileError;

/// The version of the form of all these files that this program writes.
const VERSION: u32 = 1;

/// A file of that kind: each change reads it, changes it and replaces it whole under a lock.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonFile<'a> {
    pub(super) folder: &'a Path,
    /// Its name without `.json`.
    pub(super) name: &'static str,
}

impl JsonFile<'_> {
    /// What the file holds; nothing, where there is none yet.
    pub(super) fn load<T: DeserializeOwned + Default>(&self) -> Result<T, ProfileError> {
        let path = self.path();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(T::default()),
            Err(source) => return Err(ProfileError::Io { path, source }),
        };
        match serde_json::from_slice::<Versioned<T>>(&bytes) {
            Ok(Versioned { version, .. }) if version > VERSION => Err(ProfileError::Newer { path, version }),
            Ok(Versioned { content, .. }) => Ok(content),
            Err(error) => match serde_json::from_slice::<VersionOnly>(&bytes) {
                Ok(VersionOnly { version }) if version > VERSION => {
                    Err(ProfileError::Newer { path, version })
                }
                _ => Err(ProfileError::Damaged {
                    path,
                    reason: error.to_string(),
                }),
            },
        }
    }

    /// Changes what it holds, and returns what `change` returns.
    pub(super) fn change<T, R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, ProfileError>
    where
        T: Serialize + DeserializeOwned + Default + Clone + PartialEq,
    {
        make_private_folder(self.folder).map_err(|source| io_error(self.folder, source))?;
        let lock = self.folder.join(format!("{}.lock", self.name));
        // Dropping the file gives the lock back.
        let _locked = lock_file(&lock).map_err(|source| io_error(&lock, source))?;
        let mut content = self.load::<T>()?;
        let before = content.clone();
        let result = change(&mut content);
        if content != before || !self.path().exists() {
            self.replace(content)
                .map_err(|source| io_error(&self.path(), source))?;
        }
        Ok(result)
    }

    fn replace<T: Serialize>(&self, content: T) -> io::Result<()> {
        // A temporary file is made with mode 0600, and keeps it.
        let mut file = NamedTempFile::new_in(self.folder)?;
        let versioned = Versioned {
            version: VERSION,
            content,
        };
        serde_json::to_writer_pretty(&mut file, &versioned)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(self.path())?;
        Ok(())
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.name))
    }
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    #[serde(flatten)]
    content: T,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

fn io_error(path: &Path, source: io::Error) -> ProfileError {
    let path = path.to_owned();
    ProfileError::Io { path, source }
}

pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn lock_file(path: &Path) -> io::Result<File> {
    let file = open_lock(path)?;
    file.lock()?;
    Ok(file)
}

/// Locks a file; none where somebody else has locked it.
pub(super) fn try_lock_file(path: &Path) -> io::Result<Option<File>> {
    let file = open_lock(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
