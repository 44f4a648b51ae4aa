//! The engine of Kith's clients, without a screen: the app, `kith-cli` and bots stand on it.
//!
//! Two layers, of which most programs want the first:
//!
//! - [`Engine`]: an account on this device. It keeps a copy of the conversations, opens at once and offline, sends what was
//!   written exactly once and in order whatever happens to the line, and tells what has changed.
//! - [`Guest`] and [`Session`]: one connection, one request at a time. For making an account, logging in, and for programs that
//!   keep nothing.
//!
//! # A bot
//!
//! An account that was logged in with `kith-cli` is opened with one call. `client/examples/echo_bot.rs` is a whole bot.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use kith_client::Store;
//!
//! let engine = Store::of_user()?.open(Some("alice"), None, "example/1.0").await?;
//! let mut changes = engine.changes();
//! engine.send(&"bob".parse()?, "hi".to_owned(), None).await?;
//! while let Some(batch) = changes.next().await {
//!     for conversation in engine.conversations().await? {
//!         println!("{:?}: {} unread", conversation.others, conversation.unread);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # An account of one's own keeping
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use kith_client::local_store::sqlite::{Owner, SqliteStore};
//! use kith_client::{Engine, Guest, Options, Target, Trust};
//!
//! // A link carries where the server is and which key it has.
//! let link: kith_common::InviteLink = std::env::args().nth(1).unwrap_or_default().parse()?;
//! let target = Target {
//!     server: (&link).into(),
//!     trust: link.pin.map_or(Trust::Public, |pin| Trust::Pins(vec![pin])),
//!     program: "example/1.0".to_owned(),
//! };
//! let guest = Guest::connect(target).await?;
//! let (session, _) = guest.login(&"alice".parse()?, "correct horse".to_owned(), None).await?;
//! // What has to be remembered for the next time: the token and the rest of these, as secrets.
//! let options = Options::of(&session);
//! session.close().await;
//! let owner = Owner {
//!     server: options.target.server.to_string(),
//!     account: options.me.account.clone(),
//! };
//! let engine = Engine::open(options, Arc::new(SqliteStore::open("alice", owner)?)).await?;
//! engine.online().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What an engine promises
//!
//! - **Nothing typed is lost.** When [`Engine::send`] returns, the message is on this device's disk. It is sent once, in order
//!   within its conversation, over restarts, broken lines and new logins. What the server won't have stays as
//!   [`Progress::Failed`] until it is tried again or discarded, and holds up nothing behind it.
//! - **What is shown is what the server has**, without gaps: a conversation is held from some number up to its newest event,
//!   and older pages are fetched when [`Engine::messages`] asks for them.
//! - **Two programs may open one account** on one machine: both work, on one copy and one outbox.
//! - **The clock doesn't matter**, but for the time that is shown of what isn't sent yet.
//!
//! A native program needs a tokio runtime for the library to run in; its public face names none of tokio's types.
//!
//! # In a browser
//!
//! For `wasm32-unknown-unknown` the same library speaks the same protocol over a WebSocket (`/ws`), and keeps its copy and outbox
//! in IndexedDB (`local_store::indexed_db`). The browser verifies the server, so that [`Trust`] is always [`Trust::Public`]
//! there. What a program needs on both is the same, with [`Accounts`] for what is logged in on the device:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use kith_client::{Accounts, Guest};
//!
//! let accounts = Accounts::open("example/1.0").await?;
//! let name = match accounts.list().await?.first() {
//!     Some(last) => last.name.clone(),
//!     None => {
//!         let target = accounts.target(&"chat.example.org".parse()?).await?;
//!         let guest = Guest::connect(target).await?;
//!         let (session, _) = guest.login(&"alice".parse()?, "correct horse".to_owned(), None).await?;
//!         session.close().await;
//!         accounts.add(&session).await?.name
//!     }
//! };
//! let engine = accounts.engine(&name).await?;
//! // …
//! engine.logout().await?;
//! accounts.forget(&name).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! `cli`, a default, is what `kith-cli` needs besides the engine. Who uses the library switches it off.

mod accounts;
mod backoff;
mod connection;
mod engine;
mod error;
mod http;
pub mod limits;
pub mod local_store;
mod logs;
mod network;
#[cfg(not(target_arch = "wasm32"))]
mod profile;
mod random;
mod runtime;
mod server_address;
mod session;
mod trust;

pub use accounts::{Accounts, AccountsError, KeptAccount, Of};
pub use backoff::Backoff;
pub use connection::{Connection, Push, Pushes};
#[cfg(not(target_arch = "wasm32"))]
pub use engine::FileBytes;
pub use engine::{
    Blank, Change, Changes, Clock, Contacts, Content, Conversation, Direction, Engine, EngineError, FileInfo,
    FileSource, Identity, Log, Message, Older, Options, Page, Pending, Progress, Status, To, Transfer,
    WeakEngine, Write,
};
pub use error::{Error, system_reason};
pub use logs::{Logs, Place};
#[cfg(not(target_arch = "wasm32"))]
pub use profile::{Account, Found, KnownServer, OpenError, Profile, ProfileError, Store, StoreClaim};
pub use server_address::ServerAddress;
pub use session::{Guest, Missed, Session, Target};
#[cfg(not(target_arch = "wasm32"))]
pub use trust::CaFileError;
pub use trust::{Trust, TrustError};
