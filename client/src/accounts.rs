//! The accounts that are logged in on this device.

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(not(target_arch = "wasm32"))]
mod native;

use std::collections::BTreeMap;

use kith_common::DeviceId;

use crate::engine::{Change, Changes, Clock, Engine, Identity, Options, Status};
use crate::local_store::StoreError;
use crate::runtime::task;
use crate::{ServerAddress, Session, Target, Trust};

#[cfg(target_arch = "wasm32")]
use browser::Keeper;
#[cfg(not(target_arch = "wasm32"))]
use native::Keeper;

/// The accounts that are logged in on this device, how their servers are trusted, and what a user interface wants to remember.
/// Clones share it.
///
/// It is the same for a native program, where all this lies in files of the user that `kith-cli` shares ([`crate::Store`]), and for a
/// browser, where it lies in IndexedDB. The tokens are in there, and nowhere else.
#[derive(Clone, Debug)]
pub struct Accounts {
    keeper: Keeper,
    program: String,
}

/// An account that is kept on this device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAccount {
    /// What it is called here: `user@host:port`.
    pub name: String,
    /// Where it is.
    pub server: ServerAddress,
    /// Its user name.
    pub username: String,
    /// The id of its own log.
    pub account: String,
    /// This device.
    pub device: DeviceId,
    /// Whether its session's secret is held. Without it, it has to log in again; what it hadn't sent is still there.
    pub is_logged_in: bool,
}

/// Why accounts can't be kept or opened. Each says it to a person in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccountsError {
    /// What is remembered can't be read or written.
    #[error("{0}")]
    Unreadable(String),
    /// There is no such account.
    #[error("no such account is known on this device")]
    Unknown,
    /// It was logged out.
    #[error("{0} is logged out: log in again")]
    LoggedOut(String),
    /// The account's copy or outbox can't be used, or in a browser what is remembered.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// The accounts of this user, or of this page's server. `program` is this program's name and version, for the server's log.
    ///
    /// # Errors
    /// There is no place for them: the system names none, or the browser keeps nothing for this page.
    pub async fn open(program: impl Into<String>) -> Result<Self, AccountsError> {
        Ok(Self {
            keeper: Keeper::open().await?,
            program: program.into(),
        })
    }

    /// All accounts, the one used last first.
    ///
    /// # Errors
    /// What is remembered can't be read.
    pub async fn list(&self) -> Result<Vec<KeptAccount>, AccountsError> {
        Ok(self
            .keeper
            .list()
            .await?
            .into_iter()
            .map(|kept| kept.account)
            .collect())
    }

    /// How to connect to a server: as it is trusted here, or by a public certificate where it isn't known.
    ///
    /// # Errors
    /// What is remembered can't be read.
    pub async fn target(&self, server: &ServerAddress) -> Result<Target, AccountsError> {
        Ok(self.target_by(server, self.keeper.trust(server).await?))
    }

    /// How to connect to a server that is trusted so: as a link says, or a person.
    pub fn target_by(&self, server: &ServerAddress, trust: Trust) -> Target {
        Target {
            server: server.clone(),
            trust,
            program: self.program.clone(),
        }
    }

    /// Keeps an account, its session's secret and the keys to pin, after a login. An engine of it that is open can go on by
    /// [`Engine::renew`]; otherwise [`Accounts::engine`] opens one.
    ///
    /// # Errors
    /// What is remembered can't be written.
    pub async fn add(&self, session: &Session) -> Result<KeptAccount, AccountsError> {
        let pins = if session.pins().is_empty() {
            session.target().trust.pins()
        } else {
            session.pins()
        };
        self.keeper.add(session, pins.to_vec()).await
    }

    /// Opens the engine of an account by the name that it is kept by. What its server announces to pin is kept from then on, and
    /// its secret is forgotten when its session ends. In a native program this needs a tokio runtime, as [`Engine::open`].
    ///
    /// # Errors
    /// There is no such account, it is logged out, or what is kept of it can't be used.
    pub async fn engine(&self, name: &str) -> Result<Engine, AccountsError> {
        let kept = self.find(name).await?;
        let token = kept
            .token
            .ok_or_else(|| AccountsError::LoggedOut(kept.account.username.clone()))?;
        let options = Options {
            target: self.target(&kept.account.server).await?,
            me: Identity {
                username: kept.account.username.clone(),
                account: kept.account.account.clone(),
                device: kept.account.device,
            },
            token: token.clone(),
            clock: Clock::system(),
        };
        let store = self.keeper.local_store(name).await?;
        let engine = Engine::open(options, store).await?;
        self.keeper.used(name).await?;
        // It ends with the engine.
        task::spawn(self.clone().follow(kept.account, token, engine.changes()));
        Ok(engine)
    }

    /// Forgets an account and all that this device holds of it: the secret, the copy, what wasn't sent, and its settings. An engine of it
    /// is to be closed first: by [`Engine::logout`], which also tells the server, or [`Engine::wipe`].
    ///
    /// # Errors
    /// There is no such account; it can't be wiped. The secret is gone in any case.
    pub async fn forget(&self, name: &str) -> Result<(), AccountsError> {
        let kept = self.find(name).await?;
        if let Some(token) = kept.token {
            self.keeper.forget_token(name, &token).await?;
        }
        self.keeper.wipe(name).await?;
        self.keeper.remove(name).await
    }

    /// What a user interface remembers under a key: a draft, a choice of colours.
    ///
    /// # Errors
    /// What is remembered can't be read.
    pub async fn setting(&self, of: Of<'_>, key: &str) -> Result<Option<String>, AccountsError> {
        Ok(self.settings(of).await?.remove(key))
    }

    /// All that a user interface remembers.
    ///
    /// # Errors
    /// What is remembered can't be read.
    pub async fn settings(&self, of: Of<'_>) -> Result<BTreeMap<String, String>, AccountsError> {
        self.keeper.settings(of).await
    }

    /// Remembers something under a key, or with `None` nothing any more.
    ///
    /// # Errors
    /// It can't be written; there is no such account.
    pub async fn set_setting(
        &self,
        of: Of<'_>,
        key: &str,
        value: Option<String>,
    ) -> Result<(), AccountsError> {
        self.keeper.set_setting(of, key, value).await
    }

    async fn find(&self, name: &str) -> Result<Kept, AccountsError> {
        let all = self.keeper.list().await?;
        let found = all.into_iter().find(|kept| kept.account.name == name);
        found.ok_or(AccountsError::Unknown)
    }

    /// Keeps what an engine learns about its session.
    async fn follow(self, account: KeptAccount, token: String, mut changes: Changes) {
        while let Some(batch) = changes.next().await {
            for change in batch {
                // What can't be written now is learnt again the next time.
                let _ = match change {
                    Change::Pins(pins) => self.keeper.note_pins(&account.server, pins).await,
                    Change::Status(Status::SessionEnded) => {
                        self.keeper.forget_token(&account.name, &token).await
                    }
                    _ => Ok(()),
                };
            }
        }
    }
}

/// Whose a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of<'a> {
    /// The device's.
    Device,
    /// An account's, by its name: it goes with it.
    Account(&'a str),
}

impl<'a> Of<'a> {
    fn account(self) -> Option<&'a str> {
        match self {
            Self::Device => None,
            Self::Account(name) => Some(name),
        }
    }
}

/// An account as it is kept.
struct Kept {
    account: KeptAccount,
    token: Option<String>,
}
