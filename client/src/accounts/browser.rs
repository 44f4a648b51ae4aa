//! Accounts in IndexedDB. Servers need no pins here: the browser trusts whom it trusts.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use js_sys::{Array, Reflect};
use kith_common::{DeviceId, Pin};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use super::{AccountsError, Kept, KeptAccount, Of};
use crate::local_store::indexed_db::database::{Database, Durability, Schema};
use crate::local_store::indexed_db::held::HeldDatabase;
use crate::local_store::indexed_db::request::{between, key, last, made, row, rows, to_js};
use crate::local_store::indexed_db::{IndexedDbStore, apart};
use crate::local_store::{LocalStore, Owner, StoreError};
use crate::{ServerAddress, Session, Trust};

const NAME: &str = "kith";
const VERSION: u32 = 1;
const ACCOUNTS: &str = "accounts";
const SETTINGS: &str = "settings";

/// The database. Each use of it is a task of its own, which a user interface that is slow doesn't hold up.
#[derive(Clone)]
pub(super) struct Keeper {
    held: Rc<HeldDatabase>,
}

#[derive(Clone, Serialize, Deserialize)]
struct AccountRow {
    name: String,
    server: ServerAddress,
    username: String,
    account: String,
    device: DeviceId,
    /// The session's secret; none after its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// The greatest is the one used last.
    used: u64,
}

#[derive(Serialize, Deserialize)]
struct SettingRow {
    /// The account's name; empty for the device.
    of: String,
    key: String,
    value: String,
}

impl core::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Keeper")
    }
}

impl Keeper {
    pub(super) async fn open() -> Result<Self, AccountsError> {
        let held = apart(HeldDatabase::open(NAME.to_owned(), VERSION, upgrade)).await?;
        Ok(Self { held })
    }

    /// All accounts, the one used last first.
    pub(super) async fn list(&self) -> Result<Vec<Kept>, AccountsError> {
        let mut all = self.with(all).await?;
        all.sort_unstable_by_key(|row| core::cmp::Reverse(row.used));
        let kept = |row: AccountRow| Kept {
            account: row.describe(),
            token: row.token,
        };
        Ok(all.into_iter().map(kept).collect())
    }

    pub(super) async fn trust(&self, _server: &ServerAddress) -> Result<Trust, AccountsError> {
        Ok(Trust::Public)
    }

    pub(super) async fn add(&self, session: &Session, _pins: Vec<Pin>) -> Result<KeptAccount, AccountsError> {
        keep_for_good();
        let login = session.login().clone();
        let server = session.target().server.clone();
        let token = Some(session.token().to_owned());
        self.with(async move |database| {
            let transaction = database.write(&[ACCOUNTS], Durability::Strict)?;
            let accounts = transaction.store(ACCOUNTS)?;
            let all = rows::<AccountRow>(accounts.get_all()).await?;
            let same = |row: &&AccountRow| {
                row.server == server && row.username.eq_ignore_ascii_case(&login.username)
            };
            let name = all.iter().find(same).map(|row| row.name.clone());
            let row = AccountRow {
                name: name.unwrap_or_else(|| format!("{}@{server}", login.username)),
                server,
                username: login.username,
                account: login.account,
                device: login.device,
                token,
                used: next(&all),
            };
            made(accounts.put(&to_js(&row)?))?;
            transaction.done().await?;
            Ok(row.describe())
        })
        .await
    }

    /// Notes that an account is the one used last.
    pub(super) async fn used(&self, name: &str) -> Result<(), AccountsError> {
        let used = next(&self.with(all).await?);
        self.change(name, move |row| row.used = used).await
    }

    pub(super) async fn note_pins(
        &self,
        _server: &ServerAddress,
        _pins: Vec<Pin>,
    ) -> Result<(), AccountsError> {
        Ok(())
    }

    /// Forgets a secret, if it is still this one.
    pub(super) async fn forget_token(&self, name: &str, token: &str) -> Result<(), AccountsError> {
        let token = token.to_owned();
        self.change(name, move |row| {
            row.token.take_if(|held| *held == token);
        })
        .await
    }

    pub(super) async fn remove(&self, name: &str) -> Result<(), AccountsError> {
        let name = name.to_owned();
        self.with(async move |database| {
            let transaction = database.write(&[ACCOUNTS, SETTINGS], Durability::Strict)?;
            made(transaction.store(ACCOUNTS)?.delete(&name.as_str().into()))?;
            made(transaction.store(SETTINGS)?.delete(&settings_of(&name)?))?;
            transaction.done().await
        })
        .await
    }

    pub(super) async fn local_store(&self, name: &str) -> Result<Arc<dyn LocalStore>, AccountsError> {
        let owner = self.account(name).await?.owner();
        // A page has one thread, and an engine takes any store.
        #[expect(clippy::arc_with_non_send_sync, reason = "a page has one thread")]
        Ok(Arc::new(IndexedDbStore::open(&owner).await?))
    }

