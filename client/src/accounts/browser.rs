//! Accounts in IndexedDB. Servers need no pins here: the browser trusts whom it trusts.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use kith_common::{DeviceId, Pin};
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::{AccountsError, Kept, KeptAccount, Of};
use crate::local_store::indexed_db::IndexedDbStore;
use crate::local_store::indexed_db::database::Database;
use crate::local_store::{LocalStore, Owner};
use crate::{ServerAddress, Session, Trust};

#[wasm_bindgen(module = "/src/accounts/browser.js")]
extern "C" {
    fn accounts() -> JsValue;
}

/// The database, written in JavaScript (`browser.js`).
#[derive(Clone)]
pub(super) struct Keeper {
    database: Rc<Database>,
}

#[derive(Serialize, Deserialize)]
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

impl core::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Keeper")
    }
}

impl Keeper {
    pub(super) async fn open() -> Result<Self, AccountsError> {
        let database = Rc::new(Database::open(accounts()).await?);
        Ok(Self { database })
    }

    /// All accounts, the one used last first.
    pub(super) async fn list(&self) -> Result<Vec<Kept>, AccountsError> {
        let mut all = self.all().await?;
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
        let login = session.login().clone();
        let server = session.target().server.clone();
        let new = AccountRow {
            name: format!("{}@{server}", login.username),
            server,
            username: login.username,
            account: login.account,
            device: login.device,
            token: Some(session.token().to_owned()),
            used: 0,
        };
        let kept: AccountRow = self.database.call("add", &[new]).await?;
        Ok(kept.describe())
    }

    /// Notes that an account is the one used last.
    pub(super) async fn used(&self, name: &str) -> Result<(), AccountsError> {
        Ok(self.database.call("use", &[name]).await?)
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
        Ok(self.database.call("forgetToken", &[name, token]).await?)
    }

    pub(super) async fn remove(&self, name: &str) -> Result<(), AccountsError> {
        Ok(self.database.call("remove", &[name]).await?)
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
        let name = self.name(of).await?;
        Ok(self.database.call("settings", &[name]).await?)
    }

    pub(super) async fn set_setting(
        &self,
        of: Of<'_>,
        key: &str,
        value: Option<String>,
    ) -> Result<(), AccountsError> {
        let name = self.name(of).await?;
        Ok(self.database.call("setSetting", &(name, key, value)).await?)
    }

    /// What settings are kept by: the account's name, if there is such an account; nothing for the device.
    async fn name<'a>(&self, of: Of<'a>) -> Result<&'a str, AccountsError> {
        match of.account() {
            Some(name) => self.account(name).await.map(|_| name),
            None => Ok(""),
        }
    }

    async fn account(&self, name: &str) -> Result<AccountRow, AccountsError> {
        let all = self.all().await?;
        let found = all.into_iter().find(|row| row.name == name);
        found.ok_or(AccountsError::Unknown)
    }

    async fn all(&self) -> Result<Vec<AccountRow>, AccountsError> {
        Ok(self.database.call("list", &()).await?)
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
