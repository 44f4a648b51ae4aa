use dioxus::prelude::*;
use kith_client::Content;

use super::Over;
use super::bubble::bubble;
use super::message_menu::use_react;
use crate::model::timeline::{Entry, Key, Reaction, State};
use crate::platform;
use crate::settings::{use_settings, use_words};
use crate::state::{Chat, use_account, use_toasts};
use crate::text::{self, Words};
use crate::ui::{Icon, Sign, drawn};

/// A message and what stands above it.
#[component]
pub(super) fn EntryRow(entry: Entry) -> Element {
    let words = use_words();
    let language = use_settings().language();
    let account = use_account();
    let chat: Chat = use_context();
    let over: Over = use_context();
    let number = match entry.key {
        Key::Stored(number) => Some(number),
        Key::Waiting(_) => None,
    };
    let day = entry.day.map(|day| {
        let today = platform::local(platform::now()).day;
        text::day_label(language.words(), day, today)
    });
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
        article { class,
            div { class: "with-tools",
                {bubble(words, account, &entry)}
                if let Some(number) = number.filter(|_| entry.content != Content::Erased) {
                    {tools(words, chat, over, number)}
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

/// The ways to what can be done with a message. No component, as the icons are none: a timeline has many of them.
fn tools(words: &Words, chat: Chat, mut over: Over, number: u64) -> Element {
    rsx! {
        div { class: "tools",
            button {
                class: "icon-button only-hover",
                r#type: "button",
                title: words.reply,
                "aria-label": words.reply,
                onclick: move |_| chat.answer(number),
                {drawn(Sign::Reply, "")}
            }
            // Its three dots are drawn by the style.
            button {
                class: "icon-button dots",
                r#type: "button",
                title: words.more,
                "aria-label": words.more,
                "aria-haspopup": "menu",
                onclick: move |event| {
                    let spot = event.client_coordinates();
                    over.menu.set(chat.entry(number).map(|entry| (entry, (spot.x, spot.y))));
                },
            }
        }
    }
}

/// The reactions on a message. A click puts one's own there or takes it back.
#[component]
fn Reactions(number: u64, reactions: Vec<Reaction>) -> Element {
    let words = use_words();
    let account = use_account();
    let react = use_react(number);
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
                        move |_| react.call((reaction.what.clone(), !reaction.mine))
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
