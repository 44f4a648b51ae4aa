use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use toml::{Table, Value};

use super::{Config, DataDir};

/// Variables that begin with `KITH_` and belong to the command line, to other programs of Kith or to its tests.
/// Besides these, everything that begins with `KITH_TEST_` is left alone.
pub const RESERVED_VARIABLES: [&str; 9] = [
    "KITH_CLI_BIN",
    "KITH_DATA",
    "KITH_HOME",
    "KITH_NEW_PASSWORD",
    "KITH_PASSWORD",
    "KITH_SERVER",
    "KITH_SERVER_BIN",
    "KITH_TOKEN",
    "KITH_WEB_DIST",
];

/// What the command line says about the configuration; it overrides everything else.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--listen`
    pub listen: Option<SocketAddr>,
}

/// Why there is no configuration to run with. Each one is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The data directory was never set up.
    #[error("there is no {}; make it with: kith-server setup --data {}", .file.display(), .data.display())]
    Missing {
        /// The file that was looked for.
        file: PathBuf,
        /// The data directory.
        data: PathBuf,
    },
    /// The file is there but can't be read.
    #[error("{} can't be read: {reason}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The operating system's word.
        reason: io::Error,
    },
    /// A line of the file is wrong.
    #[error("{}, line {line}: {message}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong, and what is allowed.
        message: String,
    },
    /// A variable of the environment is wrong.
    #[error("environment variable {variable}: {message}")]
    Variable {
        /// Its name.
        variable: String,
        /// What is wrong, and what is allowed.
        message: String,
    },
    /// Half of someone's own certificate.
    #[error("[tls] has a `{present}` without a `{missing}`: set both for your own certificate, or neither")]
    HalfAPair {
        /// The key that is set.
        present: &'static str,
        /// The key that isn't.
        missing: &'static str,
    },
}

impl Config {
    /// Reads `DATA/kith.toml` and lays the environment and the command line over it.
    ///
    /// # Errors
    /// If the file is missing or can't be read, or anything in it or in the environment isn't understood.
    pub fn load(
        data: &DataDir,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let file = data.config_file();
        let text = fs::read_to_string(&file).map_err(|reason| match reason.kind() {
            io::ErrorKind::NotFound => ConfigError::Missing {
                file: file.clone(),
                data: data.path().to_owned(),
            },
            _ => ConfigError::Unreadable {
                file: file.clone(),
                reason,
            },
        })?;
        Self::from_text(&text, &file, environment, flags)
    }

    /// The same for a `kith.toml` that isn't written yet; `file` is its name in errors.
    ///
    /// # Errors
    /// If anything in the text or in the environment isn't understood.
    pub(crate) fn from_text(
        text: &str,
        file: &Path,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let mut config = Self::parse(text, file)?.overlay(environment)?;
        if let Some(listen) = flags.listen {
            config.listen = listen;
        }
        match (&config.tls.certificate, &config.tls.key) {
            (Some(_), None) => Err(ConfigError::HalfAPair {
                present: "certificate",
                missing: "key",
            }),
            (None, Some(_)) => Err(ConfigError::HalfAPair {
                present: "key",
                missing: "certificate",
            }),
            _ => Ok(config),
        }
    }

