use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _};

use super::{Owner, copy, outbox};
use crate::limits;
use crate::local_store::{Claim, StoreError};
use crate::profile::make_private_folder;

/// `Kith` in ASCII: marks the files as ours (SQLite, "Database File Format", 1.3.17).
const APPLICATION: i64 = 0x4b69_7468;

/// The files of a store, open.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    owner: Owner,
    /// Locked as long as it is open.
    lock: File,
    copy: Option<Connection>,
    outbox: Option<Connection>,
}

impl Files {
    pub(super) fn open(folder: PathBuf, owner: Owner) -> Result<Self, StoreError> {
        make_private_folder(&folder).map_err(device)?;
        let lock = open_lock(&folder.join("lock")).map_err(device)?;
        lock.lock_shared().map_err(device)?;
        let mut files = Self {
            folder,
            owner,
            lock,
            copy: None,
            outbox: None,
        };
        files.outbox = Some(match files.open_outbox() {
            Err(StoreError::Damaged(_)) => {
                files
                    .alone(|files| move_aside(&files.path("outbox.db"), &files.path("outbox.damaged.db")))?;
                files.open_outbox()?
            }
            opened => opened?,
        });
        match files.open_copy() {
            Err(StoreError::Damaged(_)) => files.rebuild()?,
            opened => files.copy = Some(opened?),
        }
        Ok(files)
    }

    pub(super) fn copy(&mut self) -> Result<&mut Connection, StoreError> {
        self.copy.as_mut().ok_or(StoreError::Closed)
    }

    pub(super) fn outbox(&mut self) -> Result<&mut Connection, StoreError> {
        self.outbox.as_mut().ok_or(StoreError::Closed)
    }

    /// Begins an empty copy.
    pub(super) fn rebuild(&mut self) -> Result<(), StoreError> {
        self.copy = None;
        self.alone(|files| remove(&files.path("copy.db")))?;
        self.copy = Some(self.open_copy()?);
        Ok(())
    }

