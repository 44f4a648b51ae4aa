//! The accounts of this device, and what the app remembers between two starts: the same for every platform.

use std::cell::RefCell;
use std::collections::BTreeMap;

use kith_client::{
    Accounts, AccountsError, Engine, EngineError, Of, ServerAddress, Session, Status, Target, Trust,
};

use crate::platform::{self, beside, open_accounts};
use crate::state::Opened;

/// Name and version of this program, for the server's log.
const PROGRAM: &str = concat!("kith/", env!("CARGO_PKG_VERSION"));

thread_local! {
    static ACCOUNTS: RefCell<Option<Accounts>> = const { RefCell::new(None) };
}

/// The account that was used last.
pub enum Last {
    /// It is open.
    Opened(Opened),
    /// It was logged out.
    LoggedOut(ServerAddress, String),
    /// There is none.
    Nobody,
}

async fn accounts() -> Result<Accounts, AccountsError> {
    if let Some(accounts) = ACCOUNTS.with(|held| held.borrow().clone()) {
        return Ok(accounts);
    }
    let accounts = open_accounts(PROGRAM).await?;
    ACCOUNTS.with(|held| *held.borrow_mut() = Some(accounts.clone()));
    Ok(accounts)
}

/// Opens the account that was used last.
///
/// # Errors
/// What is remembered can't be read.
pub async fn open_last() -> Result<Last, AccountsError> {
    let accounts = accounts().await?;
    beside(async move {
        let Some(account) = accounts.list().await?.into_iter().next() else {
            return Ok(Last::Nobody);
        };
        match accounts.engine(&account.name).await {
            Ok(engine) => Ok(Last::Opened(Opened {
                engine,
                name: account.name,
                server: account.server,
            })),
            Err(AccountsError::LoggedOut(_)) => Ok(Last::LoggedOut(account.server, account.username)),
            Err(error) => Err(error),
        }
    })
    .await
}

/// Keeps a session that was opened with a password, and opens its account's engine.
///
/// # Errors
/// It can't be kept on this device.
pub async fn open_session(session: Session) -> Result<Opened, AccountsError> {
    let accounts = accounts().await?;
    beside(async move {
        let account = accounts.add(&session).await?;
        // The engine makes a connection of its own.
        session.close().await;
        Ok(Opened {
            engine: accounts.engine(&account.name).await?,
            name: account.name,
            server: account.server,
        })
    })
    .await
}

/// How to connect to a server: as is said here, or as this device knows it.
pub async fn target(server: &ServerAddress, trust: Option<Trust>) -> Result<Target, AccountsError> {
    let accounts = accounts().await?;
    let server = server.clone();
    beside(async move {
        match trust {
            Some(trust) => Ok(accounts.target_by(&server, trust)),
            None => accounts.target(&server).await,
        }
    })
    .await
}

/// Ends the session and forgets the account with all that this device holds of it. Where the session has ended already, only
/// the latter.
///
/// # Errors
/// The server can't be told, or the device can't be wiped: then it stays.
pub async fn log_out(engine: Engine, name: &str) -> Result<(), EngineError> {
    let accounts = accounts().await;
    let name = name.to_owned();
    beside(async move {
        if engine.status() == Status::SessionEnded {
            engine.wipe().await?;
        } else {
            engine.logout().await?;
        }
        platform::forget_files(&engine);
        if let Ok(accounts) = accounts {
            // What is left holds nothing that could be read.
            drop(accounts.forget(&name).await);
        }
        Ok(())
    })
    .await
}

/// Closes an account whose session was ended from elsewhere, and throws away what this device holds of it, except for what
/// isn't sent yet.
pub async fn leave(engine: Engine) {
    platform::forget_files(&engine);
    // Another page of the same browser may have done so already. What can't be thrown away now is, when the next session ends.
    beside(async move { drop(engine.leave().await) }).await;
}

/// All that is remembered of an account.
pub async fn settings_of(name: &str) -> BTreeMap<String, String> {
    let Ok(accounts) = accounts().await else {
        return BTreeMap::new();
    };
    let name = name.to_owned();
    beside(async move { accounts.settings(Of::Account(&name)).await.unwrap_or_default() }).await
}

/// Remembers something of an account, for as long as the account is known here. What can't be remembered is only missing the next
/// time.
pub async fn keep_setting_of(name: &str, key: &str, value: Option<String>) {
    let Ok(accounts) = accounts().await else { return };
    let (name, key) = (name.to_owned(), key.to_owned());
    beside(async move { drop(accounts.set_setting(Of::Account(&name), &key, value).await) }).await;
}

/// What is remembered under a key.
pub async fn setting(key: &str) -> Option<String> {
    let accounts = accounts().await.ok()?;
    let key = key.to_owned();
    beside(async move { accounts.setting(Of::Device, &key).await.ok().flatten() }).await
}

/// Remembers something under a key. What can't be remembered is only missing the next time.
pub async fn keep_setting(key: &str, value: String) {
    let Ok(accounts) = accounts().await else { return };
    let key = key.to_owned();
    beside(async move { drop(accounts.set_setting(Of::Device, &key, Some(value)).await) }).await;
}
