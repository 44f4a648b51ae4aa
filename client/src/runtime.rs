//! Tasks and time: tokio's, or in a browser the page's own, by a library that looks the same.

#[cfg(target_arch = "wasm32")]
pub(crate) use n0_future::{task, time};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use tokio::{task, time};

/// What a task may hold: it moves between threads, where there are threads.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) trait Held: Send {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send> Held for T {}
/// What a task may hold: it moves between threads, where there are threads.
#[cfg(target_arch = "wasm32")]
pub(crate) trait Held {}
#[cfg(target_arch = "wasm32")]
impl<T> Held for T {}

/// The time by the system's clock, in milliseconds since 1970-01-01T00:00:00Z.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// The time by the system's clock, in milliseconds since 1970-01-01T00:00:00Z.
#[cfg(target_arch = "wasm32")]
pub(crate) fn now() -> i64 {
    js_sys::Date::now() as i64
}
