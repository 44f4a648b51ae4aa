//! A download of a native program, into a file beside the one that it becomes.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use bytes::{Bytes, BytesMut};
use kith_common::{DownloadReply, DownloadRequest, ErrorCode, FileHash, Request, WireError};
use tempfile::TempPath;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::hashes::{Hashes, finish};
use super::native::state;
use super::running::{Outcome, Transferred};
use super::upload::trouble;
use super::{Live, Trouble};
use crate::engine::Shared;
use crate::engine::outbox::parse;
use crate::engine::sending::Done;
use crate::http::{Line, Way};
use crate::local_store::{Claim, Item, Source};
use crate::{Connection, Error, Target, limits, system_reason};

/// A download that runs.
pub(super) struct Download {
    pub(super) item: Item,
    /// The file's id.
    pub(super) file: String,
    pub(super) connection: Connection,
    pub(super) target: Target,
    pub(super) shared: Arc<Shared>,
    pub(super) live: Arc<Live>,
}

/// The file that an item of the outbox asks for.
pub(super) fn file_of(request: &str) -> Option<String> {
    match parse(request) {
        Some(Request::Download(request)) => Some(request.file),
        _ => None,
    }
}

/// Deletes what has come of a download.
pub(super) async fn forget_part(target: &Path, client_id: &str) {
    let part = part_of(target, client_id);
    // What isn't there needs no deletion, and what can't be deleted is shown by its name.
    let _ = spawn_blocking(move || std::fs::remove_file(part)).await;
}

pub(super) fn is_there(path: &Path) -> String {
    format!("{} is there already", path.display())
}

impl Download {
    /// Runs until the file is there, or something is in the way.
    pub(super) async fn run(self, stop: Arc<Notify>, claim: Claim) -> Done {
        let result = tokio::select! {
            biased;
            () = stop.notified() => Err(Trouble::Stopped),
            trouble = self.live.watch() => Err(trouble),
            fetched = Box::pin(self.fetch()) => fetched.map(|()| Outcome::Saved),
        };
        let request = Request::Download(DownloadRequest { file: self.file });
        Done::Transfer(Box::new(Transferred {
            item: self.item,
            request,
            result,
            live: self.live,
            claim,
        }))
    }

    async fn fetch(&self) -> Result<(), Trouble> {
        let place = match self.item.new.source.clone() {
            Some(Source::Target(path)) => Place { path, over: None },
            Some(Source::Over(file)) => Place {
                path: file.path,
                over: Some((file.size, file.modified)),
            },
            _ => {
                let error = WireError::new(ErrorCode::BadRequest, "it says no place for the file");
                return Err(Trouble::Failed(error));
            }
        };
        let request = Request::Download(DownloadRequest {
            file: self.file.clone(),
        });
        let told: DownloadReply = self.connection.call(&request).await.map_err(trouble)?;
        self.live.set_total(told.size);
        let path = part_of(&place.path, &self.item.new.client_id);
        let mut part = blocking(move || Part::open(place, path, told.size)).await?;
        part = self.read_up(part).await?;
        self.live.set(part.at);
        if part.at < part.size {
            let way = Way {
                url: told.url,
                ticket: told.ticket,
            };
            part = self.receive(part, &way, &told.hash).await?;
        }
        if finish(&part.hasher) != told.hash {
            lock(&self.live).forget();
            blocking(move || part.throw_away()).await?;
            self.live.set(0);
            let message = "what came isn't what was sent: its hash is another one";
            return Err(Trouble::Failed(WireError::new(ErrorCode::Conflict, message)));
        }
        blocking(move || part.finish()).await
    }

    /// Takes the hash of what is there already.
    async fn read_up(&self, mut part: Part) -> Result<Part, Trouble> {
        let there = part.at;
        let (at, hasher) = lock(&self.live).up_to(there);
        part = blocking(move || part.from(at, hasher)).await?;
        while part.at < there {
            part = blocking(move || part.read(there)).await?;
            self.live.touch();
        }
        Ok(part)
    }

    async fn receive(&self, mut part: Part, way: &Way, hash: &FileHash) -> Result<Part, Trouble> {
        let Target { server, trust, .. } = &self.target;
        let mut line = Line::open(server, trust).await.map_err(Trouble::Later)?;
        let (from, mut body) = line.fetch(way, part.at, &format!("\"{hash}\"")).await?;
        if from != part.at {
            part = blocking(move || part.begin_anew()).await?;
            self.live.set(0);
        }
        let mut gathered = BytesMut::new();
        loop {
            let piece = body.next().await;
            if let Ok(Some(piece)) = &piece {
                self.shared.pace.take(piece.len()).await;
                self.live.advance(piece.len() as u64);
                gathered.extend_from_slice(piece);
            }
            let more = matches!(piece, Ok(Some(_)));
            if !more || gathered.len() >= limits::PIECE {
                // What has come is kept, however it ends.
                let bytes = gathered.split().freeze();
                part = blocking(move || part.write(&bytes)).await?;
                lock(&self.live).note(part.at, &part.hasher);
            }
            if !more {
                piece.map_err(Trouble::Later)?;
                break;
            }
        }
        if part.at < part.size {
            return Err(Trouble::Later(Error::Lost("only a part has come".to_owned())));
        }
        Ok(part)
    }
}

