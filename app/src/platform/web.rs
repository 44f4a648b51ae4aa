//! The browser.

mod device;
mod files;
mod keyboard;
mod page;

use dioxus::prelude::*;
use js_sys::Promise;
use wasm_bindgen_futures::JsFuture;

pub use device::{
    allow_notifications, copy, device_name, is_apple, is_touch, language_tag, local, notify, now,
    open_accounts, own_authority, own_server,
};
pub use files::{
    Body, SAVES_UNSEEN, address_of, forget_files, let_go, object_url, open, pasted, save_file, target,
};
pub use keyboard::key;
pub use page::{
    go_back, has_invite, is_looked_at, set_unread, take_link, use_back, use_looked_at, went_deeper,
};

/// Whether links come while the page is open: each opens a page of its own.
pub const TAKES_LINKS: bool = false;

/// Waits for what doesn't come.
pub async fn next_link() {
    core::future::pending().await
}

/// Whether files are picked by [`pick_files`] rather than by a field of the page.
pub const PICKS_FILES: bool = false;

/// Nothing: the page's fields do it.
pub async fn pick_files(_accept: &str, _multiple: bool) -> Vec<dioxus::html::FileData> {
    Vec::new()
}

/// Shows the app in place of the page's splash.
pub fn launch(root: fn() -> Element) {
    // In a release a panic has no words.
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    page::remove_splash();
    dioxus::launch(root);
}

/// Runs something beside the screens: in a browser that is where everything runs.
pub async fn beside<T>(task: impl Future<Output = T>) -> T {
    task.await
}

/// Waits for the next frame, or for a tenth of a second where none is drawn because nobody looks.
pub async fn next_frame() {
    let frame = Promise::new(&mut |resolve, _| {
        if let Some(window) = web_sys::window() {
            // Whichever is first; where neither can be asked for there is no page any more.
            let _ = window.request_animation_frame(&resolve);
            let _ = window.set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, 100);
        }
    });
    // It is never rejected.
    let _ = JsFuture::from(frame).await;
}

/// Waits for some milliseconds.
pub async fn sleep(milliseconds: u64) {
    gloo_timers::future::TimeoutFuture::new(u32::try_from(milliseconds).unwrap_or(u32::MAX)).await;
}
