use std::path::{Path, PathBuf};

use super::{LogSettings, TlsSettings};

/// The one directory that holds all that a server must keep, and where each thing lies in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// The data directory at this path, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The configuration, `kith.toml`.
    pub fn config_file(&self) -> PathBuf {
        self.0.join("kith.toml")
    }

    /// The SQLite database, `kith.db`.
    pub fn database(&self) -> PathBuf {
        self.0.join("kith.db")
    }

    /// The bytes of files that people sent.
    pub fn blobs(&self) -> PathBuf {
        self.0.join("blobs")
    }

    /// The versioned pepper of password hashes.
    pub fn pepper(&self) -> PathBuf {
        self.0.join("pepper.toml")
    }

    /// The directory of setup's own CA and certificate.
    pub fn certs(&self, tls: &TlsSettings) -> PathBuf {
        self.resolve(&tls.directory)
    }

    /// The directory of the log files.
    pub fn logs(&self, log: &LogSettings) -> PathBuf {
        self.resolve(&log.directory)
    }

    /// A path from `kith.toml`: relative ones start at the data directory.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.0.join(path)
    }
}
