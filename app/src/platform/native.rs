//! The desktop and the phone: a webview for the screens, and a runtime of its own for the engine, which goes on while the webview
//! sleeps.

#[cfg(target_os = "android")]
mod android;
mod device;
mod files;
mod history;
#[cfg(feature = "desktop")]
mod only_one;
mod picker;
mod pictures;
mod served;
mod window;

use std::sync::LazyLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

pub use device::{
    allow_notifications, copy, device_name, has_invite, is_apple, language_tag, local, notify, now,
    open_accounts, own_authority, own_server, take_link,
};
pub use files::{Body, SAVES_UNSEEN, address_of, forget_files, let_go, open, save_file, target};
pub use history::{go_back, use_back, went_deeper};
pub use picker::{PICKS_FILES, pick_files};
pub use pictures::{object_url, pasted};
pub use window::{TAKES_LINKS, is_looked_at, is_touch, launch, next_link, set_unread, use_looked_at};

/// Where the engine and all that blocks runs.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .thread_name("kith")
        .build()
        .unwrap_or_else(|error| {
            // Without threads nothing can be done, not even say so in a window.
            eprintln!("kith: can't begin: {error}");
            std::process::exit(1)
        })
});

/// What a key stands for (W3C, "UI Events KeyboardEvent key Values"): what it writes, or its name.
pub fn key(event: &dioxus::prelude::KeyboardEvent) -> String {
    event.key().to_string()
}

/// Runs something beside the screens.
pub async fn beside<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> T {
    match RUNTIME.spawn(task).await {
        Ok(result) => result,
        // The task isn't aborted by anybody; so it has panicked, and so does whoever waits for it.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

/// Waits about as long as a frame takes: when the webview draws one isn't known here.
pub async fn next_frame() {
    sleep(16).await;
}

/// Waits for some milliseconds.
pub async fn sleep(milliseconds: u64) {
    beside(async move { tokio::time::sleep(Duration::from_millis(milliseconds)).await }).await;
}
