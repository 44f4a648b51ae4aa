//! The bytes of files, which go over HTTP on the server's one port (docs/PROTOCOL.md, "Bytes over HTTP").

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(not(target_arch = "wasm32"))]
mod native;

use kith_common::{ErrorCode, WireError};
use serde::Deserialize;

#[cfg(target_arch = "wasm32")]
pub(crate) use browser::Line;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{Download, Line, Pieces};

use crate::Error;

/// The version of tus that is spoken, in `Tus-Resumable`.
const TUS: &str = "1.0.0";

/// Where a file's bytes go or are, and what lets one in there.
pub(crate) struct Way {
    /// A path on the server.
    pub(crate) url: String,
    /// What `Authorization: Bearer` says.
    pub(crate) ticket: String,
}

/// Why a request over HTTP came to nothing.
pub(crate) enum HttpError {
    /// The line broke or never came to be.
    Line(Error),
    /// The server won't.
    Refused {
        /// The status.
        status: u16,
        /// What it says.
        error: WireError,
    },
}

impl HttpError {
    /// What an answer says that isn't the one that was hoped for.
    fn of(status: u16, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Refusal {
            error: WireError,
        }
        // As a text, as all else is read: what reads bytes a browser would have to fetch beside it.
        let said = core::str::from_utf8(body)
            .ok()
            .and_then(|said| serde_json::from_str::<Refusal>(said).ok());
        let error = said.map(|refusal| refusal.error).unwrap_or_else(|| {
            let code = match status {
                404 | 410 => ErrorCode::NotFound,
                _ => ErrorCode::Internal,
            };
            WireError::new(code, format!("the server answers with status {status}"))
        });
        Self::Refused { status, error }
    }

    fn lost(reason: &(impl ToString + ?Sized)) -> Self {
        Self::Line(Error::Lost(reason.to_string()))
    }
}
