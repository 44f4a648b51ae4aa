//! Certificates: setup's own authority (CA), the server's certificate from it, and someone's own pair of files.
//!
//! Clients pin the authority's key, so the server's certificate can be renewed, with a new key each time, and nobody
//! notices. The authority may only sign for the names it was made for ([`Constraints`]); its key is never overwritten.

mod authority;
mod constraints;
mod error;
mod facts;
mod names;
mod pair;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use kith_common::Pin;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::files::{self, Access, FileError};
use crate::random::Random;
use authority::{Authority, parse_key};
use names::deduplicate;

pub use constraints::Constraints;
pub use error::CertsError;
pub use facts::{Facts, FactsError};
pub use names::{HostName, HostNameError, Machine};
pub use pair::{Pair, PairError};

/// The directory of setup's own certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertDirectory(PathBuf);

/// What a certificate is made with.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Names that the operator asked for; the first one names the CA.
    pub hosts: &'a [HostName],
    /// Names that this machine has anyway.
    pub machine: &'a Machine,
    /// The time.
    pub now: Timestamp,
    /// For serial numbers. (Keys are drawn inside the cryptographic library.)
    pub random: &'a dyn Random,
}

/// What there is after [`prepare`] or [`renew`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The authority.
    pub authority: Step,
    /// The server's certificate.
    pub server: Step,
    /// What clients pin.
    pub pin: Option<Pin>,
    /// The names in the server's certificate.
    pub names: Vec<HostName>,
    /// When the server's certificate ends.
    pub expires: Timestamp,
    /// Names that were asked for and that the kept certificate doesn't have.
    pub unnamed: Vec<HostName>,
}

/// Whether something was made or found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is new.
    Made,
    /// It was there and is untouched.
    Kept,
}

