//! What the screens show, computed from what the engine tells. Pure: no signals, no platform, no clock.

pub mod boxes;
pub mod emoji;
pub mod files;
pub mod list;
pub mod markup;
pub mod media;
pub mod metadata;
pub mod people;
pub mod picked;
pub mod secret;
pub mod thumb;
pub mod time;
pub mod timeline;

pub use kith_client::Blank;
