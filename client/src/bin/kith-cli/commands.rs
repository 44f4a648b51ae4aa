//! What each command does.

mod accounts;
mod contacts;
mod files;
mod listen;
mod send;
mod sessions;

pub(crate) use accounts::{login, logout, password, register};
pub(crate) use contacts::contacts;
pub(crate) use files::{get_file, send_file};
pub(crate) use listen::listen;
pub(crate) use send::send;
pub(crate) use sessions::sessions;
