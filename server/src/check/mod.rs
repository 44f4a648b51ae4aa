//! `kith-server check`: looks at everything a server needs and says, a line each, what to do about what is wrong.

use std::ffi::OsString;
use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::net::TcpListener;
use std::path::Path;

use jiff::Timestamp;

use crate::certs::{Facts, HostName};
use crate::config::{Config, ConfigError, DataDir, Database, Flags};
use crate::files;
use crate::http::WebApp;
use crate::secrets::Peppers;
use crate::tls::Source;

/// One line of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How good or bad it is.
    pub verdict: Verdict,
    /// What was looked at and what was seen.
    pub what: String,
    /// What to do, unless all is well.
    pub advice: Option<String>,
}

/// How good or bad a [`Finding`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing to do.
    Ok,
    /// The server runs, but someone should act.
    Warn,
    /// The server can't run, or can't serve its users.
    Fail,
}

/// Free space below which a server is soon unable to store messages.
const LITTLE_SPACE: u64 = 1024 * 1024 * 1024;

/// Free space below which it is about to be.
const NO_SPACE: u64 = 100 * 1024 * 1024;

/// Looks at configuration, certificate, keys, pepper, database, web app, disk and port. `deeper` looks into the database, where
/// there is one to look into.
pub fn check(
    data: &DataDir,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    flags: &Flags,
    now: Timestamp,
    deeper: impl FnOnce(&Config) -> Vec<Finding>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    match Config::load(data, environment, flags) {
        Ok(config) => {
            findings.push(Finding::ok(format!(
                "configuration {}",
                data.config_file().display()
            )));
            findings.extend(certificate(&Source::of(&config, data), &config, now));
            findings.extend(pepper(&data.pepper()));
            let file = database(&config, data);
            let usable = file.verdict == Verdict::Ok;
            findings.push(file);
            if usable {
                findings.extend(deeper(&config));
            }
            findings.extend(web_app(&config, data));
            findings.push(disk(data.path()));
            findings.push(port(&config));
        }
        Err(error @ ConfigError::Missing { .. }) => {
            findings.push(Finding::fail(
                format!("configuration: {error}"),
                "run that command",
            ));
        }
        Err(error) => {
            findings.push(Finding::fail(
                format!("configuration: {error}"),
                "correct it and check again",
            ));
            findings.extend(pepper(&data.pepper()));
            findings.push(disk(data.path()));
        }
    }
    findings
}

impl Finding {
    /// All is well.
    pub fn ok(what: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Ok,
            what: what.into(),
            advice: None,
        }
    }

    /// Someone should act.
    pub fn warn(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warn,
            what: what.into(),
            advice: Some(advice.into()),
        }
    }

    /// The server can't do its work.
    pub fn fail(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Fail,
            ..Self::warn(what, advice)
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        };
        write!(f, "{word}  {}", self.what)?;
        self.advice.iter().try_for_each(|advice| write!(f, " — {advice}"))
    }
}

fn certificate(source: &Source, config: &Config, now: Timestamp) -> Vec<Finding> {
    let (file, key) = source.files();
    let own = matches!(source, Source::Own { .. });
    let renew = if own {
        "renew it with: kith-server setup --renew (the running server does so by itself)"
    } else {
        "renew it where you got it"
    };
    let mut findings = Vec::new();
    match source.read() {
        Ok(pair) => {
            findings.push(validity(&pair.leaf, &file, own, renew, now));
            findings.extend(unnamed(config, &pair.leaf.names));
            findings.extend(
                pair.root
                    .filter(|_| own)
                    .and_then(|root| authority_ends(&root, now)),
            );
        }
        Err(error) => {
            let advice = if own {
                "run kith-server setup, or setup --renew"
            } else {
                "see [tls] in kith.toml"
            };
            findings.push(Finding::fail(format!("certificate: {error}"), advice));
        }
    }
    let mut keys = vec![key];
    if let Source::Own { directory, .. } = source {
        if directory.authority_key().exists() {
            keys.push(directory.authority_key());
        } else {
            findings.push(Finding::warn(
                format!("CA key {} is not here", directory.authority_key().display()),
                "without it the certificate can't be renewed: bring it back before the certificate ends",
            ));
        }
    }
    let usable = keys.iter().filter(|key| key.exists());
    findings.extend(usable.map(|key| {
        exposed("key", key).unwrap_or_else(|| Finding::ok(format!("key {}, closed to others", key.display())))
    }));
    findings
}

fn validity(leaf: &Facts, file: &Path, own: bool, renew: &str, now: Timestamp) -> Finding {
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let what = format!(
        "certificate {}, valid until {}",
        file.display(),
        day(leaf.not_after)
    );
    let days_left = (leaf.not_after.as_second() - now.as_second()) / (24 * 60 * 60);
    if now < leaf.not_before {
        let begins = day(leaf.not_before);
        Finding::fail(
            format!("{what}, begins only on {begins}"),
            "set this machine's clock, or wait",
        )
    } else if now >= leaf.not_after {
        Finding::fail(format!("{what}: it has ended"), renew)
    } else if leaf.is_renewal_due(now) && (own || days_left < 7) {
        Finding::warn(format!("{what}: {days_left} days left"), renew)
    } else {
        Finding::ok(what)
    }
}

