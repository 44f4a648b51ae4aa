//! The server's configuration: what `kith.toml`, the environment and the command line may say, as types.
//!
//! Precedence: flags over environment (`KITH_…`) over `DATA/kith.toml` over the defaults below.
//! Values are checked while they are read; a [`Config`] that exists is a valid one.

mod address;
mod data_dir;
mod files;
mod limits;
mod load;
mod sample;
mod value;
mod web;

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use kith_common::DEFAULT_PORT;
use serde::{Deserialize, Serialize};

pub use address::{LinkHost, LinkHostError};
pub use data_dir::DataDir;
pub use files::FileLimits;
pub use limits::{Limits, Rate};
pub use load::{ConfigError, Flags, RESERVED_VARIABLES};
pub use sample::{SetupChoices, sample};
pub use web::{WebOrigin, WebOriginError, WebSettings};

/// All that an operator can decide. `DATA/kith.toml` documents every key ([`sample()`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port of the one listener.
    #[serde(deserialize_with = "value::socket_address")]
    pub listen: SocketAddr,
    /// The name that invite links carry; the machine's own name where none is set.
    pub host: Option<LinkHost>,
    /// Who may make an account.
    pub registration: Registration,
    /// Where accounts and messages are kept.
    pub database: Database,
    /// Certificates and TLS versions.
    pub tls: TlsSettings,
    /// `server.log`.
    pub log: LogSettings,
    /// Password hashing.
    pub passwords: PasswordSettings,
    /// The web app, and what browsers may do.
    pub web: WebSettings,
    /// What one client, account or address may use.
    pub limits: Limits,
    /// What files may take.
    pub files: FileLimits,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Registration {
    /// Everyone who reaches the server.
    Open,
    /// Everyone who holds an unused invite.
    #[default]
    Invite,
    /// Nobody; accounts are made on the server's command line only.
    Closed,
}

/// Where accounts and messages are kept.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Database {
    /// The file `kith.db` in the data directory.
    #[default]
    Sqlite,
    /// A PostgreSQL server, as a URL (`postgres://user:password@host/name`).
    Postgres(String),
}

/// Certificates and TLS versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// Where `setup` keeps its own CA and certificate, relative to the data directory.
    pub directory: PathBuf,
    /// Someone's own certificate chain (PEM, the server's certificate first), instead of `setup`'s.
    pub certificate: Option<PathBuf>,
    /// The private key of that certificate (PEM).
    pub key: Option<PathBuf>,
    /// Whether TLS 1.2 is accepted besides TLS 1.3.
    pub tls12: bool,
}

/// `server.log`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// Directory of the log files, relative to the data directory.
    pub directory: PathBuf,
    /// The least important kind of line that is written.
    pub level: LogLevel,
    /// How many daily files are kept.
    #[serde(deserialize_with = "value::within::<_, _, 1, 3650>")]
    pub files: usize,
    /// Whether a line is written for every message that is routed (sender and receiver, never its text).
    pub routing: bool,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are those of the log levels everywhere")]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// Password hashing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordSettings {
    /// Work factor of bcrypt: each step doubles the time. OWASP's minimum is 10.
    #[serde(deserialize_with = "value::within::<_, _, 10, 15>")]
    pub bcrypt_cost: u32,
    /// Threads that hash; 0 means half of the cores ([`PasswordSettings::threads_on`]).
    #[serde(deserialize_with = "value::within::<_, _, 0, 256>")]
    pub threads: usize,
    /// Logins that may wait for a hashing thread; further ones are told to come back.
    #[serde(deserialize_with = "value::within::<_, _, 1, 100_000>")]
    pub queue: usize,
}

