use std::path::{Component, Path, PathBuf};

use super::{LogSettings, TlsSettings, WebSettings};

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

    /// The folder of the web app, where one is named.
    pub fn web_app(&self, web: &WebSettings) -> Option<PathBuf> {
        web.directory.as_ref().map(|directory| self.resolve(directory))
    }

    /// A path from `kith.toml`: relative ones start at the data directory. A `..` is taken out where that can be done
    /// without asking the file system, as [`crate::setup`] put it in.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        let mut resolved = self.0.clone();
        for component in path.components() {
            let named = matches!(resolved.components().next_back(), Some(Component::Normal(_)));
            match component {
                Component::ParentDir if named => {
                    resolved.pop();
                }
                component => resolved.push(component),
            }
        }
        resolved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_at_the_data_directory() {
        let resolve = |data: &str, path: &str| DataDir::new(data).resolve(Path::new(path));
        assert_eq!(
            resolve("/srv/kith/data", "certs"),
            Path::new("/srv/kith/data/certs")
        );
        assert_eq!(
            resolve("/srv/kith/data", "../certs"),
            Path::new("/srv/kith/certs")
        );
        assert_eq!(resolve("/srv/kith/data", "/etc/certs"), Path::new("/etc/certs"));
        assert_eq!(resolve("data", "../certs"), Path::new("certs"));
        assert_eq!(resolve(".", "../certs"), Path::new("./../certs"));
        assert_eq!(resolve("..", "../certs"), Path::new("../../certs"));
    }
}
