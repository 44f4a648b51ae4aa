//! The Kith protocol as types: requests, replies, events, ids, limits, error codes and the frame codec.
//!
//! This crate is pure: no I/O, no clock, no randomness, no runtime. It builds for `wasm32-unknown-unknown`, so
//! that the server, the native client and the browser client share one definition of every message.
//! The prose specification is `docs/PROTOCOL.md`.

mod base64_bytes;
mod error;
mod event;
mod file;
mod frame;
mod ids;
pub mod limits;
mod link;
mod pin;
mod reply;
mod request;

pub use base64_bytes::Base64Bytes;
pub use error::{ErrorCode, WireError};
pub use event::{EventKind, LogEvent, Notice};
pub use file::{
    FileBody, FileDetails, FileHash, FileHashError, MediaType, MediaTypeError, Thumbhash, ThumbhashError,
};
pub use frame::{FrameDecoder, FrameError, Framing};
pub use ids::{ClientId, ClientIdError, DeviceId, FileName, FileNameError, Username, UsernameError};
pub use link::{InviteLink, InviteLinkError};
pub use pin::{Pin, PinError};
pub use reply::{
    ContactsReply, DownloadReply, FileGetReply, HelloReply, Incoming, Limits, LogPage, LoginReply, Mark,
    MarkReply, PersonPresence, PresenceReply, ProfileInfo, ProfileReply, SentReply, SessionInfo,
    SessionsReply, SyncReply, UploadReply, encode_error, encode_ok,
};
pub use request::{
    ContactAction, ContactsRequest, DeleteRequest, DownloadRequest, EditRequest, FileGetRequest, FileRequest,
    HelloRequest, HistoryRequest, LoginRequest, MarkRequest, MessageRequest, Parsed, PasswordRequest,
    Presence, PresenceRequest, ProfileAction, ProfileRequest, ReactRequest, RegisterRequest, Request,
    RequestId, ResumeRequest, SessionAction, SessionsRequest, SyncRequest, TypingRequest, UploadRequest,
};

/// The name of this protocol: the ALPN identifier, and the version that `hello` speaks of.
pub const PROTOCOL: &str = "kith/1";

/// The TCP port a server listens on unless it is told otherwise.
pub const DEFAULT_PORT: u16 = 7443;
