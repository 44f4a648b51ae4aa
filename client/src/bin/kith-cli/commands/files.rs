use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use kith_client::limits::INLINE_FILE;
use kith_client::{Content, Direction, Engine, EngineError, Pending, Progress, Write};
use kith_common::{ErrorCode, FileDetails, FileName, MediaType, Username};
use serde_json::json;
use tempfile::NamedTempFile;

use super::send::{queued, sent_reply};
use crate::args::{Place, Waiting};
use crate::failure::{Exit, Failure};
use crate::form::written_size;
use crate::limits;
use crate::opened::{Opened, Outcome};
use crate::output::Output;
use crate::progress::{Spinner, TransferBar};
use crate::signals::stopped;

/// Sends a file.
pub(crate) async fn send_file(
    place: &Place,
    waiting: &Waiting,
    to: Username,
    path: &Path,
    name: Option<String>,
    rate: Option<u64>,
    output: &Output,
) -> Result<(), Failure> {
    // Looked at first, so that a wrong path costs no connection.
    let LocalFile { name, size, details } = look_at(path, name)?;
    Opened::with(place, async |opened| {
        opened.engine.set_bandwidth(rate);
        let spinner = match size > INLINE_FILE as u64 {
            true => {
                opened.bar = Some(TransferBar::start(name.as_str()));
                None
            }
            false => Some(Spinner::start(&format!(
                "Sending {}, {}",
                name.as_str(),
                written_size(size)
            ))),
        };
        let id = match begun(&opened.engine, &to, path, &name).await? {
            Some(id) => {
                opened.take_over(id);
                id
            }
            None => {
                let engine = &opened.engine;
                let sending = engine.send_file(&to, name.clone(), path.to_owned(), details.clone(), None);
                sending.await?
            }
        };
        let what = format!("the file {} to {to}", name.as_str());
        let outcome = opened.outcome(id, &what, waiting, limits::FILE_OUTCOME).await;
        drop((spinner, opened.bar.take()));
        let sent = match outcome? {
            Outcome::Waits(id) => return queued(id, &what, output),
            Outcome::Sent(sent) => sent,
        };
        let content = Content::File {
            file: String::new(),
            name: name.as_str().to_owned(),
            size,
            details,
        };
        let reply = sent_reply(&opened.engine, &to, sent, &content).await?;
        let id = reply.file.as_deref().unwrap_or_default();
        output.result(&reply, [format!("Sent {} to {to} (file {id}).", name.as_str())])
    })
    .await
}

/// The same file on its way to the same person, which was begun by a command that was cut off.
async fn begun(engine: &Engine, to: &Username, path: &Path, name: &FileName) -> Result<Option<u64>, Failure> {
    let path = std::path::absolute(path).map_err(|error| Failure::file(path, &error))?;
    let same = |item: &Pending| {
        matches!(&item.write, Write::File { receiver: Some(receiver), name: other, .. }
            if other == name.as_str() && receiver == to.as_str())
    };
    let waiting = engine.outbox().await?;
    for transfer in engine.transfers().await? {
        let from_here = matches!(&transfer.direction, Direction::Up { path: Some(other) } if *other == path);
        let goes_on = matches!(
            transfer.progress,
            Progress::Waiting | Progress::Sending | Progress::Paused
        );
        if from_here && goes_on && waiting.iter().any(|item| item.id == transfer.id && same(item)) {
            engine.resume(transfer.id).await?;
            return Ok(Some(transfer.id));
        }
    }
    Ok(None)
}

/// A file of this machine that is to be sent.
pub(super) struct LocalFile {
    /// What it is called there.
    pub(super) name: FileName,
    /// Its size in bytes.
    pub(super) size: u64,
    /// What is said of it.
    pub(super) details: FileDetails,
}

/// Looks at a file that is to be sent.
pub(super) fn look_at(path: &Path, name: Option<String>) -> Result<LocalFile, Failure> {
    let metadata = path.metadata().map_err(|error| Failure::file(path, &error))?;
    if metadata.is_dir() {
        let message = format!(
            "{} is a folder: make one file of it (with tar or zip)",
            path.display()
        );
        return Err(Failure::new(Exit::Local, message));
    }
    let name = match name {
        Some(name) => name,
        None => path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    };
    let name = FileName::try_from(name)
        .map_err(|error| Failure::usage(format!("{error}; give it another with --name")))?;
    // By its first bytes. Whoever receives it doesn't believe it.
    let mut first = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limits::SNIFFED).read_to_end(&mut first))
        .map_err(|error| Failure::file(path, &error))?;
    let kind = infer::get(&first);
    let media_type = kind.and_then(|kind| MediaType::try_from(kind.mime_type().to_owned()).ok());
    Ok(LocalFile {
        name,
        size: metadata.len(),
        details: FileDetails {
            media_type,
            ..FileDetails::default()
        },
    })
}

