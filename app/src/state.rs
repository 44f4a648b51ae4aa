//! What the screens hold between two moments: signals that follow the engine.

mod account;
mod chat;
mod drafts;
mod files;
mod pictures;
mod toasts;

pub use account::{Account, Opened, Page, use_account};
pub use chat::{Above, Chat, Heights, Shared, Tick};
pub use files::FileState;
pub use toasts::{Toasts, use_toasts};
