//! The bytes of an upload of a native program: read from the disk, hashed while they are read.

use std::fs::{File, Metadata};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use kith_common::{ErrorCode, FileHash, WireError};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::hashes::finish;
use super::upload::Upload;
use super::{Blank, Kept, Live, Pace, Trouble};
use crate::engine::EngineError;
use crate::http::{Line, Pieces, Way};
use crate::local_store::{LocalFile, Source};
use crate::{Error, limits, system_reason};

/// Looks at a file of which all but these parts is to be sent, and reads it if it is small.
pub(super) fn look(path: &Path, blanks: Vec<Blank>) -> Result<Kept, EngineError> {
    let unreadable =
        |error: io::Error| EngineError::File(format!("{}: {}", path.display(), system_reason(&error)));
    let metadata = path.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(EngineError::File(format!("{} is no file", path.display())));
    }
    let mut file = File::open(path).map_err(unreadable)?;
    if metadata.len() > limits::INLINE_FILE as u64 {
        let path = std::path::absolute(path).map_err(unreadable)?;
        let (size, modified) = state(&metadata);
        let file = LocalFile {
            path,
            size,
            modified,
            blanks,
        };
        return Ok(Kept::Upload(None, Source::Path(file)));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    cover(&blanks, &mut bytes, 0);
    Ok(Kept::Inline(bytes))
}

/// A file whose place is to be taken, as it is now. What only leads to it stays.
pub(super) fn local_file(path: &Path) -> Result<LocalFile, EngineError> {
    let unusable =
        |error: io::Error| EngineError::File(format!("{}: {}", path.display(), system_reason(&error)));
    let path = path.canonicalize().map_err(unusable)?;
    let metadata = path.metadata().map_err(unusable)?;
    if !metadata.is_file() {
        return Err(EngineError::File(format!("{} is no file", path.display())));
    }
    let (size, modified) = state(&metadata);
    Ok(LocalFile {
        path,
        size,
        modified,
        blanks: Vec::new(),
    })
}

/// Sends what isn't there yet of an upload's bytes. Returns the hash of all of them.
pub(super) async fn send_bytes(upload: &Upload, way: &Way) -> Result<Option<FileHash>, Trouble> {
    let source = upload.item.new.source.clone();
    let data = upload.item.new.data.clone();
    let mut reader = blocking(move || Reader::open(source, data)).await?;
    let size = reader.size;
    let live = &upload.live;
    let target = &upload.target;
    let mut line = Line::open(&target.server, &target.trust)
        .await
        .map_err(Trouble::Later)?;
    let offset = line.offset(way).await?;
    live.set(offset);
    reader = read_up_to(reader, offset, live).await?;
    if offset < size {
        let (put, pieces) = mpsc::channel(limits::PIECES);
        let moved = Arc::clone(live);
        let pieces = Pieces::new(pieces, size - offset, move |bytes| moved.advance(bytes));
        let mut sending = Box::pin(line.send(way, offset, pieces));
        let mut feeding = Box::pin(feed(reader, put, live, &upload.shared.pace));
        let there = tokio::select! {
            // Before all was sent: the server won't, or the line broke.
            answer = &mut sending => return match answer {
                Ok(_) => Err(Trouble::Later(Error::Lost("the server took only a part".to_owned()))),
                Err(error) => Err(error.into()),
            },
            fed = &mut feeding => {
                reader = fed?;
                sending.await?
            }
        };
        live.set(there);
        if there != size {
            return Err(Trouble::Later(Error::Lost(
                "the server has only a part".to_owned(),
            )));
        }
    }
    let reader = blocking(move || reader.unchanged()).await?;
    Ok(Some(finish(&reader.hasher)))
}

/// Reads from where the hash is known to where the server goes on.
async fn read_up_to(mut reader: Reader, offset: u64, live: &Live) -> Result<Reader, Trouble> {
    let (at, hasher) = lock(live).up_to(offset);
    reader = blocking(move || reader.from(at, hasher)).await?;
    while reader.at < offset {
        let left = usize::try_from(offset - reader.at).unwrap_or(usize::MAX);
        (reader, _) = blocking(move || reader.piece(left.min(limits::PIECE))).await?;
        live.touch();
    }
    Ok(reader)
}

