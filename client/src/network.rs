//! Hears of changes of the device's network.

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(not(target_arch = "wasm32"))]
mod native;

#[cfg(target_arch = "wasm32")]
pub(crate) use browser::watch;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::watch;