    /// Empties everything, and removes the files where nobody else uses them.
    pub(super) fn wipe(&mut self) -> Result<(), StoreError> {
        copy::clear(self.copy()?)?;
        outbox::clear(self.outbox()?)?;
        (self.copy, self.outbox) = (None, None);
        let removed = self.alone(|files| {
            for entry in fs::read_dir(&files.folder)? {
                let name = entry?.file_name();
                if name.to_string_lossy().starts_with("transfer-") {
                    fs::remove_file(files.folder.join(name))?;
                }
            }
            remove(&files.path("copy.db"))?;
            remove(&files.path("outbox.db"))
        });
        match removed {
            // They are empty, at least, and whoever uses them will find that the session has ended.
            Ok(()) | Err(StoreError::InUse) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn open_copy(&self) -> Result<Connection, StoreError> {
        // What isn't safely on the disk after a power cut is fetched again.
        let mut connection = self.connect("copy.db", "NORMAL").map_err(copy::error)?;
        match self.prepare(&mut connection, copy::VERSION, copy::SCHEMA, &[]) {
            Err(Unfit::Version(version)) => Err(StoreError::Damaged(format!("version {version}"))),
            Err(Unfit::Owner(found)) => Err(self.other_owner(&found)),
            Err(Unfit::Sql(error)) => Err(copy::error(error)),
            Ok(()) => Ok(connection),
        }
    }

    fn open_outbox(&self) -> Result<Connection, StoreError> {
        let mut connection = self.connect("outbox.db", "FULL").map_err(copy::error)?;
        match self.prepare(
            &mut connection,
            outbox::VERSION,
            outbox::SCHEMA,
            &outbox::UPGRADES,
        ) {
            Err(Unfit::Version(version)) if version > outbox::VERSION => {
                let path = self.path("outbox.db");
                return Err(StoreError::Newer { path, version });
            }
            Err(Unfit::Version(version)) => return Err(StoreError::Damaged(format!("version {version}"))),
            Err(Unfit::Owner(found)) => return Err(self.other_owner(&found)),
            Err(Unfit::Sql(error)) => return Err(copy::error(error)),
            Ok(()) => {}
        }
        // It is small, and better known to be whole.
        let verdict: String = connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(copy::error)?;
        if verdict != "ok" {
            return Err(StoreError::Damaged(verdict));
        }
        outbox::list(&mut connection)?;
        Ok(connection)
    }

    fn connect(&self, name: &str, synchronous: &str) -> rusqlite::Result<Connection> {
        let path = self.path(name);
        // SQLite makes files for everybody to read, but for the folder that only its owner may enter.
        let connection = Connection::open(path)?;
        connection.busy_timeout(limits::STORE_BUSY)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        // What was erased is overwritten, so that it is gone from the disk too.
        connection.pragma_update(None, "secure_delete", "ON")?;
        Ok(connection)
    }

    /// Makes the tables of a new file, brings those of an older one up to this version where it is known how, and looks whether
    /// they fit.
    fn prepare(
        &self,
        connection: &mut Connection,
        version: i64,
        schema: &str,
        upgrades: &[&str],
    ) -> Result<(), Unfit> {
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let found: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let tables: i64 =
            transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables == 0 {
            transaction.execute_batch(schema)?;
            transaction
                .execute_batch("CREATE TABLE owner (server TEXT NOT NULL, account TEXT NOT NULL) STRICT;")?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", version)?;
        } else if found != version {
            let known = usize::try_from(found - 1).ok().filter(|_| found < version);
            let steps = known.and_then(|known| upgrades.get(known..).filter(|steps| !steps.is_empty()));
            for step in steps.ok_or(Unfit::Version(found))? {
                transaction.execute_batch(step)?;
            }
            transaction.pragma_update(None, "user_version", version)?;
        }
        let owner = transaction
            .query_row("SELECT server, account FROM owner", [], |row| {
                Ok(Owner {
                    server: row.get(0)?,
                    account: row.get(1)?,
                })
            })
            .optional()?;
        match owner {
            Some(owner) if owner != self.owner => return Err(Unfit::Owner(owner)),
            Some(_) => {}
            None => {
                let Owner { server, account } = &self.owner;
                transaction.execute(
                    "INSERT INTO owner (server, account) VALUES (?1, ?2)",
                    [server, account],
                )?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Does something that nobody else may be there for.
    fn alone(&self, work: impl FnOnce(&Self) -> io::Result<()>) -> Result<(), StoreError> {
        // A lock can't be exchanged for the other kind on every system.
        self.lock.unlock().map_err(device)?;
        let result = match self.lock.try_lock() {
            Ok(()) => {
                let result = work(self).map_err(device);
                self.lock.unlock().map_err(device)?;
                result
            }
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse),
            Err(TryLockError::Error(error)) => Err(device(error)),
        };
        self.lock.lock_shared().map_err(device)?;
        result
    }

    /// Takes a transfer for this process.
    pub(super) fn claim(&self, id: u64) -> Result<Option<Claim>, StoreError> {
        let path = self.path(&format!("transfer-{id}.lock"));
        let lock = open_lock(&path).map_err(device)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Claim { _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(device(error)),
        }
    }

    /// Forgets who has claimed a transfer that is gone.
    pub(super) fn unclaim(&self, id: u64) {
        // Nobody misses it where there was no claim.
        let _ = fs::remove_file(self.path(&format!("transfer-{id}.lock")));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn other_owner(&self, found: &Owner) -> StoreError {
        let say = |owner: &Owner| format!("account {} on {}", owner.account, owner.server);
        StoreError::OtherOwner {
            folder: self.folder.clone(),
            found: say(found),
            wanted: say(&self.owner),
        }
    }
}

/// Why a file can't be used as it is.
enum Unfit {
    Version(i64),
    Owner(Owner),
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Unfit {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The files of a database: itself, its log and its index of the log.
fn parts(database: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|end| {
        let mut name = database.as_os_str().to_owned();
        name.push(end);
        name.into()
    })
}

fn remove(database: &Path) -> io::Result<()> {
    for part in parts(database) {
        existing(fs::remove_file(part))?;
    }
    Ok(())
}

fn move_aside(database: &Path, aside: &Path) -> io::Result<()> {
    for (from, to) in parts(database).iter().zip(parts(aside)) {
        existing(fs::rename(from, to))?;
    }
    Ok(())
}

fn existing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is mapped over errors")]
fn device(error: io::Error) -> StoreError {
    StoreError::Device(error.to_string())
}
