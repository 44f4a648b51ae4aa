//! `kith-server setup`: everything a server needs before its first start, made in one run and never overwritten.
//!
//! The database and the first invite come after this, from those who own them.

mod qr;

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use kith_common::Pin;

use crate::certs::{self, CertsError, HostName, HostNameError, Prepared, Request, Step};
use crate::config::{
    Config, ConfigError, DataDir, Database, Flags, LinkHost, Registration, SetupChoices, sample,
};
use crate::files::{self, Access, FileError};
use crate::secrets::{PepperError, Peppers};
use crate::tls::{Source, Surroundings};

pub use qr::{Paint, qr};

/// What the command line of `setup` says.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--data`
    pub data: DataDir,
    /// `--host`, any number of times; the first is what invite links carry.
    pub hosts: Vec<LinkHost>,
    /// `--registration`
    pub registration: Option<Registration>,
    /// `--certs`: where the certificates lie, if not in `DATA/certs`. Relative to the working directory.
    pub certs: Option<PathBuf>,
    /// `--renew`: a new server certificate, even if there is one.
    pub renew: bool,
}

/// What a run of [`set_up`] made and found.
#[derive(Clone, Debug)]
pub struct SetUp {
    /// The data directory.
    pub data: DataDir,
    /// The configuration that the server will run with.
    pub config: Config,
    /// `kith.toml`.
    pub config_file: Step,
    /// The pepper.
    pub pepper: Step,
    /// The server's certificate.
    pub certificate: Certificate,
    /// Host and port for invite links, the port being the configured one.
    pub link_address: (String, u16),
    /// What was asked for and not done, because something was there already; each a sentence with what to do.
    pub notes: Vec<String>,
}

/// The certificate that a set-up ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Setup's own.
    Own(Prepared),
    /// The one that `kith.toml` names.
    Given {
        /// What clients pin, if anything.
        pin: Option<Pin>,
        /// Its names.
        names: Vec<HostName>,
        /// When it ends.
        expires: Timestamp,
    },
}

/// Why a set-up can't be done. Each one is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A `--host` is none.
    #[error("--host: {0}")]
    Host(#[from] HostNameError),
    /// There is a configuration, and it is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The certificates can't be made.
    #[error(transparent)]
    Certs(#[from] CertsError),
    /// The pepper can't be made or read.
    #[error(transparent)]
    Pepper(#[from] PepperError),
    /// A file or directory can't be made.
    #[error(transparent)]
    File(#[from] FileError),
    /// There are accounts, and the secret of their passwords is gone.
    #[error(
        "{} is there, but {} is missing: without it nobody can log in. Put it back from a backup. (To begin \
         again without the old accounts, move the database away.)",
        .database.display(), .pepper.display()
    )]
    PepperLost {
        /// The database.
        database: PathBuf,
        /// Where the pepper should be.
        pepper: PathBuf,
    },
    /// `--renew` with a certificate that isn't ours.
    #[error(
        "kith.toml names your own certificate ({}): renew it where you got it; the server picks it up by itself",
        .0.display()
    )]
    NotOurs(PathBuf),
}

/// Makes what is missing in the data directory; what is there stays as it is, and the result says so.
///
/// # Errors
/// If something that is there is damaged or contradicts what was asked for. Running it again after mending completes it.
pub fn set_up(
    options: &Options,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    surroundings: &Surroundings,
) -> Result<SetUp, SetupError> {
    let data = &options.data;
    let hosts: Vec<HostName> = options
        .hosts
        .iter()
        .map(|link| link.host.parse())
        .collect::<Result<_, _>>()?;

    files::create_private_directory(data.path())?;
    let mut notes = Vec::new();
    let file = data.config_file();
    let (config, new_file) = if file.exists() {
        let config = Config::load(data, environment, &Flags::default())?;
        notes.extend(contradictions(options, &config));
        (config, None)
    } else {
        let text = sample(&SetupChoices {
            host: options.hosts.first().cloned(),
            registration: options.registration.unwrap_or_default(),
            certs: options
                .certs
                .as_deref()
                .map(|certs| relative(data.path(), certs))
                .transpose()?,
        });
        (
            Config::from_text(&text, &file, environment, &Flags::default())?,
            Some(text),
        )
    };

    let machine = (surroundings.machine)();
    let certificate = match Source::of(&config, data) {
        Source::Own { directory, host } => {
            // A second run without --host means the host of the first one.
            let hosts = if hosts.is_empty() {
                Vec::from_iter(host)
            } else {
                hosts
            };
            let request = Request {
                hosts: &hosts,
                machine: &machine,
                now: (surroundings.now)(),
                random: surroundings.random.as_ref(),
            };
            let renew = options.renew && directory.authority().exists();
            let prepared = if renew {
                certs::renew(&directory, &request)?
            } else {
                certs::prepare(&directory, &request)?
            };
            notes.extend(prepared.unnamed.iter().map(|host| {
                format!("the certificate that is there doesn't name {host}; add it with: setup --renew --host {host}")
            }));
            Certificate::Own(prepared)
        }
        Source::Given { certificate, .. } if options.renew => return Err(SetupError::NotOurs(certificate)),
        source @ Source::Given { .. } => {
            let pair = source.read()?;
            Certificate::Given {
                pin: pair.pin(),
                names: pair.leaf.names,
                expires: pair.leaf.not_after,
            }
        }
    };

    let pepper = prepare_pepper(data, &config, surroundings)?;
    // The last step, so that a run that failed can be tried again with other options.
    let config_file = match new_file {
        Some(text) => {
            files::write_new(&file, text.as_bytes(), Access::Owner)?;
            Step::Made
        }
        None => Step::Kept,
    };
    Ok(SetUp {
        link_address: config.link_address(config.listen.port(), || machine.link_name()),
        data: data.clone(),
        config,
        config_file,
        pepper,
        certificate,
        notes,
    })
}

