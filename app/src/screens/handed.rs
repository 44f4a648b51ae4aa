//! A link that was opened while the app runs.

use dioxus::prelude::*;

use super::Join;
use crate::app::{Screen, Shown};
use crate::platform;
use crate::settings::use_words;
use crate::ui::{IconButton, Sign};

/// Where a link leads, above what is shown, which goes on and is there again when this is closed: anybody can make a link.
#[component]
pub fn Handed() -> Element {
    let words = use_words();
    let mut screen: Shown = use_context();
    // How many there were, and above what the last one is shown.
    let mut above = use_signal(|| None::<(u32, Screen)>);
    use_future(move || async move {
        let mut count = 0;
        loop {
            platform::next_link().await;
            while matches!(*screen.peek(), Screen::Starting) {
                platform::next_frame().await;
            }
            let below = screen.peek().clone();
            match below {
                _ if !platform::has_invite() => {}
                // In its place: it takes a link when it is begun.
                Screen::Join { .. } => {
                    screen.set(Screen::Starting);
                    platform::next_frame().await;
                    screen.set(Screen::Join { again: None });
                }
                below => {
                    count += 1;
                    above.set(Some((count, below)));
                }
            }
        }
    });
    // Whoever has joined is somewhere else.
    let shown = above().filter(|(_, below)| *below == screen());
    let Some((count, _)) = shown else {
        return rsx! {};
    };
    rsx! {
        div {
            class: "handed",
            role: "dialog",
            "aria-modal": "true",
            "aria-label": words.connect,
            onkeydown: move |event| {
                if platform::key(&event) == "Escape" {
                    above.set(None);
                }
            },
            // Another link begins anew.
            for count in [count] {
                Join { key: "{count}", again: None }
            }
            IconButton { sign: Sign::Close, label: words.close, onclick: move |_| above.set(None) }
        }
    }
}
