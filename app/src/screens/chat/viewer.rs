use dioxus::prelude::*;

use super::{Over, Viewed};
use crate::platform;
use crate::settings::use_words;
use crate::state::{use_account, use_toasts};
use crate::text;
use crate::ui::{IconButton, Sign};

/// A picture, as large as the window. Escape or a click closes it.
#[component]
pub(super) fn Viewer(viewed: Viewed) -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let mut over: Over = use_context();
    let (file, name) = (viewed.file.clone(), viewed.name.clone());
    let save = move |event: MouseEvent| {
        event.stop_propagation();
        let (file, name) = (file.clone(), name.clone());
        spawn(async move {
            match account.files.fetch(&account.engine(), &file).await {
                Ok(bytes) => match platform::save_file(&name, &bytes).await {
                    Ok(true) => toasts.say(words.saved),
                    Ok(false) => {}
                    Err(error) => toasts.say(error),
                },
                Err(error) => toasts.say(text::why_engine(words, &error)),
            }
        });
    };
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
                span { class: "name", "{viewed.name}" }
                IconButton { sign: Sign::Save, label: words.save_file, onclick: save }
                IconButton { sign: Sign::Close, label: words.close, onclick: move |_| over.viewed.set(None) }
            }
            img { src: "{viewed.address}", alt: "{viewed.name}" }
        }
    }
}
