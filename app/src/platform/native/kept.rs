//! Small things that the app keeps on this device, in one file beside the accounts.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use directories::ProjectDirs;

use super::beside;

/// Only one change of the file at a time.
static CHANGING: Mutex<()> = Mutex::new(());

/// What was kept under a name.
pub async fn setting(key: &str) -> Option<String> {
    let key = key.to_owned();
    beside(async move { read_now(&key) }).await
}

/// Keeps something under a name. What can't be kept is only missing the next time.
pub async fn keep_setting(key: &str, value: String) {
    let key = key.to_owned();
    beside(async move {
        if let Err(error) = keep_now(&key, value) {
            eprintln!("kith: can't keep {key}: {error}");
        }
    })
    .await;
}

/// [`setting`], before there is anything to wait with.
pub(super) fn read_now(key: &str) -> Option<String> {
    read(&file()?).remove(key)
}

/// [`keep_setting`], at the end, when nothing waits any more.
pub(super) fn keep_now(key: &str, value: String) -> io::Result<()> {
    let file = file().ok_or(io::ErrorKind::NotFound)?;
    let folder = file.parent().ok_or(io::ErrorKind::NotFound)?;
    let _changing = CHANGING.lock().unwrap_or_else(PoisonError::into_inner);
    std::fs::create_dir_all(folder)?;
    let mut all = read(&file);
    all.insert(key.to_owned(), value);
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut new, &all)?;
    new.flush()?;
    new.persist(file)?;
    Ok(())
}

fn read(file: &PathBuf) -> BTreeMap<String, String> {
    let bytes = std::fs::read(file).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn file() -> Option<PathBuf> {
    let home = std::env::var_os("KITH_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let folder = home.or_else(|| Some(ProjectDirs::from("", "", "kith")?.config_dir().to_owned()))?;
    Some(folder.join("app.json"))
}
