use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use kith_client::Content;
use kith_common::{FileDetails, FileName, MediaType, Username};
use serde_json::json;
use tempfile::NamedTempFile;

use super::send::{queued, sent_reply};
use crate::args::{Place, Waiting};
use crate::failure::{Exit, Failure};
use crate::form::written_size;
use crate::limits;
use crate::opened::{Opened, Outcome};
use crate::output::Output;
use crate::progress::Spinner;

/// Sends a file.
pub(crate) async fn send_file(
    place: &Place,
    waiting: &Waiting,
    to: Username,
    path: &Path,
    name: Option<String>,
    output: &Output,
) -> Result<(), Failure> {
    // Looked at first, so that a wrong path costs no connection.
    let LocalFile { name, size, details } = look_at(path, name)?;
    Opened::with(place, async |opened| {
        let spinner = Spinner::start(&format!("Sending {}, {}", name.as_str(), written_size(size)));
        let sending = opened
            .engine
            .send_file(&to, name.clone(), path.to_owned(), details.clone(), None);
        let id = sending.await?;
        let what = format!("the file {} to {to}", name.as_str());
        let outcome = opened.outcome(id, &what, waiting, limits::FILE_OUTCOME).await;
        drop(spinner);
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
    let file = Opened::with(place, async |opened| {
        opened.online().await?;
        let _spinner = Spinner::start("Fetching the file");
        Ok(opened.engine.file(id).await?)
    })
    .await?;
    let bytes = file.file_data.0;
    if to_stdout {
        let mut out = io::stdout().lock();
        let written = out.write_all(&bytes).and_then(|()| out.flush());
        return written.map_err(|error| Failure::output(&error));
    }
    let name = local_name(&file.file_name);
    let path = match path {
        Some(folder) if folder.is_dir() => folder.join(name),
        Some(path) => path.to_owned(),
        None => PathBuf::from(name),
    };
    save(&path, &bytes, force)?;
    let (shown, size) = (path.display().to_string(), bytes.len());
    output.result(
        &json!({"path": shown, "size": size}),
        [format!("Saved {shown} ({size} bytes).")],
    )
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
