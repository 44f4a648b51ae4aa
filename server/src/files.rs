//! Files that must never be half there: written beside their place, flushed to the disk, then renamed into it.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What failed with which file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A file that must be new is there already.
    #[error("{} is already there and is never overwritten; move it away if you want a new one", .0.display())]
    Exists(PathBuf),
    /// The file is missing.
    #[error("{} is missing", .0.display())]
    Missing(PathBuf),
    /// The operating system refused.
    #[error("{} can't be {verb}: {reason}", .path.display())]
    Refused {
        /// What was tried: `read`, `written`, `created`.
        verb: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's word.
        reason: io::Error,
    },
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Its owner alone (mode 0600): keys and secrets.
    Owner,
    /// Everyone (mode 0644, less the umask): certificates.
    Everyone,
}

/// Writes a file that isn't there yet.
///
/// # Errors
/// [`FileError::Exists`] if there is one, which stays as it is.
pub fn write_new(path: &Path, contents: &[u8], access: Access) -> Result<(), FileError> {
    write_beside(path, contents, access)?
        .persist_noclobber(path)
        .map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => FileError::Exists(path.to_owned()),
            _ => refused("written", path, error.error),
        })?;
    sync_parent(path)
}

/// Writes a file, in place of the one that may be there. A reader sees the old or the new one, never a part.
///
/// # Errors
/// If the operating system refuses; the old file is then untouched.
pub fn replace(path: &Path, contents: &[u8], access: Access) -> Result<(), FileError> {
    write_beside(path, contents, access)?
        .persist(path)
        .map_err(|error| refused("written", path, error.error))?;
    sync_parent(path)
}

/// Reads a whole file.
///
/// # Errors
/// [`FileError::Missing`] if there is none, else what the operating system says.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(|reason| match reason.kind() {
        io::ErrorKind::NotFound => FileError::Missing(path.to_owned()),
        _ => refused("read", path, reason),
    })
}

/// Makes a directory, and those above it, that only its owner may enter (mode 0700). One that exists is left alone. The
/// name is on the disk afterwards; also that of one that exists, for it may be from a run that was killed in between.
///
/// # Errors
/// If it can't be made, or something else has that name.
pub fn create_private_directory(path: &Path) -> Result<(), FileError> {
    create_directory(path, 0o700)
}

fn create_directory(path: &Path, mode: u32) -> Result<(), FileError> {
    if let Some(parent) = path.parent()
        && !directory_of(path).is_dir()
    {
        create_directory(parent, 0o777)?;
    }
    let existed = match fs::DirBuilder::new().mode(mode).create(path) {
        Err(reason) if reason.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => true,
        Err(reason) => return Err(refused("created", path, reason)),
        Ok(()) => false,
    };
    match sync_parent(path) {
        // Where one may make directories and not read them, one can't sync them either.
        Err(FileError::Refused { reason, .. })
            if existed || reason.kind() == io::ErrorKind::PermissionDenied =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// Whether others than the owner may read or change a file: its mode, if so.
///
/// # Errors
/// If there is no such file, or its mode can't be read.
pub fn exposed_mode(path: &Path) -> Result<Option<u32>, FileError> {
    let metadata = fs::metadata(path).map_err(|reason| refused("read", path, reason))?;
    let mode = metadata.permissions().mode() & 0o777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

fn write_beside(path: &Path, contents: &[u8], access: Access) -> Result<tempfile::NamedTempFile, FileError> {
    let directory = directory_of(path);
    let mode = match access {
        Access::Owner => 0o600,
        Access::Everyone => 0o644,
    };
    let write = || {
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(directory)?;
        file.write_all(contents)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(|reason| refused("written", path, reason))
}

/// A name lasts only once the directory in which it is is on the disk too.
fn sync_parent(path: &Path) -> Result<(), FileError> {
    let directory = directory_of(path);
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|reason| refused("written", path, reason))
}

fn directory_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn refused(verb: &'static str, path: &Path, reason: io::Error) -> FileError {
    FileError::Refused {
        verb,
        path: path.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_private_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        write_new(&path, b"one", Access::Owner).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(
            write_new(&path, b"two", Access::Owner),
            Err(FileError::Exists(_))
        ));
        assert_eq!(fs::read(&path).unwrap(), b"one");
        replace(&path, b"three", Access::Everyone).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"three");
        assert_eq!(
            fs::read_dir(directory.path()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn others_readers_are_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        write_new(&path, b"", Access::Owner).unwrap();
        assert_eq!(exposed_mode(&path).unwrap(), None);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert_eq!(exposed_mode(&path).unwrap(), Some(0o640));
    }

    #[test]
    fn a_directory_is_private_and_one_that_exists_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        create_private_directory(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        create_private_directory(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
        fs::write(directory.path().join("file"), "").unwrap();
        assert!(create_private_directory(&directory.path().join("file")).is_err());
    }
}