/// Reads to the end.
async fn feed(
    mut reader: Reader,
    put: mpsc::Sender<Bytes>,
    live: &Live,
    pace: &Pace,
) -> Result<Reader, Trouble> {
    while reader.at < reader.size {
        let left = usize::try_from(reader.size - reader.at).unwrap_or(usize::MAX);
        let length = pace.piece(left.min(limits::PIECE));
        let before = reader.at;
        let piece;
        (reader, piece) = blocking(move || reader.piece(length)).await?;
        let step = limits::PIECE as u64;
        if before / step != reader.at / step {
            lock(live).note(reader.at, &reader.hasher);
        }
        pace.take(length).await;
        live.touch();
        if put.send(piece).await.is_err() {
            // The request has ended, and says why.
            return core::future::pending().await;
        }
    }
    Ok(reader)
}

fn lock(live: &Live) -> std::sync::MutexGuard<'_, super::hashes::Hashes> {
    live.hashes.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, WireError> + Send + 'static,
) -> Result<T, Trouble> {
    match spawn_blocking(work).await {
        Ok(result) => result.map_err(Trouble::Failed),
        Err(error) => Err(Trouble::Later(Error::Local(error.to_string()))),
    }
}

/// The bytes of a file in their order.
struct Reader {
    input: Box<dyn Input>,
    /// The file as it has to be, if it is one of this device.
    file: Option<LocalFile>,
    size: u64,
    at: u64,
    /// Of what is in front of that.
    hasher: blake3::Hasher,
}

trait Input: Read + Seek + Send {}
impl<T: Read + Seek + Send> Input for T {}

impl Reader {
    fn open(source: Option<Source>, data: Option<Vec<u8>>) -> Result<Self, WireError> {
        let (input, file, size): (Box<dyn Input>, _, _) = match source {
            Some(Source::Path(file)) => {
                let input = File::open(&file.path).map_err(|error| unreadable(&file, &error))?;
                let size = file.size;
                (Box::new(input), Some(file), size)
            }
            _ => {
                let data = data.unwrap_or_default();
                let size = data.len() as u64;
                (Box::new(Cursor::new(data)), None, size)
            }
        };
        let hasher = blake3::Hasher::new();
        Self {
            input,
            file,
            size,
            at: 0,
            hasher,
        }
        .unchanged()
    }

    fn from(mut self, at: u64, hasher: blake3::Hasher) -> Result<Self, WireError> {
        match self.input.seek(SeekFrom::Start(at)) {
            Ok(_) => Ok(Self { at, hasher, ..self }),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn piece(mut self, length: usize) -> Result<(Self, Bytes), WireError> {
        let mut piece = vec![0; length];
        if let Err(error) = self.input.read_exact(&mut piece) {
            return Err(self.failed(&error));
        }
        if let Some(file) = &self.file {
            cover(&file.blanks, &mut piece, self.at);
        }
        self.hasher.update(&piece);
        self.at += length as u64;
        Ok((self, piece.into()))
    }

    /// Looks whether the file is still what was to be sent.
    fn unchanged(self) -> Result<Self, WireError> {
        if let Some(file) = &self.file {
            let now = file.path.metadata().map_err(|error| unreadable(file, &error))?;
            if state(&now) != (file.size, file.modified) {
                return Err(changed(file));
            }
        }
        Ok(self)
    }

    fn failed(&self, error: &io::Error) -> WireError {
        match &self.file {
            Some(file) if error.kind() == io::ErrorKind::UnexpectedEof => changed(file),
            Some(file) => unreadable(file, error),
            None => WireError::new(ErrorCode::Internal, system_reason(error)),
        }
    }
}

fn cover(blanks: &[Blank], piece: &mut [u8], from: u64) {
    for blank in blanks {
        blank.cover(piece, from);
    }
}

fn changed(file: &LocalFile) -> WireError {
    let path = file.path.display();
    let message = format!("{path} was changed after it was to be sent: send it again");
    WireError::new(ErrorCode::Conflict, message)
}

fn unreadable(file: &LocalFile, error: &io::Error) -> WireError {
    let message = format!("can't read {}: {}", file.path.display(), system_reason(error));
    WireError::new(ErrorCode::NotFound, message)
}

/// Size and time of the last change, by which a file is known again.
pub(super) fn state(metadata: &Metadata) -> (u64, i64) {
    let modified = metadata.modified().ok();
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified = since.and_then(|since| i64::try_from(since.as_nanos()).ok());
    (metadata.len(), modified.unwrap_or_default())
}
