use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use kith_common::{FileName, Username};
use serde_json::json;
use tempfile::NamedTempFile;

use crate::account::Opened;
use crate::args::Place;
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Sends a file.
pub(crate) async fn send_file(
    place: &Place,
    to: Username,
    path: &Path,
    name: Option<String>,
    output: &Output,
) -> Result<(), Failure> {
    if path.is_dir() {
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
    // Opened first, so that a wrong path costs no connection.
    let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    let opened = Opened::open(place).await?;
    let limit = opened.session.hello().await.limits.inline_file;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::file(path, &error))?;
    if bytes.len() > limit {
        let message = format!(
            "{} is too large: this server takes files up to {limit} bytes",
            path.display()
        );
        return Err(Failure::new(Exit::Refused, message));
    }
    let sent = opened.session.send_file(&to, name.clone(), bytes).await?;
    opened.keep_sent(&sent, &to)?;
    opened.session.close().await;
    let id = sent.file.as_deref().unwrap_or_default();
    output.result(&sent, [format!("Sent {} to {to} (file {id}).", name.as_str())])
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
    if let Some(path) = path.filter(|path| !to_stdout && !force && path.exists() && !path.is_dir()) {
        return Err(exists(path));
    }
    let opened = Opened::open(place).await?;
    let file = opened.session.file(id).await?;
    opened.session.close().await;
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
fn local_name(name: &FileName) -> String {
    match name.as_str().strip_prefix('.') {
        Some(rest) => format!("_{rest}"),
        None => name.as_str().to_owned(),
    }
}

/// Writes a file whole or not at all, and over another only by force.
fn save(path: &Path, bytes: &[u8], force: bool) -> Result<(), Failure> {
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
        "{} is there already; say --output PATH or --force",
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
