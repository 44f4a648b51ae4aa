//! The pepper: the secret that is mixed into every password before it is hashed, so that a stolen
//! database alone is of no use (OWASP Password Storage Cheat Sheet, "Peppering").
//!
//! The pepper lies beside the database in a file of its own, with a version for each key: an account remembers the
//! version that its hash was made with, so a new key can be added without locking anyone out.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;

use crate::files::{self, Access, FileError};
use crate::random::{Random, RandomError};

/// All versions of the pepper. There is always a newest one.
#[derive(Clone)]
pub struct Peppers {
    newest: (u32, PepperKey),
    keys: BTreeMap<u32, PepperKey>,
}

/// One version's key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PepperKey([u8; 32]);

/// Why there is no pepper to work with. Each one is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum PepperError {
    /// The file is missing, there already, or can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file's content makes no sense.
    #[error(
        "{}: {message}. Without the right pepper nobody can log in: put the file back from a backup",
        .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// No randomness for a new key.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PepperFile {
    current: u32,
    keys: BTreeMap<String, String>,
}

impl Peppers {
    /// Makes a pepper file with one fresh key.
    ///
    /// # Errors
    /// If there is one already: it stays untouched, for without it no password can be checked.
    pub fn create(path: &Path, random: &dyn Random) -> Result<Self, PepperError> {
        let mut key = [0; 32];
        random.fill(&mut key)?;
        let encoded = BASE64_STANDARD.encode(key);
        let text = format!(
            "# The secret part of every password hash. Keep a copy with your backups, away from the database:\n\
             # without it nobody can log in. Never change or remove a key.\n\
             current = 1\n\n[keys]\n1 = \"{encoded}\"\n"
        );
        files::write_new(path, text.as_bytes(), Access::Owner)?;
        Ok(Self {
            newest: (1, PepperKey(key)),
            keys: BTreeMap::from([(1, PepperKey(key))]),
        })
    }

    /// Reads a pepper file.
    ///
    /// # Errors
    /// If it is missing, can't be read, or holds no usable newest key.
    pub fn load(path: &Path) -> Result<Self, PepperError> {
        let bytes = files::read(path)?;
        Self::parse(&bytes).map_err(|message| PepperError::Damaged {
            path: path.to_owned(),
            message,
        })
    }

    /// The newest version and its key: what new hashes are made with.
    pub fn newest(&self) -> (u32, PepperKey) {
        self.newest
    }

    /// The key of the version that an older hash was made with.
    pub fn version(&self, version: u32) -> Option<PepperKey> {
        self.keys.get(&version).copied()
    }

    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "the file is not text".to_owned())?;
        // Neither message may quote the file: it is a secret.
        let file: PepperFile =
            toml::from_str(text).map_err(|_| "the file is no table of `current` and `[keys]`".to_owned())?;
        let mut keys = BTreeMap::new();
        for (version, key) in file.keys {
            let number = version
                .parse()
                .map_err(|_| "the name of a key is no version number".to_owned())?;
            let key = BASE64_STANDARD
                .decode(key)
                .ok()
                .and_then(|key| <[u8; 32]>::try_from(key).ok());
            let key = key.ok_or_else(|| format!("key {version} is not 32 bytes in base64"))?;
            keys.insert(number, PepperKey(key));
        }
        let newest = keys.get(&file.current).copied().ok_or_else(|| {
            format!(
                "the current version is {}, and there is no such key",
                file.current
            )
        })?;
        Ok(Self {
            newest: (file.current, newest),
            keys,
        })
    }
}

impl PepperKey {
    /// The bytes, for an HMAC and nothing else.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Peppers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peppers(newest {}, {} in all)", self.newest.0, self.keys.len())
    }
}

impl fmt::Debug for PepperKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PepperKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandomness;

    /// The same byte over and over.
    struct Always(u8);

    impl Random for Always {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
            buffer.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn reads_what_it_made_and_never_overwrites_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pepper.toml");
        Peppers::create(&path, &Always(7)).unwrap();
        assert_eq!(files::exposed_mode(&path).unwrap(), None);
        assert!(matches!(
            Peppers::create(&path, &SystemRandomness::new()),
            Err(PepperError::File(FileError::Exists(_)))
        ));
        let (version, key) = Peppers::load(&path).unwrap().newest();
        assert_eq!((version, key.as_bytes()), (1, &[7; 32]));
    }

    #[test]
    fn older_versions_stay_available() {
        let (old, new) = (BASE64_STANDARD.encode([1; 32]), BASE64_STANDARD.encode([2; 32]));
        let text = format!("current = 2\n[keys]\n1 = \"{old}\"\n2 = \"{new}\"\n");
        let peppers = Peppers::parse(text.as_bytes()).unwrap();
        assert_eq!(peppers.newest().0, 2);
        assert_eq!(peppers.version(1).map(|key| *key.as_bytes()), Some([1; 32]));
        assert!(peppers.version(3).is_none());
    }

    #[test]
    fn damage_is_explained_without_quoting_the_secret() {
        for (text, word) in [
            ("current = 1\n[keys]\n1 = \"c2VjcmV0\"\n", "not 32 bytes"),
            ("current = 2\n[keys]\n", "no such key"),
            ("c2VjcmV0", "no table"),
            ("current = 1\n[keys]\nx = \"c2VjcmV0\"", "no version number"),
        ] {
            let message = Peppers::parse(text.as_bytes()).unwrap_err();
            assert!(
                message.contains(word) && !message.contains("c2VjcmV0"),
                "{message}"
            );
        }
        let missing = Peppers::load(Path::new("/nonexistent/pepper.toml")).unwrap_err();
        assert_eq!(missing.to_string(), "/nonexistent/pepper.toml is missing");
    }

    #[test]
    fn nothing_prints_a_key() {
        let key = PepperKey([7; 32]);
        let peppers = Peppers {
            newest: (1, key),
            keys: BTreeMap::from([(1, key)]),
        };
        assert_eq!(
            format!("{peppers:?} {key:?}"),
            "Peppers(newest 1, 1 in all) PepperKey(…)"
        );
    }
}
