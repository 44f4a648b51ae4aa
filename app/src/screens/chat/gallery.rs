//! All files of a conversation.

use dioxus::prelude::*;
use kith_client::{EngineError, Older};

use super::Over;
use super::file::sign_of;
use super::save::use_save;
use super::viewer::Viewed;
use crate::model::files::{FileKind, Sent};
use crate::settings::use_words;
use crate::state::{Account, Chat, Shown, use_account};
use crate::text::{self, Words};
use crate::ui::{Button, Dialog, Icon, IconButton, Kind, Sign, Spinner};

/// Messages that are looked through at a time.
const PAGE: u32 = 200;

/// Files that are enough for once.
const ENOUGH: usize = 30;

/// The newest files first: pictures and films beside each other, all others below.
#[component]
pub(super) fn Gallery(onclose: EventHandler<()>) -> Element {
    let words = use_words();
    let account = use_account();
    let chat: Chat = use_context();
    let mut over: Over = use_context();
    let save = use_save();
    let mut found = use_signal(Vec::<Sent>::new);
    let mut from = use_signal(|| None::<u64>);
    let mut looking = use_signal(|| true);
    let mut has_more = use_signal(|| true);
    let mut failed = use_signal(|| None::<EngineError>);
    let look = use_callback(move |()| {
        spawn(async move {
            looking.set(true);
            failed.set(None);
            let Some(id) = chat.conversation.peek().clone() else {
                looking.set(false);
                has_more.set(false);
                return;
            };
            let wanted = found.peek().len() + ENOUGH;
            while found.peek().len() < wanted && has_more() {
                let before = *from.peek();
                match account.engine().messages(&id, before, PAGE).await {
                    Ok(page) => {
                        let some = page
                            .messages
                            .iter()
                            .rev()
                            .filter_map(|message| Sent::of(&message.content));
                        found.write().extend(some);
                        if let Some(oldest) = page.messages.first() {
                            from.set(Some(oldest.number));
                        }
                        match page.older {
                            Older::More if !page.messages.is_empty() => {}
                            Older::OutOfReach(error) => {
                                failed.set(Some(*error));
                                break;
                            }
                            _ => has_more.set(false),
                        }
                    }
                    Err(error) => {
                        failed.set(Some(error));
                        break;
                    }
                }
            }
            looking.set(false);
        });
    });
    use_hook(move || look.call(()));
    let is_seen = |sent: &&Sent| matches!(sent.kind(), FileKind::Picture | FileKind::Film);
    let all = found.read();
    let seen: Vec<Sent> = all.iter().filter(is_seen).cloned().collect();
    let others: Vec<Sent> = all.iter().filter(|sent| !is_seen(sent)).cloned().collect();
    let nothing = all.is_empty();
    // In the viewer the newest comes last, as in the conversation.
    let in_order: Vec<Sent> = seen.iter().rev().cloned().collect();
    let open = use_callback(move |sent: Sent| over.viewed.set(Some(Viewed::among(&in_order, &sent))));
    rsx! {
        Dialog { title: words.files, onclose,
            if nothing && !looking() && failed.read().is_none() {
                p { class: "soft", {words.no_files} }
            }
            if !seen.is_empty() {
                ul { class: "tiles",
                    for sent in seen {
                        li { key: "{sent.file}", {tile(account, words, open, &sent)} }
                    }
                }
            }
            if !others.is_empty() {
                ul { class: "chosen",
                    for sent in others {
                        li { key: "{sent.file}", {line(words, save, sent)} }
                    }
                }
            }
            if let Some(error) = failed.read().as_ref() {
                p { class: "note bad", role: "alert", {text::why_engine(words, error)} }
            }
            if looking() {
                Spinner {}
            } else if has_more() {
                Button { kind: Kind::Quiet, onclick: move |_| look.call(()), {words.show_more} }
            }
        }
    }
}

fn tile(account: Account, words: &Words, open: Callback<Sent>, sent: &Sent) -> Element {
    let is_film = sent.kind() == FileKind::Film;
    // Only what was seen already is shown whole: a gallery may be long.
    let address = match account.files.shown(&sent.file) {
        Some(Shown::At(address)) if !is_film => Some(address),
        _ => account.files.thumb(&sent.details),
    };
    let sent = sent.clone();
    rsx! {
        button {
            class: "tile",
            r#type: "button",
            "aria-label": "{words.open_picture}: {sent.name}",
            background_image: address.map(|address| format!("url({address})")),
            onclick: move |_| open.call(sent.clone()),
            if is_film {
                Icon { sign: Sign::Play }
            }
        }
    }
}

fn line(words: &Words, save: Callback<Sent>, sent: Sent) -> Element {
    rsx! {
        span { class: "kind", Icon { sign: sign_of(sent.kind()) } }
        span { class: "body",
            span { class: "name", dir: "auto", "{sent.name}" }
            span { class: "size", {text::size(sent.size)} }
        }
        IconButton { sign: Sign::Save, label: "{words.save_file}: {sent.name}", onclick: move |_| save.call(sent.clone()) }
    }
}
