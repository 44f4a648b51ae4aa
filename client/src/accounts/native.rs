//! Accounts in the files of a user.

use std::collections::BTreeMap;
use std::sync::Arc;

use kith_common::Pin;
use tokio::task::spawn_blocking;

use super::{Accounts, AccountsError, Kept, KeptAccount, Of};
use crate::local_store::LocalStore;
use crate::profile::{Account, Profile, ProfileError, Store};
use crate::{CaFileError, ServerAddress, Session, Trust};

impl Accounts {
    /// The accounts in another place than the user's.
    pub fn in_store(store: Store, program: impl Into<String>) -> Self {
        Self {
            keeper: Keeper { store },
            program: program.into(),
        }
    }
}

/// The files. They are read and written on threads that may wait for the disk.
#[derive(Clone, Debug)]
pub(super) struct Keeper {
    store: Store,
}

impl Keeper {
    pub(super) async fn open() -> Result<Self, AccountsError> {
        let store = Store::of_user()?;
        Ok(Self { store })
    }

    /// All accounts, the one used last first.
    pub(super) async fn list(&self) -> Result<Vec<Kept>, AccountsError> {
        let profile = self.with(|store| store.load()).await?;
        let last = profile.last;
        let kept = |(name, account): (String, Account)| Kept {
            token: account.token.clone(),
            account: describe(name, &account),
        };
        let mut all: Vec<Kept> = profile.accounts.into_iter().map(kept).collect();
        all.sort_by_key(|kept| last.as_ref() != Some(&kept.account.name));
        Ok(all)
    }

    pub(super) async fn trust(&self, server: &ServerAddress) -> Result<Trust, AccountsError> {
        let server = server.clone();
        self.with(move |store| {
            let known = store.load()?.servers.remove(&server).unwrap_or_default();
            Ok::<_, AccountsError>(known.trust()?)
        })
        .await
    }

    pub(super) async fn add(&self, session: &Session, pins: Vec<Pin>) -> Result<KeptAccount, AccountsError> {
        let session = session.clone();
        self.with(move |store| {
            store.change(|profile| {
                let server = session.target().server.clone();
                let known = profile.servers.entry(server.clone()).or_default();
                if !pins.is_empty() {
                    known.pins = pins;
                }
                let (name, account) = profile.add(server, session.login(), session.token().to_owned());
                describe(name, &account)
            })
        })
        .await
    }

    /// Notes that an account is the one used last.
    pub(super) async fn used(&self, name: &str) -> Result<(), AccountsError> {
        let name = name.to_owned();
        self.change(|profile| profile.last = Some(name)).await
    }

    pub(super) async fn note_pins(
        &self,
        server: &ServerAddress,
        pins: Vec<Pin>,
    ) -> Result<(), AccountsError> {
        let server = server.clone();
        self.change(|profile| profile.servers.entry(server).or_default().pins = pins)
            .await
    }

    /// Forgets a secret, if it is still this one.
    pub(super) async fn forget_token(&self, name: &str, token: &str) -> Result<(), AccountsError> {
        let (name, token) = (name.to_owned(), token.to_owned());
        self.change(move |profile| {
            if let Some(account) = profile.accounts.get_mut(&name) {
                account.token.take_if(|held| *held == token);
            }
        })
        .await
    }

    pub(super) async fn remove(&self, name: &str) -> Result<(), AccountsError> {
        let name = name.to_owned();
        self.change(move |profile| {
            profile.accounts.remove(&name);
            profile.last.take_if(|last| *last == name);
        })
        .await
    }

    pub(super) async fn local_store(&self, name: &str) -> Result<Arc<dyn LocalStore>, AccountsError> {
        let name = name.to_owned();
        self.with(move |store| {
            let local = store.local_store(&account(&store, &name)?)?;
            Ok::<_, AccountsError>(Arc::new(local) as Arc<dyn LocalStore>)
        })
        .await
    }

    /// Wipes an account's copy, its outbox and its settings.
    pub(super) async fn wipe(&self, name: &str) -> Result<(), AccountsError> {
        self.local_store(name).await?.wipe().await?;
        let name = name.to_owned();
        self.with(move |store| {
            let account = account(&store, &name)?;
            store.remove_settings(&account)?;
            // A program that still has it open keeps it, empty; then it is removed the next time.
            let _ = std::fs::remove_dir_all(store.folder_of(&account));
            Ok::<_, AccountsError>(())
        })
        .await
    }

    pub(super) async fn settings(&self, of: Of<'_>) -> Result<BTreeMap<String, String>, AccountsError> {
        let of = of.account().map(str::to_owned);
        self.with(move |store| {
            let account = of.map(|name| account(&store, &name)).transpose()?;
            Ok::<_, AccountsError>(store.settings(account.as_ref())?)
        })
        .await
    }

    pub(super) async fn set_setting(
        &self,
        of: Of<'_>,
        key: &str,
        value: Option<String>,
    ) -> Result<(), AccountsError> {
        let (of, key) = (of.account().map(str::to_owned), key.to_owned());
        self.with(move |store| {
            let account = of.map(|name| account(&store, &name)).transpose()?;
            Ok::<_, AccountsError>(store.set_setting(account.as_ref(), &key, value)?)
        })
        .await
    }

    async fn change(&self, change: impl FnOnce(&mut Profile) + Send + 'static) -> Result<(), AccountsError> {
        self.with(|store| store.change(change)).await
    }

    async fn with<T, E>(
        &self,
        work: impl FnOnce(Store) -> Result<T, E> + Send + 'static,
    ) -> Result<T, AccountsError>
    where
        T: Send + 'static,
        E: Into<AccountsError> + Send + 'static,
    {
        let store = self.store.clone();
        match spawn_blocking(move || work(store)).await {
            Ok(result) => result.map_err(Into::into),
            Err(error) => Err(AccountsError::Unreadable(error.to_string())),
        }
    }
}

fn account(store: &Store, name: &str) -> Result<Account, AccountsError> {
    store.load()?.accounts.remove(name).ok_or(AccountsError::Unknown)
}

fn describe(name: String, account: &Account) -> KeptAccount {
    KeptAccount {
        name,
        server: account.server.clone(),
        username: account.username.clone(),
        account: account.account.clone(),
        device: account.device,
        is_logged_in: account.token.is_some(),
    }
}

impl From<ProfileError> for AccountsError {
    fn from(error: ProfileError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<CaFileError> for AccountsError {
    fn from(error: CaFileError) -> Self {
        Self::Unreadable(error.to_string())
    }
}
