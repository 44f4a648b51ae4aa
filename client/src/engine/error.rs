use crate::Error;
use crate::local_store::StoreError;

/// Why an engine can't do what it is asked. Each says it to a person in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The local copy fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The server won't, or can't be asked.
    #[error(transparent)]
    Network(#[from] Error),
    /// This needs the server, and there is no connection.
    #[error("there is no connection with the server")]
    Offline,
    /// The copy holds no such conversation.
    #[error("no such conversation is known here")]
    UnknownConversation,
    /// The text is empty.
    #[error("the message is empty")]
    Empty,
    /// It is longer than a server takes.
    #[error("this is too large: {size} bytes, and at most {limit} can be sent")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The most that a server takes.
        limit: usize,
    },
    /// A file of this device can't be used.
    #[error("{0}")]
    File(String),
    /// The new session is another account's.
    #[error("this is another account's session")]
    OtherAccount,
    /// The item of the outbox is gone, or isn't one that this can be done with.
    #[error("it isn't in the outbox any more, or is just being sent")]
    NotPending,
    /// The session has ended.
    #[error("the session has ended: log in again")]
    SessionEnded,
    /// The engine has ended.
    #[error("the engine was closed")]
    Closed,
}
