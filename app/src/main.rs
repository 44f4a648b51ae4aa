//! Kith's app: one codebase for the desktop, the browser and the phone.
//!
//! - `model`: what the screens show, computed; pure.
//! - `state`: signals that follow the engine.
//! - `ui`: the components that screens are made of; they know nothing of the engine.
//! - `screens`: what fills a window or a pane.
//! - `platform`: the only place with code for one platform.
//! - `text`: all that the app says.

//!
//! Without a platform only what is pure is built, for its tests.

#![allow(
    unreachable_pub,
    reason = "nothing is reachable in a program; `pub` means for the other folders"
)]

#[cfg(any(feature = "desktop", feature = "mobile", feature = "web"))]
mod accounts;
#[cfg(any(feature = "desktop", feature = "mobile", feature = "web"))]
mod app;
#[cfg_attr(
    not(any(feature = "desktop", feature = "mobile", feature = "web")),
    expect(dead_code, reason = "only its tests use it")
)]
mod model;
#[cfg(any(feature = "desktop", feature = "mobile", feature = "web"))]
mod platform;
#[cfg(any(feature = "desktop", feature = "mobile", feature = "web"))]
mod screens;
#[cfg(any(feature = "desktop", feature = "mobile", feature = "web"))]
mod settings;
#[cfg(any(feature = "desktop", feature = "mobile", feature = "web"))]
mod state;
#[cfg(any(feature = "desktop", feature = "mobile"))]
mod style;
#[cfg_attr(
    not(any(feature = "desktop", feature = "mobile", feature = "web")),
    expect(dead_code, unused_imports, reason = "only its tests use it")
)]
mod text;
#[cfg(any(feature = "desktop", feature = "mobile", feature = "web"))]
mod ui;

fn main() {
    #[cfg(any(feature = "desktop", feature = "mobile", feature = "web"))]
    platform::launch(app::App);
}
