use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use directories::ProjectDirs;
use serde::{Deserialize, Serialize};

use super::file::{JsonFile, make_private_folder, try_lock_file};
use super::{Account, Profile};
use crate::trust::sha256;

/// The file that a [`Profile`] is kept in: `profile.json`, which only its owner may read.
///
/// Several processes may share it: each change reads the file, changes it and replaces it whole under a lock.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) folder: PathBuf,
}

/// Something of a [`Store`]'s folder that is this process's alone, as long as this lives.
#[derive(Debug)]
pub struct StoreClaim {
    _file: File,
}

/// Why what is remembered can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// This user has no place for configuration.
    #[error("this user has no configuration folder; set KITH_HOME to a folder of your own")]
    NoFolder,
    /// The file system won't.
    #[error("can't use {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file isn't what this program wrote.
    #[error(
        "{} is damaged ({reason}); repair it, or move it away and log in again (its pins and read marks are then gone)",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is of a newer version of this program.
    #[error("{} is from a newer kith (version {version}); use that one", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
}

impl Store {
    /// The store in a folder, which is made when something is first kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self { folder }
    }

    /// The store of this user: in `KITH_HOME`, or else where the system keeps configuration.
    ///
    /// # Errors
    /// The system names no such place.
    pub fn of_user() -> Result<Self, ProfileError> {
        match std::env::var_os("KITH_HOME").filter(|home| !home.is_empty()) {
            Some(home) => Ok(Self::new(home)),
            None => ProjectDirs::from("", "", "kith")
                .map(|dirs| Self::new(dirs.config_dir()))
                .ok_or(ProfileError::NoFolder),
        }
    }

    /// Where the local copy and the outbox of an account lie: a folder of its own beside the file.
    pub fn folder_of(&self, account: &Account) -> PathBuf {
        let whose = format!("{}\n{}", account.server, account.account);
        let hash = sha256(whose.as_bytes());
        let mark: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        // A server may call its people as it likes; a folder may not be called so.
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let name: String = account.username.chars().filter(plain).take(32).collect();
        self.folder.join("accounts").join(format!("{name}-{mark}"))
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Claims something of this folder for this process, by a file `NAME.lock` that goes with the process, however it ends. None where
    /// another one has it.
    ///
    /// # Errors
    /// The file can't be made.
    pub fn claim(&self, name: &str) -> Result<Option<StoreClaim>, ProfileError> {
        let path = self.folder.join(format!("{name}.lock"));
        let claimed = make_private_folder(&self.folder).and_then(|()| try_lock_file(&path));
        let held = claimed.map_err(|source| ProfileError::Io { path, source })?;
        Ok(held.map(|file| StoreClaim { _file: file }))
    }

    /// What is remembered; nothing, where there is no file yet.
    ///
    /// # Errors
    /// The file can't be read or is damaged. It is left as it is.
    pub fn load(&self) -> Result<Profile, ProfileError> {
        self.file().load()
    }

    /// Changes what is remembered, and returns what `change` returns.
    ///
    /// # Errors
    /// The file can't be read or written, or is damaged; then nothing is changed.
    pub fn change<T>(&self, change: impl FnOnce(&mut Profile) -> T) -> Result<T, ProfileError> {
        self.file().change(change)
    }

    /// What a user interface remembers by keys: of an account, or else of this user.
    ///
    /// # Errors
    /// As [`Store::load`].
    pub fn settings(&self, of: Option<&Account>) -> Result<BTreeMap<String, String>, ProfileError> {
        let folder = self.folder_of_settings(of);
        let settings: Settings = settings_file(&folder).load()?;
        Ok(settings.settings)
    }

    /// Remembers something under a key, or with `None` nothing any more.
    ///
    /// # Errors
    /// As [`Store::change`].
    pub fn set_setting(
        &self,
        of: Option<&Account>,
        key: &str,
        value: Option<String>,
    ) -> Result<(), ProfileError> {
        let folder = self.folder_of_settings(of);
        settings_file(&folder).change(|Settings { settings }| match value {
            Some(value) => drop(settings.insert(key.to_owned(), value)),
            None => drop(settings.remove(key)),
        })
    }

    /// Forgets what a user interface remembers of an account.
    pub(crate) fn remove_settings(&self, account: &Account) -> Result<(), ProfileError> {
        let path = settings_file(&self.folder_of(account)).path();
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(ProfileError::Io { path, source }),
            _ => Ok(()),
        }
    }

    fn folder_of_settings(&self, of: Option<&Account>) -> PathBuf {
        of.map_or_else(|| self.folder.clone(), |account| self.folder_of(account))
    }

    fn file(&self) -> JsonFile<'_> {
        JsonFile {
            folder: &self.folder,
            name: "profile",
        }
    }
}

#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
struct Settings {
    #[serde(default)]
    settings: BTreeMap<String, String>,
}

fn settings_file(folder: &Path) -> JsonFile<'_> {
    JsonFile {
        folder,
        name: "settings",
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("kith"));
        (folder, store)
    }

    fn with_last(store: &Store, name: &str) {
        store
            .change(|profile| profile.last = Some(name.to_owned()))
            .unwrap();
    }

    #[test]
    fn a_change_is_there_the_next_time() {
        let (_folder, store) = store();
        assert_eq!(store.load().unwrap(), Profile::default());
        with_last(&store, "alice");
        assert_eq!(
            Store::new(&store.folder).load().unwrap().last.as_deref(),
            Some("alice")
        );
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;

        let (_folder, store) = store();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        with_last(&store, "alice");
        assert_eq!(mode(&store.folder), 0o700);
        assert_eq!(mode(&store.file().path()), 0o600);
        fs::set_permissions(store.file().path(), fs::Permissions::from_mode(0o644)).unwrap();
        with_last(&store, "bob");
        assert_eq!(mode(&store.file().path()), 0o600);
    }

    #[test]
    fn what_is_claimed_is_free_again_when_it_is_let_go() {
        let (_folder, store) = store();
        let claim = store.claim("window").unwrap().unwrap();
        assert!(store.claim("window").unwrap().is_none());
        assert!(store.claim("other").unwrap().is_some());
        drop(claim);
        assert!(store.claim("window").unwrap().is_some());
    }

    #[test]
    fn a_damaged_file_is_an_error_and_is_kept() {
        let (_folder, store) = store();
        with_last(&store, "alice");
        for damaged in ["", "{", "[]", r#"{"version":1,"accounts":7}"#, r#"{"last":"x"}"#] {
            fs::write(store.file().path(), damaged).unwrap();
            let error = store.change(|profile| profile.last = None).unwrap_err();
            assert!(
                matches!(error, ProfileError::Damaged { .. }),
                "{damaged}: {error}"
            );
            assert!(error.to_string().contains("log in again"), "{error}");
            assert_eq!(fs::read_to_string(store.file().path()).unwrap(), damaged);
        }
        fs::write(store.file().path(), r#"{"version":2,"accounts":7}"#).unwrap();
        assert!(matches!(
            store.load(),
            Err(ProfileError::Newer { version: 2, .. })
        ));
    }

    #[test]
    fn processes_that_change_it_at_once_lose_nothing() {
        let (_folder, store) = store();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let store = &store;
                scope.spawn(move || {
                    for number in 0..10 {
                        let server = format!("s{thread}-{number}").parse().unwrap();
                        store
                            .change(|profile| profile.servers.insert(server, crate::KnownServer::default()))
                            .unwrap();
                    }
                });
            }
        });
        assert_eq!(store.load().unwrap().servers.len(), 40);
    }
}
