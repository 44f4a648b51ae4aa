use dioxus::prelude::*;
use kith_client::Content;

use super::Over;
use super::bubble::Bubble;
use crate::model::emoji;
use crate::model::timeline::{Entry, Key, Reaction, State};
use crate::platform;
use crate::settings::{use_settings, use_words};
use crate::state::{Chat, use_account, use_toasts};
use crate::text;
use crate::ui::{Ask, Icon, IconButton, Menu, MenuItem, Sign, Spot};

/// A message and what stands above it.
#[component]
pub(super) fn EntryRow(entry: Entry) -> Element {
    let words = use_words();
    let language = use_settings().language();
    let over: Over = use_context();
    let number = match entry.key {
        Key::Stored(number) => Some(number),
        Key::Waiting(_) => None,
    };
    let day = entry.day.map(|day| {
        let today = platform::local(platform::now()).day;
        text::day_label(language.words(), day, today)
    });
    let open = over
        .menu
        .read()
        .filter(|(open, _)| Some(*open) == number)
        .map(|(_, spot)| spot);
    let mut class = String::from("message");
    for (part, is) in [("own", entry.own), ("first", entry.first), ("last", entry.last)] {
        if is {
            class.push(' ');
            class.push_str(part);
        }
    }
    rsx! {
        if let Some(day) = day {
            div { class: "day", span { "{day}" } }
        }
        if entry.divider {
            Divider {}
        }
        article { class, "data-menu": if open.is_some() { "true" },
            div { class: "with-tools",
                Bubble { entry: entry.clone() }
                if let Some(number) = number.filter(|_| entry.content != Content::Erased) {
                    Tools { number, entry: entry.clone(), open }
                }
            }
            if !entry.reactions.is_empty() {
                Reactions { number: number.unwrap_or_default(), reactions: entry.reactions.clone() }
            }
            if let State::Failed(id, error) = &entry.state {
                Failed { id: *id, why: text::why_refused(words, error) }
            }
        }
    }
}

/// Here begins what hadn't been read.
#[component]
fn Divider() -> Element {
    let words = use_words();
    let mut chat: Chat = use_context();
    rsx! {
        div {
            class: "divider",
            role: "separator",
            onmounted: move |event| async move {
                if *chat.to_divider.peek() {
                    chat.to_divider.set(false);
                    let options = ScrollToOptions {
                        behavior: ScrollBehavior::Instant,
                        vertical: ScrollLogicalPosition::Nearest,
                        horizontal: ScrollLogicalPosition::Nearest,
                    };
                    let _ = event.scroll_to_with_options(options).await;
                }
            },
            span { {words.new_messages} }
        }
    }
}

/// What can be done with a message.
#[component]
fn Tools(number: u64, entry: Entry, open: Option<Spot>) -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let mut chat: Chat = use_context();
    let mut over: Over = use_context();
    let mut asking = use_signal(|| false);
    let mut react = move |what: String, on: bool| {
        over.menu.set(None);
        let Some(id) = chat.conversation.peek().clone() else {
            return;
        };
        dioxus::core::spawn_forever(async move {
            if let Err(error) = account.engine().react(&id, number, what, on).await {
                toasts.say(text::why_engine(words, &error));
            }
        });
    };
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
    let mut answer = move || {
        over.menu.set(None);
        chat.editing.set(None);
        chat.answering.set(Some(number));
    };
    rsx! {
        div { class: "tools",
            IconButton {
                sign: Sign::Reply,
                class: "only-hover",
                label: words.reply,
                onclick: move |_| answer(),
            }
            IconButton {
                sign: Sign::More,
                label: words.more,
                expanded: open.is_some(),
                onclick: move |event: MouseEvent| {
                    let spot = event.client_coordinates();
                    over.menu.set(if open.is_some() { None } else { Some((number, (spot.x, spot.y))) });
                },
            }
        }
        if let Some(spot) = open {
            Menu { label: words.more, at: spot, onclose: move |()| over.menu.set(None),
                div { class: "emoji-row",
                    for what in emoji::QUICK {
                        button {
                            key: "{what}",
                            r#type: "button",
                            role: "menuitem",
                            "aria-label": "{words.react} {what}",
                            onclick: {
                                let on = !mine.iter().any(|mine| mine == what);
                                move |_| react(what.to_owned(), on)
                            },
                            "{what}"
                        }
                    }
                }
                MenuItem { sign: Sign::Reply, first: true, onclick: move |()| answer(), {words.reply} }
                if let Some(text) = text {
                    MenuItem {
                        sign: Sign::Copy,
                        onclick: move |()| {
                            over.menu.set(None);
                            let text = text.clone();
                            spawn(async move {
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
                            asking.set(true);
                        },
                        {words.delete}
                    }
                }
            }
        }
        if asking() {
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
                onclose: move |()| asking.set(false),
            }
        }
    }
}

/// The reactions on a message. A click puts one's own there or takes it back.
#[component]
fn Reactions(number: u64, reactions: Vec<Reaction>) -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let chat: Chat = use_context();
    rsx! {
        div { class: "reactions",
            for reaction in reactions {
                button {
                    key: "{reaction.what}",
                    class: if reaction.mine { "mine" },
                    r#type: "button",
                    title: reaction.by.iter().map(|person| account.called(person)).collect::<Vec<_>>().join(", "),
                    "aria-label": (words.react_with)(&reaction.what, reaction.by.len()),
                    "aria-pressed": if reaction.mine { "true" } else { "false" },
                    onclick: {
                        let reaction = reaction.clone();
                        move |_| {
                            let reaction = reaction.clone();
                            let Some(id) = chat.conversation.peek().clone() else { return };
                            dioxus::core::spawn_forever(async move {
                                let changed = account.engine().react(&id, number, reaction.what, !reaction.mine).await;
                                if let Err(error) = changed {
                                    toasts.say(text::why_engine(words, &error));
                                }
                            });
                        }
                    },
                    span { "{reaction.what}" }
                    if reaction.by.len() > 1 {
                        span { "{reaction.by.len()}" }
                    }
                }
            }
        }
    }
}

/// Something that the server won't have: try again or throw it away.
#[component]
fn Failed(id: u64, why: String) -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let say = move |result: Result<(), kith_client::EngineError>| {
        if let Err(error) = result {
            toasts.say(text::why_engine(words, &error));
        }
    };
    rsx! {
        div { class: "failed", role: "alert",
            Icon { sign: Sign::Alert, class: "small" }
            span { "{words.not_sent} {why}" }
            button {
                r#type: "button",
                onclick: move |_| {
                    dioxus::core::spawn_forever(async move { say(account.engine().retry(id).await) });
                },
                {words.try_again}
            }
            button {
                r#type: "button",
                onclick: move |_| {
                    dioxus::core::spawn_forever(async move { say(account.engine().discard(id).await) });
                },
                {words.discard}
            }
        }
    }
}
