//! The only place with code for one platform. Every platform offers the same functions.

#[cfg(feature = "web")]
mod web;
#[cfg(feature = "web")]
pub use web::*;

#[cfg(not(feature = "web"))]
mod native;
#[cfg(not(feature = "web"))]
pub use native::*;
