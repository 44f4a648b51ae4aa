use kith_common::Framing;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::websocket::Violation;

/// What carries a session.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send {
    /// How many bytes were sent that the other end has not acknowledged yet, where the system can tell.
    fn unacknowledged(&self) -> Option<usize>;

    /// From now on it is used in the runtime that this is called in.
    fn move_here(&mut self) {}

    /// What kind of thing it is.
    fn carrier(&self) -> Carrier {
        Carrier::Stream
    }

    /// Notes why the session ends, to be said when the connection is shut down, where it has a way to say it.
    fn say_why(&mut self, _: End) {}
}

/// Kinds of what carries a session. They differ in little.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// A stream of bytes, on which JSON objects stand one after the other.
    Stream,
    /// Messages, of which each is one JSON object.
    WebSocket,
}

impl Carrier {
    /// How frames are told apart before `hello`.
    pub(super) fn framing(self) -> Framing {
        match self {
            Self::Stream => Framing::Objects,
            Self::WebSocket => Framing::Lines,
        }
    }
}

/// Why a connection ended, for the log and the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client ended it.
    Closed,
    /// The network did.
    Lost,
    /// A frame was too long.
    TooLong,
    /// A frame didn't come in time.
    TooSlow,
    /// Nobody logged in in time.
    NoLogin,
    /// A guest sent too many frames without sense.
    Nonsense,
    /// A message of a WebSocket was not UTF-8.
    NotUtf8,
    /// A message of a WebSocket was binary.
    Binary,
    /// What came over a WebSocket was something else, for this reason.
    NotWebSocket(&'static str),
    /// The server stops.
    Shutdown,
}

impl End {
    pub(super) fn of(error: &std::io::Error) -> Self {
        let violation = error.get_ref().and_then(|inner| inner.downcast_ref());
        match violation {
            Some(Violation::Binary) => return Self::Binary,
            Some(Violation::Protocol(what)) => return Self::NotWebSocket(what),
            None => {}
        }
        match error.kind() {
            // Closed without TLS's own goodbye, as many programs do.
            std::io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Lost,
        }
    }

    /// Whether the client is sent away for what it did.
    pub(super) fn is_refusal(self) -> bool {
        match self {
            Self::Closed | Self::Lost | Self::Shutdown => false,
            Self::TooLong
            | Self::TooSlow
            | Self::NoLogin
            | Self::Nonsense
            | Self::NotUtf8
            | Self::Binary
            | Self::NotWebSocket(_) => true,
        }
    }

    /// A few words for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed by the client",
            Self::Lost => "connection lost",
            Self::TooLong => "the message is too long",
            Self::TooSlow => "the message came too slowly",
            Self::NoLogin => "nobody logged in in time",
            Self::Nonsense => "too many messages that make no sense",
            Self::NotUtf8 => "the message is not valid UTF-8",
            Self::Binary => "binary messages aren't understood here",
            Self::NotWebSocket(what) => what,
            Self::Shutdown => "the server stops",
        }
    }
}
