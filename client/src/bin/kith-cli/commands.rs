//! What each command does.

mod accounts;
mod chat;
mod contacts;
mod export;
mod files;
mod generated;
mod history;
mod listen;
mod outbox;
mod profile;
mod send;
mod sessions;
mod status;

pub(crate) use accounts::{login, logout, password, register};
pub(crate) use chat::chat;
pub(crate) use contacts::contacts;
pub(crate) use export::export;
pub(crate) use files::{get_file, send_file};
pub(crate) use generated::{completions, man};
pub(crate) use history::history;
pub(crate) use listen::listen;
pub(crate) use outbox::outbox;
pub(crate) use profile::profile;
pub(crate) use send::{delete, edit, react, send};
pub(crate) use sessions::sessions;
pub(crate) use status::status;