fn web_app(config: &Config, data: &DataDir) -> Option<Finding> {
    let directory = data.web_app(&config.web)?;
    Some(match WebApp::open(Some(&directory)) {
        Ok(_) => Finding::ok(format!("web app in {}", directory.display())),
        Err(error) => Finding::fail(error.to_string(), "see `directory` under [web] in kith.toml"),
    })
}

/// A new CA is a new pin for everyone, so its end wants to be known a year before.
fn authority_ends(root: &Facts, now: Timestamp) -> Option<Finding> {
    let days_left = (root.not_after.as_second() - now.as_second()) / (24 * 60 * 60);
    (days_left < 365).then(|| {
        Finding::warn(
            format!(
                "the CA ends in {} days, and with it every certificate",
                days_left.max(0)
            ),
            "plan a day to move its directory away, run kith-server setup, and give everyone the new link",
        )
    })
}

/// The name in the invite links must be one that clients find in the certificate.
fn unnamed(config: &Config, names: &[HostName]) -> Option<Finding> {
    let link = config.host.as_ref()?;
    let host: HostName = link.host.parse().ok()?;
    let wildcard = match &host {
        HostName::Dns(name) => name
            .split_once('.')
            .map(|(_, domain)| HostName::Dns(format!("*.{domain}"))),
        HostName::Ip(_) => None,
    };
    let named = names.contains(&host) || wildcard.is_some_and(|wildcard| names.contains(&wildcard));
    (!named).then(|| {
        Finding::warn(
            format!("the certificate doesn't name {host}, which invite links carry"),
            format!("kith-server setup --renew --host {host}, or change `host` in kith.toml"),
        )
    })
}

fn pepper(path: &Path) -> Vec<Finding> {
    match Peppers::load(path) {
        Ok(_) => {
            let mut findings = vec![Finding::ok(format!("pepper {}", path.display()))];
            findings.extend(exposed("pepper", path));
            findings
        }
        Err(error) => {
            let advice = "put it back from a backup; kith-server setup makes one for a new server";
            vec![Finding::fail(format!("pepper: {error}"), advice)]
        }
    }
}

/// A secret that others than the server's user can read or change.
fn exposed(what: &str, path: &Path) -> Option<Finding> {
    let mode = files::exposed_mode(path).ok()??;
    Some(Finding::warn(
        format!("{what} {} is open to others (mode {mode:o})", path.display()),
        format!("chmod 600 {}", path.display()),
    ))
}

fn database(config: &Config, data: &DataDir) -> Finding {
    let path = match &config.database {
        Database::Sqlite => data.database(),
        postgres @ Database::Postgres(_) => {
            return Finding::ok(format!("database {postgres:?} is configured"));
        }
    };
    let what = format!("database {}", path.display());
    match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(_) => Finding::ok(what),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Finding::warn(format!("{what} is not there"), "kith-server setup makes it")
        }
        Err(error) => Finding::fail(
            format!("{what} can't be read and written: {error}"),
            "give it to the user that the server runs as",
        ),
    }
}

fn disk(path: &Path) -> Finding {
    match rustix::fs::statvfs(path) {
        Ok(disk) => space(path, disk.f_bavail.saturating_mul(disk.f_frsize)),
        Err(error) => Finding::fail(
            format!("disk of {}: {error}", path.display()),
            "see that the directory exists",
        ),
    }
}

fn space(path: &Path, free: u64) -> Finding {
    let what = format!("disk of {}: {} MiB free", path.display(), free / (1024 * 1024));
    let advice = "make room, or move the data directory to a larger disk";
    match free {
        0..NO_SPACE => Finding::fail(what, advice),
        NO_SPACE..LITTLE_SPACE => Finding::warn(what, advice),
        _ => Finding::ok(what),
    }
}

fn port(config: &Config) -> Finding {
    let address = config.listen;
    match TcpListener::bind(address) {
        Ok(_) => Finding::ok(format!("port: {address} is free")),
        Err(error) => match error.kind() {
            io::ErrorKind::AddrInUse => Finding::warn(
                format!("port: {address} is in use, by this server if it is running"),
                format!("see by whom with: ss -ltnp 'sport = :{}'", address.port()),
            ),
            io::ErrorKind::PermissionDenied => Finding::fail(
                format!("port: {address} is not allowed to this user"),
                "take one above 1023, or grant the program CAP_NET_BIND_SERVICE",
            ),
            io::ErrorKind::AddrNotAvailable => Finding::fail(
                format!("port: this machine has no address {}", address.ip()),
                "set `listen` in kith.toml to one that it has, or to [::]:7443 for all",
            ),
            _ => Finding::fail(
                format!("port: {address}: {error}"),
                "set another `listen` in kith.toml",
            ),
        },
    }
}

#[cfg(test)]
mod tests;