/// Fetches a file into this folder, to a path, or to standard output.
pub(crate) async fn get_file(
    place: &Place,
    id: &str,
    path: Option<&Path>,
    force: bool,
    rate: Option<u64>,
    output: &Output,
) -> Result<(), Failure> {
    let to_stdout = path == Some(Path::new("-"));
    if to_stdout && io::stdout().is_terminal() && !force {
        let message =
            "what somebody sent could do anything to your terminal: name a file, or pipe it somewhere";
        return Err(Failure::usage(message));
    }
    if let Some(path) = path.filter(|path| !to_stdout && !force && path.exists() && !path.is_dir()) {
        return Err(exists(path));
    }
    let saved = Opened::with(place, async |opened| {
        opened.online().await?;
        opened.engine.set_bandwidth(rate);
        let spinner = Spinner::start("Fetching the file");
        let whole = opened.engine.file(id).await;
        drop(spinner);
        let file = match whole {
            Ok(file) => file,
            Err(error) if is_large(&error) => return get_large(opened, id, path, force).await,
            Err(error) => return Err(error.into()),
        };
        let bytes = file.file_data.0;
        if to_stdout {
            let mut out = io::stdout().lock();
            let written = out.write_all(&bytes).and_then(|()| out.flush());
            return written.map(|()| None).map_err(|error| Failure::output(&error));
        }
        let path = target(path, &file.file_name);
        save(&path, &bytes, force)?;
        Ok(Some((path, bytes.len() as u64)))
    })
    .await?;
    let Some((path, size)) = saved else { return Ok(()) };
    let shown = path.display().to_string();
    output.result(
        &json!({"path": shown, "size": size}),
        [format!("Saved {shown} ({size} bytes).")],
    )
}

/// Whether a file doesn't fit into a reply.
pub(super) fn is_large(error: &EngineError) -> bool {
    matches!(error, EngineError::Network(error) if error.is_refused(ErrorCode::TooLarge))
}

/// Fetches a file that doesn't fit into a reply. A command that was cut off is gone on with.
async fn get_large(
    opened: &mut Opened,
    id: &str,
    path: Option<&Path>,
    force: bool,
) -> Result<Option<(PathBuf, u64)>, Failure> {
    let info = opened.engine.file_info(id).await?;
    opened.bar = Some(TransferBar::start(info.name.as_str()));
    if path == Some(Path::new("-")) {
        let folder = tempfile::tempdir().map_err(|error| Failure::new(Exit::Local, error.to_string()))?;
        let path = folder.path().join("file");
        fetch(opened, id, &path, false).await?;
        opened.bar = None;
        let copied = File::open(&path).and_then(|mut file| io::copy(&mut file, &mut io::stdout().lock()));
        return copied.map(|_| None).map_err(|error| Failure::output(&error));
    }
    let path = target(path, &info.name);
    if !path.exists() {
        fetch(opened, id, &path, true).await?;
    } else if force {
        // What is there stays until all of the other is.
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new = path.with_file_name(name);
        fetch(opened, id, &new, true).await?;
        std::fs::rename(&new, &path).map_err(|error| Failure::file(&path, &error))?;
    } else {
        return Err(exists(&path));
    }
    opened.bar = None;
    Ok(Some((path, info.size)))
}

/// Fetches a file of any size to a path where nothing is. Where it is cut off, what has come is kept for the next time, or not.
async fn fetch(opened: &mut Opened, id: &str, path: &Path, keep: bool) -> Result<(), Failure> {
    let engine = opened.engine.clone();
    let number = engine.download(id, path).await?;
    let progress = tokio::select! {
        progress = opened.fate(number, limits::FILE_OUTCOME) => progress,
        stopped = stopped() => stopped.and_then(|()| {
            let message = "stopped; the same command goes on where this one was";
            Err(Failure::new(Exit::Unreachable, message))
        }),
    };
    let done = match progress {
        Ok(Progress::Failed(error)) => Err((Failure::from(error), false)),
        Ok(_) => Ok(()),
        Err(failure) => Err((failure, keep)),
    };
    if let Err((_, keep)) = &done {
        // Only the same command goes on with it. It may have come, or been thrown away, meanwhile.
        let _ = match keep {
            true => engine.pause(number).await,
            false => engine.discard(number).await,
        };
    }
    done.map_err(|(failure, _)| failure)
}

/// Where a file of this name goes.
fn target(path: Option<&Path>, name: &FileName) -> PathBuf {
    let name = local_name(name);
    match path {
        Some(folder) if folder.is_dir() => folder.join(name),
        Some(path) => path.to_owned(),
        None => PathBuf::from(name),
    }
}

/// The name to save a file under: its own, but never hidden, so that nobody can leave a `.bashrc` behind.
pub(super) fn local_name(name: &FileName) -> String {
    match name.as_str().strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => name.as_str().to_owned(),
    }
}

/// Writes a file whole or not at all, and over another only by force.
pub(super) fn save(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".kith-");
    // As a new file of this user would be: the system takes its umask off.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let written = builder
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .and_then(|mut file: NamedTempFile| file.write_all(bytes).map(|()| file))
        .map_err(|error| Failure::file(path, &error))?;
    let persisted = if force {
        written.persist(path)
    } else {
        written.persist_noclobber(path)
    };
    match persisted {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(path)),
        Err(error) => Err(Failure::file(path, &error.error)),
    }
}

fn exists(path: &Path) -> Failure {
    let message = format!(
        "{} is there already; name another PATH, or say --force",
        path.display()
    );
    Failure::new(Exit::Local, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_saved_whole_and_replace_nothing_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        save(&path, b"one", false).unwrap();
        assert!(save(&path, b"two", false).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        save(&path, b"two", true).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn names_are_never_hidden() {
        let name = |name: &str| local_name(&FileName::try_from(name.to_owned()).unwrap());
        assert_eq!(name("a.txt"), "a.txt");
        assert_eq!(name(".bashrc"), "_bashrc");
    }
}
