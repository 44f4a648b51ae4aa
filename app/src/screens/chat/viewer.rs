use dioxus::prelude::*;

use super::save::use_save;
use super::{Over, Viewed};
use crate::settings::use_words;
use crate::ui::{IconButton, Sign};

/// A picture, as large as the window. Escape or a click closes it.
#[component]
pub(super) fn Viewer(viewed: Viewed) -> Element {
    let words = use_words();
    let mut over: Over = use_context();
    let save = use_save();
    let to_save = (viewed.file.clone(), viewed.name.clone());
    rsx! {
        div {
            class: "viewer",
            role: "dialog",
            "aria-modal": "true",
            "aria-label": "{viewed.name}",
            tabindex: "-1",
            onmounted: move |event| async move {
                let _ = event.set_focus(true).await;
            },
            onclick: move |_| over.viewed.set(None),
            onkeydown: move |event| {
                if event.key() == Key::Escape {
                    over.viewed.set(None);
                }
            },
            div { class: "bar",
                span { class: "name", dir: "auto", "{viewed.name}" }
                IconButton {
                    sign: Sign::Save,
                    label: words.save_file,
                    onclick: move |event: MouseEvent| {
                        event.stop_propagation();
                        save.call(to_save.clone());
                    },
                }
                IconButton { sign: Sign::Close, label: words.close, onclick: move |_| over.viewed.set(None) }
            }
            img { src: "{viewed.address}", alt: "{viewed.name}" }
        }
    }
}
