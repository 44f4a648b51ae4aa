//! The Kith server.

pub mod clock;
pub mod random;
pub mod store;
