use dioxus::prelude::*;
use kith_client::Content;

use super::Over;
use crate::model::emoji;
use crate::model::timeline::{Entry, Key};
use crate::platform;
use crate::settings::use_words;
use crate::state::{Chat, use_account, use_toasts};
use crate::text;
use crate::ui::{Ask, Menu, MenuItem, Sign, Spot};

/// What can be done with a message. It stands apart from the messages, of which there are many.
#[component]
pub(super) fn MessageMenu() -> Element {
    let over: Over = use_context();
    let mut asking = use_signal(|| None::<u64>);
    rsx! {
        if let Some((entry, spot)) = over.menu.read().clone() {
            if let Key::Stored(number) = entry.key {
                Things { number, entry, spot, ondelete: move |()| asking.set(Some(number)) }
            }
        }
        if let Some(number) = asking() {
            AskToDelete { number, onclose: move |()| asking.set(None) }
        }
    }
}

#[component]
fn Things(number: u64, entry: Entry, spot: Spot, ondelete: EventHandler<()>) -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let mut chat: Chat = use_context();
    let mut over: Over = use_context();
    let react = use_react(number);
    let text = match &entry.content {
        Content::Text(text) => Some(text.clone()),
        _ => None,
    };
    let own_text = entry.own && text.is_some();
    let mine: Vec<String> = entry
        .reactions
        .iter()
        .filter(|reaction| reaction.mine)
        .map(|reaction| reaction.what.clone())
        .collect();
    let close = move |()| {
        over.menu.set(None);
        account.choose_again();
    };
    rsx! {
        Menu { label: words.more, at: spot, onclose: close,
            div { class: "emoji-row",
                for what in emoji::QUICK {
                    button {
                        key: "{what}",
                        r#type: "button",
                        role: "menuitem",
                        "aria-label": "{words.react} {what}",
                        onclick: {
                            let on = !mine.iter().any(|mine| mine == what);
                            move |_| {
                                over.menu.set(None);
                                react.call((what.to_owned(), on));
                            }
                        },
                        "{what}"
                    }
                }
            }
            MenuItem {
                sign: Sign::Reply,
                first: true,
                onclick: move |()| {
                    over.menu.set(None);
                    chat.answer(number);
                },
                {words.reply}
            }
            if let Some(text) = text {
                MenuItem {
                    sign: Sign::Copy,
                    onclick: move |()| {
                        over.menu.set(None);
                        let text = text.clone();
                        dioxus::core::spawn_forever(async move {
                            if platform::copy(&text).await {
                                toasts.say(words.copied);
                            }
                        });
                    },
                    {words.copy}
                }
            }
            if own_text {
                MenuItem {
                    sign: Sign::Edit,
                    onclick: move |()| {
                        over.menu.set(None);
                        chat.answering.set(None);
                        chat.editing.set(Some(number));
                    },
                    {words.edit}
                }
            }
            if entry.own {
                MenuItem {
                    sign: Sign::Trash,
                    danger: true,
                    onclick: move |()| {
                        over.menu.set(None);
                        ondelete.call(());
                    },
                    {words.delete}
                }
            }
        }
    }
}

/// Puts one's own reaction on a message or takes it back, whatever is opened meanwhile.
pub(super) fn use_react(number: u64) -> Callback<(String, bool)> {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let chat: Chat = use_context();
    use_callback(move |(what, on)| {
        let Some(id) = chat.conversation.peek().clone() else {
            return;
        };
        dioxus::core::spawn_forever(async move {
            if let Err(error) = account.engine().react(&id, number, what, on).await {
                toasts.say(text::why_engine(words, &error));
            }
        });
    })
}

#[component]
fn AskToDelete(number: u64, onclose: EventHandler<()>) -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let chat: Chat = use_context();
    rsx! {
        Ask {
            title: words.delete,
            text: words.delete_ask,
            action: words.delete,
            onconfirm: move |()| {
                let Some(id) = chat.conversation.peek().clone() else { return };
                dioxus::core::spawn_forever(async move {
                    if let Err(error) = account.engine().delete(&id, number).await {
                        toasts.say(text::why_engine(words, &error));
                    }
                });
            },
            onclose,
        }
    }
}