impl Certificate {
    /// What clients pin, if anything.
    pub fn pin(&self) -> Option<Pin> {
        match self {
            Self::Own(prepared) => prepared.pin,
            Self::Given { pin, .. } => *pin,
        }
    }

    /// The names in the certificate.
    pub fn names(&self) -> &[HostName] {
        match self {
            Self::Own(prepared) => &prepared.names,
            Self::Given { names, .. } => names,
        }
    }

    /// When it ends.
    pub fn expires(&self) -> Timestamp {
        match self {
            Self::Own(prepared) => prepared.expires,
            Self::Given { expires, .. } => *expires,
        }
    }
}

impl fmt::Display for SetUp {
    /// What a person at the terminal wants to know, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |f: &mut fmt::Formatter<'_>, step: Step, what: &str, path: &Path| {
            let word = match step {
                Step::Made => "made",
                Step::Kept => "kept",
            };
            writeln!(f, "{word}  {what}: {}", path.display())
        };
        line(f, self.config_file, "configuration", &self.data.config_file())?;
        match (&self.certificate, Source::of(&self.config, &self.data)) {
            (Certificate::Own(prepared), Source::Own { directory, .. }) => {
                line(
                    f,
                    prepared.authority,
                    "certificate authority",
                    &directory.authority(),
                )?;
                line(f, prepared.server, "server certificate", &directory.server())?;
            }
            (_, source) => line(f, Step::Kept, "your own certificate", &source.files().0)?,
        }
        line(
            f,
            self.pepper,
            "password pepper (back it up)",
            &self.data.pepper(),
        )?;
        let names: Vec<String> = self.certificate.names().iter().map(HostName::to_string).collect();
        writeln!(f, "names {}", names.join(", "))?;
        let expires = self.certificate.expires();
        writeln!(f, "valid until {}", expires.strftime("%Y-%m-%d"))?;
        if let Some(pin) = self.certificate.pin() {
            writeln!(f, "fingerprint {pin}")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

fn prepare_pepper(data: &DataDir, config: &Config, surroundings: &Surroundings) -> Result<Step, SetupError> {
    let path = data.pepper();
    if path.exists() {
        Peppers::load(&path)?;
        return Ok(Step::Kept);
    }
    let database = data.database();
    // An empty file is what a database is before its first use.
    if config.database == Database::Sqlite && fs::metadata(&database).is_ok_and(|file| file.len() > 0) {
        return Err(SetupError::PepperLost {
            database,
            pepper: path,
        });
    }
    Peppers::create(&path, surroundings.random.as_ref())?;
    Ok(Step::Made)
}

/// What the options want and an existing `kith.toml` says otherwise.
fn contradictions(options: &Options, config: &Config) -> Vec<String> {
    let mut notes = Vec::new();
    let file = options.data.config_file();
    let mut note = |key: &str, asked: String| {
        notes.push(format!(
            "{} is kept as it is; for {asked}, change `{key}` there",
            file.display()
        ));
    };
    if let Some(host) = options.hosts.first()
        && config.host.as_ref() != Some(host)
    {
        note("host", format!("links to {host}"));
    }
    if let Some(registration) = options.registration
        && registration != config.registration
    {
        note("registration", format!("registration `{registration}`"));
    }
    if let Some(certs) = &options.certs {
        let asked = std::path::absolute(certs).ok();
        let configured = std::path::absolute(options.data.certs(&config.tls)).ok();
        if asked.as_deref().map(normal) != configured.as_deref().map(normal) {
            note("tls.directory", format!("certificates in {}", certs.display()));
        }
    }
    notes
}

/// The path as `kith.toml` should hold it: relative to the data directory if it lies in it or beside it, so that both
/// can be moved together; else absolute.
fn relative(data: &Path, path: &Path) -> Result<PathBuf, FileError> {
    let absolute = |path: &Path| {
        std::path::absolute(path)
            .map(|path| normal(&path))
            .map_err(|reason| FileError::Refused {
                verb: "found",
                path: path.to_owned(),
                reason,
            })
    };
    let (data, path) = (absolute(data)?, absolute(path)?);
    if let Ok(inside) = path.strip_prefix(&data) {
        return Ok(inside.to_owned());
    }
    // Directly below the root there is nothing to move together.
    let beside = data.parent().filter(|parent| parent.parent().is_some());
    Ok(match beside.and_then(|parent| path.strip_prefix(parent).ok()) {
        Some(beside) => Path::new("..").join(beside),
        None => path,
    })
}

/// The path without `.` and `..`, as far as that can be done without asking the file system.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            std::path::Component::ParentDir => {
                normal.pop();
            }
            std::path::Component::CurDir => {}
            component => normal.push(component),
        }
    }
    normal
}

#[cfg(test)]
mod tests;