fn lock(live: &Live) -> std::sync::MutexGuard<'_, Hashes> {
    live.hashes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the bytes of a download lie until it is whole: no two downloads share it, and it is nobody else's file.
fn part_of(target: &Path, client_id: &str) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(client_id.get(..8).unwrap_or(client_id));
    name.push(".part");
    target.with_file_name(name)
}

/// Where a file will be.
struct Place {
    path: PathBuf,
    /// Size and time of the last change of the file that is there and makes place.
    over: Option<(u64, i64)>,
}

impl Place {
    /// Whether the file that makes place is there and as it was.
    fn makes_place(&self) -> bool {
        self.over.is_some()
            && self
                .path
                .metadata()
                .is_ok_and(|now| Some(state(&now)) == self.over)
    }
}

/// What has come of a file.
struct Part {
    place: Place,
    /// Where it lies. Where that is the target, all of it may be there.
    path: PathBuf,
    file: File,
    size: u64,
    at: u64,
    /// Of what is in front of that.
    hasher: blake3::Hasher,
}

impl Part {
    fn open(place: Place, path: PathBuf, size: u64) -> io::Result<Self> {
        let there = place
            .path
            .try_exists()
            .map_err(|error| named(&place.path, &error))?;
        if there && !place.makes_place() {
            // This download may have put it there, and the program ended before that was noted.
            let file = File::open(&place.path)?;
            if path.try_exists()? || file.metadata()?.len() != size {
                return Err(taken(&place.path));
            }
            return Ok(Self {
                path: place.path.clone(),
                place,
                file,
                size,
                at: size,
                hasher: blake3::Hasher::new(),
            });
        }
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| named(&path, &error))?;
        let mut at = file.metadata()?.len();
        if at > size {
            file.set_len(0)?;
            at = 0;
        }
        Ok(Self {
            place,
            path,
            file,
            size,
            at,
            hasher: blake3::Hasher::new(),
        })
    }

    fn from(mut self, at: u64, hasher: blake3::Hasher) -> io::Result<Self> {
        self.file.seek(SeekFrom::Start(at))?;
        Ok(Self { at, hasher, ..self })
    }

    /// Takes the hash of a piece that is there.
    fn read(mut self, up_to: u64) -> io::Result<Self> {
        let left = usize::try_from(up_to - self.at).unwrap_or(usize::MAX);
        let mut piece = vec![0; left.min(limits::PIECE)];
        self.file.read_exact(&mut piece)?;
        self.hasher.update(&piece);
        self.at += piece.len() as u64;
        Ok(self)
    }

    fn begin_anew(self) -> io::Result<Self> {
        self.file.set_len(0)?;
        self.from(0, blake3::Hasher::new())
    }

    fn write(mut self, bytes: &Bytes) -> io::Result<Self> {
        if bytes.len() as u64 > self.size - self.at {
            return Err(io::Error::other("more bytes came than the file has"));
        }
        self.file
            .write_all(bytes)
            .map_err(|error| named(&self.path, &error))?;
        self.hasher.update(bytes);
        self.at += bytes.len() as u64;
        Ok(self)
    }

    /// Its bytes are wrong.
    fn throw_away(self) -> io::Result<()> {
        if self.path == self.place.path {
            return Err(taken(&self.place.path));
        }
        std::fs::remove_file(self.path)
    }

    /// It is whole: it gets its name, which no other file has but the one that makes place, and survives a power cut from here on.
    fn finish(self) -> io::Result<()> {
        self.file.sync_all()?;
        let target = &self.place.path;
        if self.path == *target {
            return sync_folder(target);
        }
        let part = TempPath::try_from_path(&self.path)?;
        let named_so = match self.place.makes_place() {
            true => part.persist(target),
            false => part.persist_noclobber(target),
        };
        if let Err(error) = named_so {
            // It stays, for a download to another place.
            let _ = error.path.keep();
            return Err(match error.error.kind() {
                io::ErrorKind::AlreadyExists => taken(target),
                _ => named(target, &error.error),
            });
        }
        sync_folder(target)
    }
}

fn taken(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::AlreadyExists, is_there(path))
}

#[cfg(unix)]
fn sync_folder(file: &Path) -> io::Result<()> {
    match file.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Other systems don't let a folder be opened.
#[cfg(not(unix))]
fn sync_folder(_file: &Path) -> io::Result<()> {
    Ok(())
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("{}: {}", path.display(), system_reason(error)),
    )
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Trouble> {
    match spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| {
            let code = match error.kind() {
                io::ErrorKind::AlreadyExists => ErrorCode::Conflict,
                _ => ErrorCode::Storage,
            };
            Trouble::Failed(WireError::new(code, system_reason(&error)))
        }),
        Err(error) => Err(Trouble::Later(Error::Local(error.to_string()))),
    }
}
