//! The accounts of this device: the same ones that `kith-cli` uses.

use kith_client::{
    Account, Engine, EngineError, KnownServer, Logs, OpenError, ServerAddress, Session, Store, Trust,
};
use kith_common::Pin;

use super::super::{Last, PROGRAM};
use super::beside;
use crate::state::Opened;

/// Opens the account that was used last.
///
/// # Errors
/// What is remembered can't be read, in a sentence.
pub async fn open_last() -> Result<Last, String> {
    beside(async {
        let store = Store::of_user().map_err(|error| error.to_string())?;
        let profile = store.load().map_err(|error| error.to_string())?;
        let kith_client::Found::One(name, account) = profile.find(None, None) else {
            return Ok(Last::Nobody);
        };
        let server = account.server.clone();
        match store.open(Some(name), None, PROGRAM).await {
            Ok(engine) => Ok(Last::Opened(Opened {
                engine,
                name: name.to_owned(),
                server,
            })),
            Err(OpenError::LoggedOut(_)) => Ok(Last::LoggedOut(server, account.username.clone())),
            Err(error) => Err(error.to_string()),
        }
    })
    .await
}

/// Remembers a session that was opened with a password, and opens its engine. `pin` is the one that the server was verified by.
///
/// # Errors
/// It can't be kept on this device, in a sentence.
pub async fn open_session(session: Session, pin: Option<Pin>) -> Result<Opened, String> {
    beside(async move {
        let store = Store::of_user().map_err(|error| error.to_string())?;
        let login = session.login().clone();
        let server = session.target().server.clone();
        let (token, pins) = (session.token().to_owned(), session.pins().to_vec());
        session.close().await;
        let kept = store.change(|profile| {
            let name = profile.name_for(&server, &login.username);
            let known = profile.servers.entry(server.clone()).or_default();
            if !pins.is_empty() {
                known.pins = pins;
            } else if let Some(pin) = pin {
                known.pins = vec![pin];
            }
            let logs = profile.accounts.remove(&name).map_or_else(Logs::default, |account| account.logs);
            let account = Account {
                server: server.clone(),
                username: login.username.clone(),
                account: login.account.clone(),
                device: login.device,
                token: Some(token),
                logs,
            };
            profile.accounts.insert(name.clone(), account);
            profile.last = Some(name.clone());
            name
        });
        let name = kept.map_err(|error| error.to_string())?;
        let engine = store.open(Some(&name), None, PROGRAM).await.map_err(|error| error.to_string())?;
        Ok(Opened { engine, name, server })
    })
    .await
}

/// How a server is trusted that this device may know.
pub async fn trust_of(server: &ServerAddress) -> Trust {
    let server = server.clone();
    beside(async move {
        let profile = Store::of_user().and_then(|store| store.load()).unwrap_or_default();
        let known = profile.servers.get(&server).map(KnownServer::trust);
        known.and_then(Result::ok).unwrap_or(Trust::Public)
    })
    .await
}

/// Keeps the keys that a server announced.
pub async fn keep_pins(name: &str, pins: Vec<Pin>) {
    let name = name.to_owned();
    beside(async move {
        let Ok(store) = Store::of_user() else { return };
        // If it can't be kept, the server announces it the next time.
        let _ = store.change(|profile| {
            if let Some(account) = profile.accounts.get(&name) {
                let server = account.server.clone();
                profile.servers.entry(server).or_default().pins = pins;
            }
        });
    })
    .await;
}

/// Ends the session and wipes what this device holds of the account. Where the session has ended already, only the latter.
///
/// # Errors
/// The server can't be told, or the device can't be wiped: then everything stays.
pub async fn log_out(engine: Engine, name: &str) -> Result<(), EngineError> {
    let name = name.to_owned();
    beside(async move {
        if engine.status() == kith_client::Status::SessionEnded {
            engine.wipe().await?;
        } else {
            engine.logout().await?;
        }
        if let Ok(store) = Store::of_user() {
            let forgotten = store.change(|profile| {
                profile.accounts.remove(&name);
                profile.last = profile.accounts.keys().next().cloned();
            });
            if let Err(error) = forgotten {
                eprintln!("kith: {error}");
            }
        }
        Ok(())
    })
    .await
}
