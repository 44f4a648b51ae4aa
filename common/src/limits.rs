//! Every limit of the protocol, in one place. A server announces those a client must know in `hello`.

/// Longest frame accepted before a login, in bytes: enough for any password, too little to be worth an attack.
pub const FRAME_BEFORE_LOGIN: usize = 8 * 1024;

/// Largest file carried inside a JSON frame, in bytes before base64.
pub const INLINE_FILE: usize = 8 * 1024 * 1024;

/// Longest frame accepted after a login, in bytes: an inline file as base64 (4/3) and its fields.
pub const FRAME: usize = INLINE_FILE / 3 * 4 + 64 * 1024;

/// Deepest nesting of objects and arrays in a frame. The deepest message of the protocol needs three.
pub const NESTING: u32 = 16;

/// Longest text of one message, in bytes of UTF-8.
pub const MESSAGE_BYTES: usize = 64 * 1024;

/// Longest `client_id`, in bytes.
pub const CLIENT_ID_BYTES: usize = 128;

/// Longest request `id`, in bytes of JSON.
pub const REQUEST_ID_BYTES: usize = 128;

/// Shortest and longest user name, in characters (which are ASCII).
pub const USERNAME: core::ops::RangeInclusive<usize> = 3..=32;

/// Shortest and longest password, in Unicode characters after preparation (NIST SP 800-63B, section 5.1.1).
pub const PASSWORD: core::ops::RangeInclusive<usize> = 8..=1024;

/// Longest display name, in Unicode characters.
pub const DISPLAY_NAME_CHARS: usize = 64;

/// Longest name that a client gives its device, in Unicode characters.
pub const DEVICE_NAME_CHARS: usize = 64;

/// Longest file name, in bytes of UTF-8 (what every common file system can hold).
pub const FILE_NAME_BYTES: usize = 255;

/// Most events in one reply to `sync`, over all logs.
pub const SYNC_EVENTS: u32 = 500;

/// Bytes of bodies in one reply to `sync`, over all logs, after which it has no further events: so that no line of the
/// server is longer than [`FRAME`]. The event that passes the limit is still in the reply.
pub const SYNC_BYTES: usize = 2 * 1024 * 1024;

/// Most logs that a client may name in one `sync`.
pub const SYNC_LOGS: usize = 10_000;

/// Most changed marks, and most changed profiles, in one reply to `sync`.
pub const SYNC_CHANGES: u64 = 500;

/// Most numbers in one `delete`.
pub const DELETE_TARGETS: usize = 100;

/// Longest reaction, in bytes of UTF-8: room for the longest emoji sequences.
pub const REACTION_BYTES: usize = 64;

/// Longest `about` of a profile, in Unicode characters.
pub const ABOUT_CHARS: usize = 256;

/// Largest picture of a profile, in bytes before base64: 256 pixels squared are enough.
pub const AVATAR_BYTES: usize = 64 * 1024;

/// Longest `media_type`, in bytes: two names of 127 (RFC 6838, section 4.2).
pub const MEDIA_TYPE_BYTES: usize = 255;

/// Longest `thumbhash`, in bytes before base64.
pub const THUMBHASH_BYTES: usize = 64;

/// Longest `Upload-Metadata`, in bytes.
pub const UPLOAD_METADATA_BYTES: usize = 4 * 1024;

/// How long a ticket for transfers is good, in seconds. A transfer that has begun goes on.
pub const TICKET_SECONDS: u64 = 60 * 60;
