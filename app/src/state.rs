//! What the screens hold between two moments: signals that follow the engine.

mod account;
mod chat;
mod chosen;
mod drafts;
mod files;
mod pictures;
mod toasts;

pub use account::{Account, Opened, Page, use_account};
pub use chat::{Above, Chat, Heights, Shared, Tick};
pub use chosen::Chosen;
pub use files::Shown;
pub use toasts::{Toasts, use_toasts};
