//! Which servers are trusted, and why one isn't.
//!
//! There is no way to connect without verifying: the certificates, the server's name, the dates and the proof that the
//! server holds its key are checked under every [`Trust`].

#[cfg(not(target_arch = "wasm32"))]
mod certificate;
#[cfg(not(target_arch = "wasm32"))]
mod crypto;
#[cfg(not(target_arch = "wasm32"))]
mod tls;
#[cfg(not(target_arch = "wasm32"))]
mod verifier;

use jiff::Timestamp;
use kith_common::{InviteLink, Pin};

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crypto::sha256;
#[cfg(not(target_arch = "wasm32"))]
pub use tls::CaFileError;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use tls::chain_pins;

/// What a server has to show to be trusted.
#[derive(Clone, Debug)]
pub enum Trust {
    /// A certificate from an authority that this machine trusts. The answer to any other is [`TrustError::Untrusted`]
    /// with the fingerprint to ask a person about.
    ///
    /// In a browser there is nothing else: it verifies by itself, says nothing of how it came out, and can't pin.
    Public,
    /// A certificate from one of these authorities; see `Trust::ca_file`.
    #[cfg(not(target_arch = "wasm32"))]
    Authorities(std::sync::Arc<rustls::RootCertStore>),
    /// A key that must occur in the verified chain: any one of these.
    ///
    /// The key of an authority is found only if the server presents that authority's certificate.
    #[cfg(not(target_arch = "wasm32"))]
    Pins(Vec<Pin>),
}

/// Why a server isn't trusted. Each says to a person what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// First contact: nothing vouches for this server. Everything else about it is in order.
    #[error("this server isn't known here yet; its key is {pin}")]
    Untrusted {
        /// The key of the topmost authority in the server's chain, or its own where there is none.
        pin: Pin,
    },
    /// The chain doesn't hold the pinned key, or isn't signed with it.
    #[error(
        "The server's key is not the one that was pinned! It shows {presented}. Somebody may be reading along, or the \
         server was set up anew: ask whoever runs it for a new link before you go on"
    )]
    WrongKey {
        /// The key that was shown instead.
        presented: Pin,
    },
    /// The certificates are right, but the server couldn't prove that it holds their key.
    #[error(
        "the server shows certificates whose key it doesn't hold: somebody may be posing as it; try another network, \
         and tell whoever runs the server"
    )]
    KeyNotHeld,
    /// A certificate's time is over.
    #[error(
        "the server's certificate expired on {not_after}: check this machine's clock, then ask whoever runs the server \
         to run `kith-server setup --renew`"
    )]
    Expired {
        /// When it ended.
        not_after: Timestamp,
    },
    /// A certificate's time has not begun.
    #[error("the server's certificate is valid only from {not_before} on: check this machine's clock")]
    NotYetValid {
        /// When it begins.
        not_before: Timestamp,
    },
    /// The certificate is for other names.
    #[error(
        "the server's certificate is not for {host} but for {names}: use one of these, or ask whoever runs the server \
         to run `kith-server setup --renew --host {host}`", names = list(names)
    )]
    WrongName {
        /// The name or address that was asked for.
        host: String,
        /// The names and addresses that the certificate is for.
        names: Vec<String>,
    },
    /// No authority of the given file has signed the chain.
    #[error(
        "the server's certificate is not from the given authority: check the file, or use the pin from its link"
    )]
    UnknownIssuer,
    /// Something else is wrong with a certificate.
    #[error("the server's certificate can't be used ({0}): tell whoever runs the server")]
    Invalid(String),
}

impl Trust {
    /// Trusts who holds one of these keys. Without any, and in a browser, this is [`Trust::Public`].
    pub fn pinned(pins: Vec<Pin>) -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        if !pins.is_empty() {
            return Self::Pins(pins);
        }
        drop(pins);
        Self::Public
    }

    /// Trusts who a link says.
    pub fn of_link(link: &InviteLink) -> Self {
        Self::pinned(link.pin.into_iter().collect())
    }

    /// The pinned keys.
    pub fn pins(&self) -> &[Pin] {
        match self {
            #[cfg(not(target_arch = "wasm32"))]
            Self::Pins(pins) => pins,
            _ => &[],
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        "no name at all".to_owned()
    } else {
        names.join(", ")
    }
}
