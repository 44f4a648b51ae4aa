//! What a browser tells of the network, and of pages that are looked at again.

use core::future::pending;
use std::sync::Arc;

use gloo_events::EventListener;
use tokio::sync::Notify;
use web_sys::{EventTarget, VisibilityState};

/// Calls `changed` when the browser says that the network is there or gone, and when the page is shown again: timers and
/// connections of a hidden page may have slept. Never returns.
pub(crate) async fn watch(mut changed: impl FnMut()) {
    let Some(window) = web_sys::window() else {
        return pending().await;
    };
    let heard = Arc::new(Notify::new());
    let listen = |target: &EventTarget, event: &'static str| {
        let heard = Arc::clone(&heard);
        EventListener::new(target, event, move |_| heard.notify_one())
    };
    let mut listeners: Vec<EventListener> = ["online", "offline", "pageshow"]
        .map(|event| listen(&window, event))
        .into();
    if let Some(document) = window.document() {
        let heard = Arc::clone(&heard);
        let page = document.clone();
        listeners.push(EventListener::new(&document, "visibilitychange", move |_| {
            if page.visibility_state() == VisibilityState::Visible {
                heard.notify_one();
            }
        }));
    }
    loop {
        heard.notified().await;
        changed();
    }
}
