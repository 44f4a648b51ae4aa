//! What fills a window or a pane.

mod add_contact;
mod alarm;
mod certificate;
mod chat;
mod connection;
mod conversations;
mod handed;
mod home;
mod join;
#[cfg(all(test, feature = "desktop"))]
mod pages;
mod settings;
mod shortcuts;

pub use alarm::Alarm;
pub use handed::Handed;
pub use home::Home;
pub use join::Join;
