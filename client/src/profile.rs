//! What a client remembers between its runs: servers and their keys, accounts and their tokens, and what was read.

mod file;
mod open;
mod store;

use std::collections::BTreeMap;
use std::path::PathBuf;

use kith_common::{DeviceId, LoginReply, Pin};
use serde::{Deserialize, Serialize};

use crate::{CaFileError, Logs, ServerAddress, Trust};

pub(crate) use file::make_private_folder;
pub use open::OpenError;
pub use store::{ProfileError, Store, StoreClaim};

/// Everything that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// How to trust each server that was met.
    #[serde(default)]
    pub servers: BTreeMap<ServerAddress, KnownServer>,
    /// The accounts by the names that [`Profile::name_for`] gives them.
    #[serde(default)]
    pub accounts: BTreeMap<String, Account>,
    /// The account that was used last.
    #[serde(default)]
    pub last: Option<String>,
}

/// How to trust a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KnownServer {
    /// The keys to look for; any of them will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pins: Vec<Pin>,
    /// Where there is no pin: a file with the certificates of its authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
}

/// An account on a server.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Where it is.
    pub server: ServerAddress,
    /// Its user name.
    pub username: String,
    /// The id of its own log.
    pub account: String,
    /// This device.
    pub device: DeviceId,
    /// The session's secret; none after a logout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What was read of its logs.
    #[serde(default)]
    pub logs: Logs,
}

/// Leaves out the token.
impl core::fmt::Debug for Account {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Account")
            .field("server", &self.server)
            .field("username", &self.username)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

impl KnownServer {
    /// How to trust this server: by pin, by file, or else by the public authorities.
    ///
    /// # Errors
    /// The file of authorities can't be read.
    pub fn trust(&self) -> Result<Trust, CaFileError> {
        match &self.ca_file {
            _ if !self.pins.is_empty() => Ok(Trust::Pins(self.pins.clone())),
            Some(path) => Trust::ca_file(path),
            None => Ok(Trust::Public),
        }
    }
}

impl Profile {
    /// The name under which an account is kept: the one it has already, or `user@host:port`.
    pub fn name_for(&self, server: &ServerAddress, username: &str) -> String {
        let same =
            |account: &Account| account.server == *server && account.username.eq_ignore_ascii_case(username);
        let kept = self.accounts.iter().find(|(_, account)| same(account));
        kept.map_or_else(|| format!("{username}@{server}"), |(name, _)| name.clone())
    }

    /// Keeps an account after a login, as the one used last, and returns its name and what is kept. What was read of its logs
    /// before still counts.
    pub fn add(&mut self, server: ServerAddress, login: &LoginReply, token: String) -> (String, Account) {
        let name = self.name_for(&server, &login.username);
        let before = self.accounts.remove(&name);
        let account = Account {
            server,
            username: login.username.clone(),
            account: login.account.clone(),
            device: login.device,
            token: Some(token),
            logs: before
                .filter(|before| before.account == login.account)
                .map(|before| before.logs)
                .unwrap_or_default(),
        };
        self.accounts.insert(name.clone(), account.clone());
        self.last = Some(name.clone());
        (name, account)
    }

    /// The account meant by `name`: its full name, or its user name where that says enough. With no name, the one used
    /// last. With a server, only accounts there count.
    pub fn find(&self, name: Option<&str>, server: Option<&ServerAddress>) -> Found<'_> {
        let there = |account: &Account| server.is_none_or(|server| account.server == *server);
        let mut candidates = self.accounts.iter().filter(|(_, account)| there(account));
        let Some(name) = name else {
            let last = self
                .last
                .as_ref()
                .and_then(|last| self.accounts.get_key_value(last));
            return match last
                .filter(|(_, account)| there(account))
                .or_else(|| candidates.next())
            {
                Some((name, account)) => Found::One(name, account),
                None => Found::None,
            };
        };
        if let Some((name, account)) = self.accounts.get_key_value(name).filter(|(_, a)| there(a)) {
            return Found::One(name, account);
        }
        let mut matching = candidates.filter(|(_, account)| account.username.eq_ignore_ascii_case(name));
        match (matching.next(), matching.next()) {
            (Some((name, account)), None) => Found::One(name, account),
            (Some((one, _)), Some((other, _))) => Found::Several([one, other]),
            (None, _) => Found::None,
        }
    }
}

/// What [`Profile::find`] finds.
#[derive(Debug, PartialEq)]
pub enum Found<'a> {
    /// The account, by its full name.
    One(&'a str, &'a Account),
    /// Several; two of their full names.
    Several([&'a str; 2]),
    /// None.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(accounts: &[(&str, &str)], last: &str) -> Profile {
        let mut profile = Profile::default();
        for (username, server) in accounts {
            let server: ServerAddress = server.parse().unwrap();
            let account = Account {
                server: server.clone(),
                username: (*username).to_owned(),
                account: "a".to_owned(),
                device: DeviceId(1),
                token: None,
                logs: Logs::default(),
            };
            profile
                .accounts
                .insert(profile.name_for(&server, username), account);
        }
        profile.last = Some(last.to_owned());
        profile
    }

    #[test]
    fn accounts_are_found_by_what_people_type() {
        let profile = profile(&[("alice", "a"), ("bob", "a"), ("Alice", "b")], "bob@a:7443");
        let found = |name, server: Option<&str>| {
            let server = server.map(|server| server.parse().unwrap());
            match profile.find(name, server.as_ref()) {
                Found::One(name, _) => name.to_owned(),
                Found::Several([one, other]) => format!("{one} or {other}"),
                Found::None => "none".to_owned(),
            }
        };
        assert_eq!(found(None, None), "bob@a:7443");
        assert_eq!(found(None, Some("b")), "Alice@b:7443");
        assert_eq!(found(None, Some("c")), "none");
        assert_eq!(found(Some("bob"), None), "bob@a:7443");
        assert_eq!(found(Some("ALICE"), Some("a")), "alice@a:7443");
        assert_eq!(found(Some("alice@a:7443"), None), "alice@a:7443");
        assert_eq!(found(Some("alice"), None), "Alice@b:7443 or alice@a:7443");
        assert_eq!(found(Some("carol"), None), "none");
        assert_eq!(profile.name_for(&"b".parse().unwrap(), "ALICE"), "Alice@b:7443");
    }
}