    /// Reads the text of a `kith.toml`; `file` is its name in errors.
    fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or("");
            ConfigError::File {
                file: file.to_owned(),
                line: before.matches('\n').count() + 1,
                message: error.message().to_owned(),
            }
        })
    }

    /// Lays variables over the configuration one by one, so that an error can name the variable that brought it.
    fn overlay(
        self,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let mut variables: Vec<_> = environment
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with("KITH_") && !is_reserved(name))
            .collect();
        // The order of an environment is arbitrary, that of errors shouldn't be. It also lays `KITH_A` before
        // `KITH_A__B`, which refines it.
        variables.sort();

        let mut config = self;
        for (variable, value) in variables {
            let outcome = match value.into_string() {
                Ok(value) => config.with(&variable, &value),
                Err(_) => Err("the value is not UTF-8".to_owned()),
            };
            config = outcome.map_err(|message| ConfigError::Variable { variable, message })?;
        }
        Ok(config)
    }

    /// This configuration with one variable laid over it, or what is wrong with the variable.
    fn with(&self, variable: &str, text: &str) -> Result<Self, String> {
        let base = Table::try_from(self).map_err(|error| error.to_string())?;
        let keys: Vec<String> = variable
            .strip_prefix("KITH_")
            .unwrap_or(variable)
            .split("__")
            .map(str::to_ascii_lowercase)
            .collect();
        let attempt = |value: Value| {
            let mut table = base.clone();
            let nested = keys.iter().rev().fold(value, |inner, key| {
                Value::Table(Table::from_iter([(key.clone(), inner)]))
            });
            if let Value::Table(nested) = nested {
                merge(&mut table, nested);
            }
            table
                .try_into::<Self>()
                .map_err(|error: toml::de::Error| error.message().to_owned())
        };
        // `10`, `true` and `{ burst = 1, per_minute = 2 }` are TOML; a bare word is a string, and so is a number
        // where a string is wanted (a host named 1234).
        let as_string = || attempt(Value::String(text.to_owned()));
        match text.parse::<Value>() {
            Ok(value) => attempt(value).or_else(|error| as_string().map_err(|_| error)),
            Err(_) => as_string(),
        }
    }
}

fn is_reserved(variable: &str) -> bool {
    variable.starts_with("KITH_TEST_") || RESERVED_VARIABLES.contains(&variable)
}