    /// Wipes an account's copy and its outbox. Its settings go with it.
    pub(super) async fn wipe(&self, name: &str) -> Result<(), AccountsError> {
        let owner = self.account(name).await?.owner();
        Ok(IndexedDbStore::delete(&owner).await?)
    }

    pub(super) async fn settings(&self, of: Of<'_>) -> Result<BTreeMap<String, String>, AccountsError> {
        if let Some(name) = of.account() {
            self.account(name).await?;
        }
        let of = of.account().unwrap_or_default().to_owned();
        self.with(async move |database| {
            let transaction = database.read(&[SETTINGS])?;
            let found = transaction.store(SETTINGS)?.get_all_with_key(&settings_of(&of)?);
            let settings = rows::<SettingRow>(found).await?;
            Ok(settings.into_iter().map(|row| (row.key, row.value)).collect())
        })
        .await
    }

    pub(super) async fn set_setting(
        &self,
        of: Of<'_>,
        key_of: &str,
        value: Option<String>,
    ) -> Result<(), AccountsError> {
        if let Some(name) = of.account() {
            self.account(name).await?;
        }
        let (of, name) = (of.account().unwrap_or_default().to_owned(), key_of.to_owned());
        self.with(async move |database| {
            // A draft is written often, and has to survive the end of the browser, not a power cut.
            let transaction = database.write(&[SETTINGS], Durability::Relaxed)?;
            let settings = transaction.store(SETTINGS)?;
            let place = key([of.as_str().into(), name.as_str().into()]);
            match value {
                Some(value) => made(settings.put(&to_js(&SettingRow { of, key: name, value })?))?,
                None => made(settings.delete(&place))?,
            }
            transaction.done().await
        })
        .await
    }

    async fn account(&self, name: &str) -> Result<AccountRow, AccountsError> {
        let all = self.with(all).await?;
        let found = all.into_iter().find(|row| row.name == name);
        found.ok_or(AccountsError::Unknown)
    }

    async fn change(
        &self,
        name: &str,
        change: impl FnOnce(&mut AccountRow) + 'static,
    ) -> Result<(), AccountsError> {
        let name = name.to_owned();
        self.with(async move |database| {
            let transaction = database.write(&[ACCOUNTS], Durability::Strict)?;
            let accounts = transaction.store(ACCOUNTS)?;
            if let Some(mut held) = row::<AccountRow>(accounts.get(&name.as_str().into())).await? {
                change(&mut held);
                made(accounts.put(&to_js(&held)?))?;
            }
            transaction.done().await
        })
        .await
    }

    async fn with<T: 'static, F>(
        &self,
        work: impl FnOnce(Rc<Database>) -> F + 'static,
    ) -> Result<T, AccountsError>
    where
        F: Future<Output = Result<T, StoreError>> + 'static,
    {
        let held = Rc::clone(&self.held);
        Ok(apart(async move { work(held.database().await?).await }).await?)
    }
}

impl AccountRow {
    fn owner(&self) -> Owner {
        Owner {
            server: self.server.to_string(),
            account: self.account.clone(),
        }
    }

    fn describe(&self) -> KeptAccount {
        KeptAccount {
            name: self.name.clone(),
            server: self.server.clone(),
            username: self.username.clone(),
            account: self.account.clone(),
            device: self.device,
            is_logged_in: self.token.is_some(),
        }
    }
}

fn upgrade(schema: &Schema, _before: u32) -> Result<(), JsValue> {
    schema.store(ACCOUNTS, &["name"])?;
    schema.store(SETTINGS, &["of", "key"])?;
    Ok(())
}

async fn all(database: Rc<Database>) -> Result<Vec<AccountRow>, StoreError> {
    let transaction = database.read(&[ACCOUNTS])?;
    rows(transaction.store(ACCOUNTS)?.get_all()).await
}

fn next(all: &[AccountRow]) -> u64 {
    all.iter().map(|row| row.used).max().map_or(1, |used| used + 1)
}

fn settings_of(name: &str) -> Result<JsValue, StoreError> {
    let first: JsValue = Array::of1(&name.into()).into();
    between(&first, &key([name.into(), last()]))
}

/// Asks the browser not to throw what is kept away when it needs room. It may refuse, and some ask the person.
fn keep_for_good() {
    let Some(window) = web_sys::window() else { return };
    let navigator = window.navigator();
    // Older browsers don't have it.
    if Reflect::get(&navigator, &"storage".into()).is_ok_and(|storage| storage.is_object()) {
        // Nobody waits for the answer.
        let _ = navigator.storage().persist();
    }
}
