//! `hello`: what is spoken here, and what the server can do.

use kith_common::{ErrorCode, HelloReply, HelloRequest, Limits, PROTOCOL, WireError};

use crate::session::Session;

/// Actions beyond the seed's.
const CAPABILITIES: [&str; 16] = [
    "sync",
    "sessions",
    "password",
    "file_get",
    "client_id",
    "history",
    "edit",
    "delete",
    "react",
    "reply_to",
    "mark",
    "profile",
    "typing",
    "presence",
    "upload",
    "download",
];

/// # Errors
/// The client wants another protocol, or has logged in without a greeting.
pub fn handle(session: &Session, request: &HelloRequest) -> Result<HelloReply, WireError> {
    if request
        .version
        .as_deref()
        .is_some_and(|version| version != PROTOCOL)
    {
        let message = format!("this server speaks {PROTOCOL}");
        return Err(WireError::field(ErrorCode::BadRequest, "version", message));
    }
    // Its session is that of the device that all clients of the seed's protocol share.
    if session.login.is_some() && !session.link.is_native() {
        return Err(WireError::new(
            ErrorCode::Conflict,
            "say hello before you log in; log out first",
        ));
    }
    let pins = if session.login.is_some() {
        session.server.identity.pins()
    } else {
        Vec::new()
    };
    let files = &session.server.config.files;
    Ok(HelloReply {
        version: PROTOCOL.to_owned(),
        server: crate::PROGRAM.to_owned(),
        registration: session.server.config.registration.as_str().to_owned(),
        capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
        limits: Limits {
            file: files.largest_bytes,
            uploads: files.uploads_per_account,
            ..Limits::default()
        },
        pins,
    })
}
