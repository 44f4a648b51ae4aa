use std::path::PathBuf;

use jiff::Timestamp;

use super::{HostName, PairError};
use crate::files::FileError;
use crate::random::RandomError;

/// Why there are no certificates. Each one is a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum CertsError {
    /// A file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A certificate and a key are no pair.
    #[error("{} with {}: {reason}", .certificate.display(), .key.display())]
    Pair {
        /// The chain file.
        certificate: PathBuf,
        /// The key file.
        key: PathBuf,
        /// What is wrong.
        reason: PairError,
    },
    /// The CA's files are damaged.
    #[error("{}: {reason}; put ca.pem and ca-key.pem back from a backup", .directory.display())]
    Authority {
        /// Where they lie.
        directory: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// The server's certificate is another CA's.
    #[error(
        "{} was not signed by {}; `setup --renew` makes a new one from that CA",
        .certificate.display(), .authority.display()
    )]
    Foreign {
        /// The server's certificate.
        certificate: PathBuf,
        /// The CA's.
        authority: PathBuf,
    },
    /// A part of the CA is gone.
    #[error(
        "{} is missing, so no certificate can be made: put it back from a backup. (Or move the whole directory away \
         and set up again: that makes a new CA, and everyone must accept its new pin.)",
        .0.display()
    )]
    NoAuthority(PathBuf),
    /// A name that the CA may not sign for.
    #[error(
        "the CA in {} may not sign for {name}: it was made for other names. Move that directory away and set up \
         again with all your --host names: that makes a new CA, and everyone must accept its new pin",
        .directory.display()
    )]
    NotPermitted {
        /// The name.
        name: HostName,
        /// Where the CA lies.
        directory: PathBuf,
    },
    /// The CA's own time is over.
    #[error(
        "the CA in {} ended on {ended}. Move that directory away and set up again: that makes a new CA, and \
         everyone must accept its new pin",
        .directory.display()
    )]
    AuthorityExpired {
        /// Where the CA lies.
        directory: PathBuf,
        /// When it ended.
        ended: Timestamp,
    },
    /// The library can't make the certificate.
    #[error("the certificate can't be made: {0}")]
    Library(#[from] rcgen::Error),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}
