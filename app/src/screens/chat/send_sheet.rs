//! What is about to be sent.

use dioxus::html::FileData;
use dioxus::prelude::*;

use super::Over;
use super::file::sign_of;
use crate::settings::use_words;
use crate::state::{Chat, Chosen, Toasts, use_toasts};
use crate::text::{self, Words};
use crate::ui::{Button, Dialog, Icon, IconButton, Kind, Sign, Switch};

/// Shows files before they are sent. What can't be sent is said.
pub(super) fn choose(over: Over, words: &'static Words, toasts: Toasts, files: Vec<FileData>) {
    spawn(async move {
        let (chosen, refused) = Chosen::look_at(files).await;
        for name in refused {
            toasts.say(format!("{name}: {}", words.file_empty));
        }
        add(over, chosen);
    });
}

/// Adds files to those that are shown.
pub(super) fn add(mut over: Over, chosen: Vec<Chosen>) {
    if !chosen.is_empty() {
        over.chosen.write().extend(chosen);
    }
}

/// The files that were chosen, as they will be sent.
#[component]
pub(super) fn SendSheet() -> Element {
    let words = use_words();
    let toasts = use_toasts();
    let mut chat: Chat = use_context();
    let mut over: Over = use_context();
    let mut as_it_is = use_signal(|| false);
    let chosen = over.chosen.read().clone();
    let says_more = chosen.iter().any(|file| file.says_more);
    let mut close = move || {
        over.chosen.set(Vec::new());
        chat.account.choose_again();
    };
    let send = move |_| {
        let files = over.chosen.take();
        let as_it_is = *as_it_is.peek();
        let conversation = chat.conversation.peek().clone();
        let to = chat.place.peek().to(conversation.as_deref());
        let answering = chat.answering.take();
        *chat.sent.write() += 1;
        close();
        let Some(to) = to else { return };
        // One after the other, whatever is opened meanwhile. What can't be sent is said and holds up nothing.
        dioxus::core::spawn_forever(async move {
            for file in files {
                let name = file.name.clone();
                if let Err(error) = file.send(chat.account, to.clone(), answering, as_it_is).await {
                    toasts.say(format!("{name}: {}", text::why_engine(words, &error)));
                }
            }
        });
    };
    rsx! {
        Dialog { title: (words.send_files)(chosen.len()), onclose: move |()| close(),
            ul { class: "chosen",
                for (place, file) in chosen.into_iter().enumerate() {
                    li { key: "{place} {file.name}",
                        if let Some(address) = picture(chat, &file) {
                            img { src: "{address}", alt: "" }
                        } else {
                            span { class: "kind", Icon { sign: sign_of(file.kind) } }
                        }
                        span { class: "body",
                            span { class: "name", dir: "auto", "{file.name}" }
                            span { class: "size", {text::size(file.size)} }
                            if file.keeps_more {
                                p { class: "size", {words.keeps_metadata} }
                            }
                        }
                        IconButton {
                            sign: Sign::Close,
                            label: "{words.leave_out}: {file.name}",
                            onclick: move |_| {
                                let mut chosen = over.chosen.write();
                                if place < chosen.len() {
                                    chosen.remove(place);
                                }
                            },
                        }
                    }
                }
            }
            if says_more {
                div { class: "line",
                    div { class: "body",
                        p { {words.keep_metadata} }
                        p { class: "soft", {words.keep_metadata_text} }
                    }
                    Switch { label: words.keep_metadata, on: as_it_is(), onchange: move |on| as_it_is.set(on) }
                }
            }
            div { class: "actions",
                Button { kind: Kind::Quiet, onclick: move |_| close(), {words.cancel} }
                button {
                    class: "button primary",
                    r#type: "button",
                    // So that Enter sends.
                    onmounted: move |event| async move {
                        let _ = event.set_focus(true).await;
                    },
                    onclick: send,
                    {words.send}
                }
            }
        }
    }
}

/// The picture that stands for a file: itself, or the small one that goes along.
fn picture(chat: Chat, file: &Chosen) -> Option<String> {
    let whole = file.address.as_ref().map(|address| address.0.clone());
    whole.or_else(|| chat.account.files.thumb(&file.details))
}
