//! The engine of an account that is remembered.

use std::sync::Arc;

use super::{Account, Found, KnownServer, ProfileError, Store};
use crate::engine::{Clock, Engine, Identity, Options};
use crate::local_store::StoreError;
use crate::local_store::sqlite::{Owner, SqliteStore};
use crate::{CaFileError, ServerAddress, Target};

/// Why the engine of an account that is remembered can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What is remembered can't be read.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// There is no such account, or none at all.
    #[error("no such account is logged in here: use `kith-cli login`")]
    Unknown,
    /// The name stands for several.
    #[error("which one: {} or {}?", .0[0], .0[1])]
    Several([String; 2]),
    /// It was logged out.
    #[error("{0} is logged out: use `kith-cli login`")]
    LoggedOut(String),
    /// The server's certificates can't be read.
    #[error(transparent)]
    Trust(#[from] CaFileError),
    /// The local copy can't be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Opens the engine of an account: of this name, or else the one used last. `program` is this program's name and
    /// version, for the server's log. Needs a tokio runtime, as [`Engine::open`].
    ///
    /// Several programs may do so at a time.
    ///
    /// # Errors
    /// There is no such account, it is logged out, or what is kept of it can't be read.
    pub async fn open(
        &self,
        name: Option<&str>,
        server: Option<&ServerAddress>,
        program: &str,
    ) -> Result<Engine, OpenError> {
        let profile = self.load()?;
        let (name, account) = match profile.find(name, server) {
            Found::One(name, account) => (name, account),
            Found::Several(names) => return Err(OpenError::Several(names.map(str::to_owned))),
            Found::None => return Err(OpenError::Unknown),
        };
        let token = account.token.clone();
        let options = Options {
            target: Target {
                server: account.server.clone(),
                trust: profile
                    .servers
                    .get(&account.server)
                    .map_or_else(|| KnownServer::default().trust(), KnownServer::trust)?,
                program: program.to_owned(),
            },
            me: Identity {
                username: account.username.clone(),
                account: account.account.clone(),
                device: account.device,
            },
            token: token.ok_or_else(|| OpenError::LoggedOut(name.to_owned()))?,
            clock: Clock::system(),
        };
        let store = self.local_store(account)?;
        Ok(Engine::open(options, Arc::new(store)).await?)
    }

    /// The local copy and outbox of an account, in a folder of its own beside what is remembered. Blocks while it opens.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn local_store(&self, account: &Account) -> Result<SqliteStore, StoreError> {
        let owner = Owner {
            server: account.server.to_string(),
            account: account.account.clone(),
        };
        SqliteStore::open(self.folder_of(account), owner)
    }
}
