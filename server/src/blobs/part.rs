use std::fs::File;
use std::io::{self, IoSlice, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::{Blobs, sync_folder};

/// Pieces that are written at once.
const PIECES: usize = 64;

/// A file that isn't whole yet, and the hash of what is there. Everything here waits for the disk.
pub struct Part {
    file: Arc<File>,
    path: PathBuf,
    whole: PathBuf,
    folder: Arc<Path>,
    length: u64,
    hasher: blake3::Hasher,
}

/// Brings to the disk what was written before it was asked for.
pub struct Syncing {
    file: Arc<File>,
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
            file: Arc::new(file),
            path,
            whole,
            folder: blobs.folder.clone(),
            length: stored,
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

    /// Writes pieces one after the other. They are all there or none is.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn write(&mut self, pieces: &[Bytes]) -> io::Result<()> {
        for some in pieces.chunks(PIECES) {
            let mut slices: Vec<IoSlice<'_>> = some.iter().map(|piece| IoSlice::new(piece)).collect();
            if let Err(error) = write_all(&self.file, &mut slices) {
                // As far as that is possible; what the database doesn't know of is cut off anyway.
                let _ = self.cut_file(self.length);
                return Err(error);
            }
        }
        for piece in pieces {
            self.hasher.update(piece);
            self.length += piece.len() as u64;
        }
        Ok(())
    }

    /// What brings all that was written so far to the disk, and the file's name too. Writing may go on meanwhile.
    pub fn sync(&self) -> Syncing {
        Syncing {
            file: self.file.clone(),
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
        Ok(())
    }

    /// The file is whole: it gets its name, and lasts from now on. Returns the hash of its bytes.
    ///
    /// # Errors
    /// The disk fails. The file may have its name then.
    pub fn finish(self) -> io::Result<[u8; 32]> {
        self.file.sync_all()?;
        std::fs::rename(&self.path, &self.whole)?;
        sync_folder(&self.folder)?;
        Ok(*self.hasher.finalize().as_bytes())
    }

    fn cut_file(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        (&*self.file).seek(SeekFrom::Start(length)).map(drop)
    }
}

impl Syncing {
    /// Waits until it is there.
    ///
    /// # Errors
    /// The disk fails.
    pub fn run(self) -> io::Result<()> {
        self.file.sync_data()?;
        sync_folder(&self.folder)
    }
}

fn write_all(mut file: &File, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    // Empty ones would look like a disk that takes nothing.
    IoSlice::advance_slices(&mut slices, 0);
    while !slices.is_empty() {
        match file.write_vectored(slices) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