impl Config {
    /// Host and port for invite links: the configured ones, else `machine` (the name of this machine) and the port
    /// that the server listens on.
    pub fn link_address(&self, listening: u16, machine: impl FnOnce() -> String) -> (String, u16) {
        match &self.host {
            Some(host) => (host.host.clone(), host.port.unwrap_or(listening)),
            None => (machine(), listening),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            // Without IPV6_V6ONLY this address takes IPv4 too.
            listen: SocketAddr::from((Ipv6Addr::UNSPECIFIED, DEFAULT_PORT)),
            host: None,
            registration: Registration::default(),
            database: Database::default(),
            tls: TlsSettings::default(),
            log: LogSettings::default(),
            passwords: PasswordSettings::default(),
            web: WebSettings::default(),
            limits: Limits::default(),
            files: FileLimits::default(),
        }
    }
}

impl Registration {
    /// The word in `kith.toml` and in `hello`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Invite => "invite",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Registration {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        [Self::Open, Self::Invite, Self::Closed]
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or("registration is `open`, `invite` or `closed`")
    }
}

impl fmt::Debug for Database {
    /// Leaves out user and password, so that no log ever holds them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite => f.write_str("sqlite"),
            Self::Postgres(url) => {
                let place = url.split_once("://").map_or("", |(_, rest)| rest);
                let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
                // Options behind `?` may hold a password as well.
                let place = place.split_once('?').map_or(place, |(place, _)| place);
                write!(f, "postgres://{place}")
            }
        }
    }
}

impl TryFrom<String> for Database {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        match text.split_once("://") {
            None if text == "sqlite" => Ok(Self::Sqlite),
            Some(("postgres" | "postgresql", place)) if !place.is_empty() => Ok(Self::Postgres(text)),
            _ => Err("the database is `sqlite` or a URL like `postgres://user:password@host/name`"),
        }
    }
}

impl From<Database> for String {
    fn from(database: Database) -> String {
        match database {
            Database::Sqlite => "sqlite".to_owned(),
            Database::Postgres(url) => url,
        }
    }
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("certs"),
            certificate: None,
            key: None,
            tls12: false,
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("logs"),
            level: LogLevel::default(),
            files: 14,
            routing: true,
        }
    }
}

impl From<LogLevel> for tracing::Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

impl Default for PasswordSettings {
    fn default() -> Self {
        Self {
            bcrypt_cost: 12,
            threads: 0,
            queue: 256,
        }
    }
}

impl PasswordSettings {
    /// Hashing threads on a machine with so many cores: as configured, else half of them, and at least one.
    pub fn threads_on(&self, cores: NonZeroUsize) -> NonZeroUsize {
        NonZeroUsize::new(self.threads)
            .or(NonZeroUsize::new(cores.get() / 2))
            .unwrap_or(NonZeroUsize::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_url_hides_its_password() {
        let database =
            Database::try_from("postgres://kith:s3cret@db.example/kith?password=s3cret".to_owned()).unwrap();
        assert_eq!(format!("{database:?}"), "postgres://db.example/kith");
        assert!(Database::try_from("mysql://x".to_owned()).is_err());
        assert!(Database::try_from("postgres://".to_owned()).is_err());
    }

    #[test]
    fn hashing_leaves_half_of_the_cores_to_messages() {
        let threads = |threads, cores| {
            let settings = PasswordSettings {
                threads,
                ..PasswordSettings::default()
            };
            settings.threads_on(NonZeroUsize::new(cores).unwrap()).get()
        };
        assert_eq!((threads(0, 1), threads(0, 2), threads(0, 9)), (1, 1, 4));
        assert_eq!(threads(3, 1), 3);
    }

    #[test]
    fn links_name_the_configured_host_else_the_machine() {
        let machine = || "box".to_owned();
        let mut config = Config::default();
        assert_eq!(config.link_address(9000, machine), ("box".to_owned(), 9000));
        config.host = Some("chat.example".parse().unwrap());
        assert_eq!(
            config.link_address(9000, machine),
            ("chat.example".to_owned(), 9000)
        );
        config.host = Some("[2001:db8::1]:443".parse().unwrap());
        assert_eq!(
            config.link_address(9000, machine),
            ("2001:db8::1".to_owned(), 443)
        );
    }
}
