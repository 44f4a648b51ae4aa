use std::path::PathBuf;

/// Why a store can't do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another engine has changed the copy meanwhile. The engine decides again.
    #[error("another program has changed the local copy")]
    Changed,
    /// The copy can't be read any more. The engine rebuilds it.
    #[error("the local copy is damaged ({0})")]
    Damaged(String),
    /// The copy has to be made anew, and another program uses it.
    #[error("the local copy has to be made anew, and another program uses it: close that one first")]
    InUse,
    /// What lies there is another account's.
    #[error("{} holds what belongs to {found}, not to {wanted}", folder.display())]
    OtherOwner {
        /// Where it lies.
        folder: PathBuf,
        /// Whose it is.
        found: String,
        /// Who wants it.
        wanted: String,
    },
    /// What waits to be sent was written by a newer version of this program.
    #[error("{} is from a newer kith (version {version}); use that one", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: i64,
    },
    /// The device can't read or write.
    #[error("can't use the local copy: {0}")]
    Device(String),
    /// The device, or what a browser lets a page have of it, is full.
    #[error("there is no room left on this device: make some, then try again")]
    NoSpace,
    /// The browser keeps nothing for this page.
    #[error(
        "this browser keeps nothing for this page: allow it to store data, or leave its private window ({0})"
    )]
    Unavailable(String),
    /// Too much waits to be sent.
    #[error("too much waits to be sent: wait until there is a connection, or discard some of it")]
    Full,
    /// The store was closed.
    #[error("the local copy is closed")]
    Closed,
}
