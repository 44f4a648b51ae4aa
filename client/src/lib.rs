//! The engine of Kith's clients, without a screen: trust a server, connect, log in, resume, send, receive and sync.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use kith_client::{Guest, Push, Target, Trust};
//!
//! // A link carries where the server is and which key it has.
//! let link: kith_common::InviteLink = std::env::args().nth(1).unwrap_or_default().parse()?;
//! let guest = Guest::connect(Target {
//!     server: (&link).into(),
//!     trust: link.pin.map_or(Trust::Public, |pin| Trust::Pins(vec![pin])),
//!     program: "example/1.0".to_owned(),
//! })
//! .await?;
//! let (session, mut pushes) = guest.login(&"alice".parse()?, "correct horse".to_owned(), None).await?;
//! session.send(&"bob".parse()?, "hi".to_owned()).await?;
//! while let Push::Event(event) = pushes.next().await {
//!     println!("{}: {:?}", event.sender, event.body);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The library needs a tokio runtime to run in; its public face names none of tokio's types.

mod backoff;
mod connection;
mod engine;
mod error;
pub mod limits;
pub mod local_store;
mod logs;
mod profile;
mod random;
mod server_address;
mod session;
mod trust;

pub use backoff::Backoff;
pub use connection::{Connection, Push, Pushes};
pub use engine::{
    Change, Changes, Clock, Contacts, Content, Conversation, Engine, EngineError, Identity, Log, Message,
    Older, Options, Page, Pending, Progress, Status, To, Write,
};
pub use error::{Error, system_reason};
pub use logs::{Logs, Place};
pub use profile::{Account, Found, KnownServer, Profile, ProfileError, Store};
pub use server_address::ServerAddress;
pub use session::{Guest, Missed, Session, Target};
pub use trust::{CaFileError, Trust, TrustError};