impl CertDirectory {
    /// The directory at this path, which need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The CA's certificate.
    pub fn authority(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    /// The CA's private key.
    pub fn authority_key(&self) -> PathBuf {
        self.0.join("ca-key.pem")
    }

    /// The chain that the server presents: its certificate, then the CA's.
    pub fn server(&self) -> PathBuf {
        self.0.join("server.pem")
    }

    /// The server's private key.
    pub fn server_key(&self) -> PathBuf {
        self.0.join("server-key.pem")
    }

    /// Reads the server's chain and key.
    ///
    /// # Errors
    /// If one is missing or they don't belong together.
    pub fn server_pair(&self) -> Result<Pair, CertsError> {
        Pair::read(&self.server(), &self.server_key())
    }
}

/// Makes what is missing of CA and server certificate; what is there stays as it is.
///
/// # Errors
/// If what is there is damaged, or can't be completed without a key that is gone.
pub fn prepare(directory: &CertDirectory, request: &Request<'_>) -> Result<Prepared, CertsError> {
    files::create_private_directory(directory.path())?;
    let _lock = lock(directory)?;
    let there = |path: PathBuf| path.exists();
    let (server, server_key) = (there(directory.server()), there(directory.server_key()));

    let (authority, step) = match (there(directory.authority()), there(directory.authority_key())) {
        (true, true) => (Some(load_authority(directory)?), Step::Kept),
        // An earlier run ended in between. The key is what clients pin, so it goes on.
        (false, true) => (Some(make_authority(directory, request)?), Step::Made),
        (false, false) if !server && !server_key => {
            let key = KeyPair::generate()?;
            files::write_new(
                &directory.authority_key(),
                key.serialize_pem().as_bytes(),
                Access::Owner,
            )?;
            (Some(make_authority(directory, request)?), Step::Made)
        }
        // Someone keeps the CA's key elsewhere, which is wise. All works but renewing.
        _ if server && server_key => (None, Step::Kept),
        (true, false) => return Err(CertsError::NoAuthority(directory.authority_key())),
        (false, false) => return Err(CertsError::NoAuthority(directory.authority())),
    };

    let server = match authority {
        Some(authority) if !(server && server_key) => {
            let names = request.machine.names(request.hosts);
            let names = permitted(directory, &authority.facts, names, request.hosts)?;
            let key = if server_key {
                let path = directory.server_key();
                parse_key(&files::read(&path)?).ok_or(CertsError::Pair {
                    certificate: directory.server(),
                    key: path,
                    reason: PairError::Key,
                })?
            } else {
                let key = KeyPair::generate()?;
                files::write_new(
                    &directory.server_key(),
                    key.serialize_pem().as_bytes(),
                    Access::Owner,
                )?;
                key
            };
            let chain = issue(directory, &authority, &key, &names, request)?;
            files::replace(&directory.server(), chain.as_bytes(), Access::Everyone)?;
            Step::Made
        }
        _ => Step::Kept,
    };
    summary(directory, step, server, request)
}

/// Makes a new key and certificate for the server, from the CA that is there: for the names of the old one, the names
/// of this machine, and those asked for. Clients that pinned the CA go on working.
///
/// # Errors
/// If there is no CA to sign, or it may not sign for a name that was asked for.
pub fn renew(directory: &CertDirectory, request: &Request<'_>) -> Result<Prepared, CertsError> {
    let _lock = lock(directory)?;
    let authority = load_authority(directory)?;
    // A damaged old certificate is a reason to renew, not to fail.
    let old = CertificateDer::from_pem_file(directory.server())
        .ok()
        .and_then(|leaf| Facts::of(&leaf).ok());
    let old = old.map(|facts| facts.names).unwrap_or_default();
    let names = [request.hosts, &old, &request.machine.names(&[])].concat();
    let names = permitted(directory, &authority.facts, deduplicate(names), request.hosts)?;
    let key = KeyPair::generate()?;
    let chain = issue(directory, &authority, &key, &names, request)?;
    // A crash between these two lines leaves a pair that doesn't match; the next start renews again.
    files::replace(
        &directory.server_key(),
        key.serialize_pem().as_bytes(),
        Access::Owner,
    )?;
    files::replace(&directory.server(), chain.as_bytes(), Access::Everyone)?;
    summary(directory, Step::Kept, Step::Made, request)
}

fn summary(
    directory: &CertDirectory,
    authority: Step,
    server: Step,
    request: &Request<'_>,
) -> Result<Prepared, CertsError> {
    let pair = directory.server_pair()?;
    if let Ok(own) = CertificateDer::from_pem_file(directory.authority())
        && Facts::of(&own).is_ok_and(|facts| pair.pin() != Some(facts.pin))
    {
        return Err(CertsError::Foreign {
            certificate: directory.server(),
            authority: directory.authority(),
        });
    }
    let pin = pair.pin();
    let names = pair.leaf.names;
    Ok(Prepared {
        authority,
        server,
        pin,
        unnamed: request
            .hosts
            .iter()
            .filter(|host| !names.contains(host))
            .cloned()
            .collect(),
        names,
        expires: pair.leaf.not_after,
    })
}

fn load_authority(directory: &CertDirectory) -> Result<Authority, CertsError> {
    let read = |path: PathBuf| {
        files::read(&path).map_err(|error| match error {
            FileError::Missing(path) => CertsError::NoAuthority(path),
            error => CertsError::File(error),
        })
    };
    Authority::parse(&read(directory.authority())?, &read(directory.authority_key())?).map_err(|reason| {
        CertsError::Authority {
            directory: directory.path().to_owned(),
            reason,
        }
    })
}

/// Makes the CA's certificate for the key that lies there.
fn make_authority(directory: &CertDirectory, request: &Request<'_>) -> Result<Authority, CertsError> {
    let key = parse_key(&files::read(&directory.authority_key())?).ok_or_else(|| CertsError::Authority {
        directory: directory.path().to_owned(),
        reason: "the CA's key is damaged",
    })?;
    let names = request.machine.names(request.hosts);
    let (authority, pem) = Authority::create(key, &names, request.now, request.random)?;
    files::write_new(&directory.authority(), pem.as_bytes(), Access::Everyone)?;
    Ok(authority)
}

fn issue(
    directory: &CertDirectory,
    authority: &Authority,
    key: &KeyPair,
    names: &[HostName],
    request: &Request<'_>,
) -> Result<String, CertsError> {
    if authority.facts.not_after <= request.now {
        return Err(CertsError::AuthorityExpired {
            directory: directory.path().to_owned(),
            ended: authority.facts.not_after,
        });
    }
    authority.issue(key, names, request.now, request.random)
}

/// The names that the CA may sign for. One that was asked for must be among them; an address that the machine got
/// since, or a new name of it, is left out in silence.
fn permitted(
    directory: &CertDirectory,
    authority: &Facts,
    names: Vec<HostName>,
    asked: &[HostName],
) -> Result<Vec<HostName>, CertsError> {
    if let Some(name) = asked.iter().find(|name| !authority.constraints.permit(name)) {
        return Err(CertsError::NotPermitted {
            name: name.clone(),
            directory: directory.path().to_owned(),
        });
    }
    Ok(names
        .into_iter()
        .filter(|name| authority.constraints.permit(name))
        .collect())
}

/// Keeps a `setup --renew` and a running server from mixing their files; the lock ends with the returned handle.
fn lock(directory: &CertDirectory) -> Result<File, CertsError> {
    let lock = || -> io::Result<File> {
        let file = File::open(directory.path())?;
        file.lock()?;
        Ok(file)
    };
    lock().map_err(|reason| {
        CertsError::File(match reason.kind() {
            io::ErrorKind::NotFound => FileError::Missing(directory.path().to_owned()),
            _ => FileError::Refused {
                verb: "locked",
                path: directory.path().to_owned(),
                reason,
            },
        })
    })
}

#[cfg(test)]
mod tests;