/// Lays `over` over `base`, table by table.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Database, LogLevel, Registration};

    /// Loads a configuration with this `kith.toml` and this environment.
    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDir::new(directory.path());
        fs::write(data.config_file(), file).unwrap();
        let environment = environment
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        Config::load(&data, environment, &Flags::default()).map_err(|error| {
            error
                .to_string()
                .replace(&directory.path().display().to_string(), "DATA")
        })
    }

    #[test]
    fn an_empty_file_means_the_defaults() {
        assert_eq!(load("", &[]), Ok(Config::default()));
    }

    #[test]
    fn flags_win_over_environment_over_file_over_defaults() {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDir::new(directory.path());
        fs::write(
            data.config_file(),
            "listen = \"[::1]:1\"\nregistration = \"open\"\n[limits]\nin_flight = 7\nsessions_per_account = 8\n",
        )
        .unwrap();
        let environment = [
            ("KITH_LISTEN", "[::1]:2"),
            ("KITH_LIMITS__SESSIONS_PER_ACCOUNT", "10"),
        ]
        .map(|(name, value)| (name.into(), value.into()));
        let flags = Flags {
            listen: "[::1]:3".parse().ok(),
        };
        let config = Config::load(&data, environment, &flags).unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.limits.sessions_per_account, 10);
        assert_eq!(config.limits.in_flight, 7);
        assert_eq!(config.registration, Registration::Open);
        assert_eq!(config.limits.connections, 20_000);
    }

    #[test]
    fn an_unknown_key_names_its_line_and_what_is_allowed() {
        let error = load("# mine\n\nlisen = \"[::]:1\"\n", &[]).unwrap_err();
        assert!(
            error.starts_with("DATA/kith.toml, line 3: unknown field `lisen`, expected one of `listen`"),
            "{error}"
        );
        let error = load("[limits]\nconnections = 5\nconections = 4\n", &[]).unwrap_err();
        assert!(
            error.starts_with("DATA/kith.toml, line 3: unknown field `conections`"),
            "{error}"
        );
    }

    #[test]
    fn a_bad_value_names_its_line_and_what_is_allowed() {
        for (file, line, allowed) in [
            (
                "registration = \"opne\"",
                1,
                "expected one of `open`, `invite`, `closed`",
            ),
            (
                "\n\nlisten = \"7443\"",
                3,
                "an IP address and a port, like \"[::]:7443\"",
            ),
            ("[passwords]\nbcrypt_cost = 31", 2, "a whole number from 10 to 15"),
            (
                "[limits]\n\nframe_seconds = 0",
                3,
                "seconds, a whole number from 1 to 86400",
            ),
            (
                "[limits]\nlogin_failures_per_account = { burst = 1 }",
                2,
                "missing field `per_minute`",
            ),
            ("[tls]\ntls12 = \"yes\"", 2, "expected a boolean"),
            (
                "database = \"mysql://x\"",
                1,
                "the database is `sqlite` or a URL like `postgres://",
            ),
            (
                "host = \"https://chat.example\"",
                1,
                "a host is a DNS name or an IP address",
            ),
            (
                "[web]\norigins = [\"https://chat.example/\"]",
                2,
                "an origin is https:// or http:// and a host",
            ),
            ("[log\nlevel = 1", 1, "expected `]`"),
            ("\nlisten", 2, "expected `=`"),
        ] {
            let error = load(file, &[]).unwrap_err();
            assert!(
                error.starts_with(&format!("DATA/kith.toml, line {line}: ")),
                "{file}: {error}"
            );
            assert!(error.contains(allowed), "{file}: {error}");
        }
    }

    #[test]
    fn variables_are_typed_by_the_key_they_set() {
        let config = load(
            "[limits]\nregistrations_per_address = { burst = 3, per_minute = 4 }\n",
            &[
                ("KITH_HOST", "1234"),
                ("KITH_DATABASE", "postgres://db/kith"),
                ("KITH_TLS__TLS12", "true"),
                ("KITH_LOG__LEVEL", "debug"),
                ("KITH_WEB__ORIGINS", "[\"https://chat.example:443\"]"),
                (
                    "KITH_LIMITS__MESSAGES_PER_SESSION",
                    "{ burst = 1, per_minute = 2 }",
                ),
                ("KITH_LIMITS__REGISTRATIONS_PER_ADDRESS__BURST", "9"),
                ("PATH", "/bin"),
                ("KITH_HOME", "/home/kith"),
                ("KITH_TEST_ANYTHING", "1"),
            ],
        )
        .unwrap();
        assert_eq!(config.host.map(|host| host.to_string()).as_deref(), Some("1234"));
        assert_eq!(
            config.database,
            Database::Postgres("postgres://db/kith".to_owned())
        );
        assert!(config.tls.tls12);
        assert_eq!(config.log.level, LogLevel::Debug);
        assert_eq!(config.web.origins, ["https://chat.example".parse().unwrap()]);
        assert_eq!(config.limits.messages_per_session.per_minute.get(), 2);
        let registrations = config.limits.registrations_per_address;
        assert_eq!(
            (registrations.burst.get(), registrations.per_minute.get()),
            (9, 4)
        );
    }

    #[test]
    fn a_wrong_variable_is_named_with_what_is_allowed() {
        for (name, value, allowed) in [
            (
                "KITH_LISTN",
                "x",
                "unknown field `listn`, expected one of `listen`",
            ),
            ("KITH_LIMITS__NOPE", "1", "unknown field `nope`"),
            ("KITH_LIMITS__IN_FLIGHT", "many", "a whole number from 1 to 65536"),
            ("KITH_LIMITS__IN_FLIGHT", "0", "a whole number from 1 to 65536"),
            (
                "KITH_REGISTRATION",
                "maybe",
                "expected one of `open`, `invite`, `closed`",
            ),
        ] {
            let error = load("", &[(name, value)]).unwrap_err();
            assert!(
                error.starts_with(&format!("environment variable {name}: ")),
                "{error}"
            );
            assert!(error.contains(allowed), "{name}={value}: {error}");
        }
    }

    #[test]
    fn half_of_a_certificate_and_a_missing_file_are_explained() {
        let error = load("[tls]\ncertificate = \"mine.pem\"", &[]).unwrap_err();
        assert!(error.contains("`certificate` without a `key`"), "{error}");
        let missing = Config::load(&DataDir::new("/nonexistent/kith"), [], &Flags::default()).unwrap_err();
        assert!(
            missing
                .to_string()
                .ends_with("kith-server setup --data /nonexistent/kith"),
            "{missing}"
        );
    }
}
