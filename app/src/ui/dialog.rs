use dioxus::prelude::*;

use super::{Button, IconButton, Kind, Sign};
use crate::platform;
use crate::settings::use_words;

/// A card above everything else; on a phone it comes from below. Escape and a click beside it close it.
#[component]
pub fn Dialog(title: String, onclose: EventHandler<()>, children: Element) -> Element {
    let words = use_words();
    rsx! {
        div {
            class: "veil",
            onclick: move |_| onclose.call(()),
            onkeydown: move |event| {
                if platform::key(&event) == "Escape" {
                    event.stop_propagation();
                    onclose.call(());
                }
            },
            div {
                class: "dialog",
                role: "dialog",
                "aria-modal": "true",
                "aria-label": "{title}",
                tabindex: "-1",
                onmounted: move |event| async move {
                    // Fields in it that want the focus take it afterwards.
                    let _ = event.set_focus(true).await;
                },
                onclick: move |event| event.stop_propagation(),
                header {
                    h2 { "{title}" }
                    IconButton { sign: Sign::Close, label: words.close, onclick: move |_| onclose.call(()) }
                }
                {children}
            }
        }
    }
}

/// Asks before something that can't be undone.
#[component]
pub fn Ask(
    title: String,
    text: String,
    /// What is done.
    action: String,
    onconfirm: EventHandler<()>,
    onclose: EventHandler<()>,
) -> Element {
    let words = use_words();
    rsx! {
        Dialog { title, onclose,
            p { "{text}" }
            div { class: "actions",
                Button { kind: Kind::Quiet, onclick: move |_| onclose.call(()), {words.cancel} }
                Button {
                    kind: Kind::Danger,
                    onclick: move |_| {
                        onconfirm.call(());
                        onclose.call(());
                    },
                    "{action}"
                }
            }
        }
    }
}
