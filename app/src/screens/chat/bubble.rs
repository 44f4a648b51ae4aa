use dioxus::prelude::*;
use kith_client::Content;
use kith_common::limits;

use super::file::File;
use super::quote::Quote;
use crate::model::emoji;
use crate::model::files::Sent;
use crate::model::markup::{self, Block, Inline};
use crate::model::timeline::{Entry, Key, State};
use crate::platform;
use crate::settings::use_words;
use crate::state::{Account, Chat, Tick};
use crate::text::{self, Words};
use crate::ui::{Sign, drawn};

/// Bytes after which a text is folded: some screens full.
const FOLDED: usize = limits::MESSAGE_BYTES / 40;

/// What a message says, when, and how far it has come. No component: it is drawn with the message.
pub(super) fn bubble(words: &Words, account: Account, entry: &Entry) -> Element {
    let time = text::clock(platform::local(entry.time));
    let name = account.called(&entry.sender);
    rsx! {
        div { class: "bubble",
            span { class: "unseen", if entry.own { "{words.you}: " } else { "{name}: " } }
            if let Some(number) = entry.reply_to {
                Quote { number }
            }
            match &entry.content {
                Content::Text(text) => text_of(text),
                Content::File { file, name, size, details } => {
                    let sent = Sent { file: file.clone(), name: name.clone(), size: *size, details: details.clone() };
                    rsx! { File { entry_key: entry.key, state: entry.state.clone(), sent } }
                },
                Content::Erased => rsx! { span { class: "text gone", {words.deleted} } },
                Content::Unreadable => rsx! { span { class: "text gone", {words.unreadable} } },
            }
            span { class: "foot",
                if entry.edited && entry.content != Content::Erased {
                    span { {words.edited} }
                }
                time { "{time}" }
                if entry.own {
                    Ticks { entry_key: entry.key, state: entry.state.clone() }
                }
            }
        }
    }
}

/// How far one's own message has come.
#[component]
fn Ticks(entry_key: Key, state: State) -> Element {
    let words = use_words();
    let chat: Chat = use_context();
    let compared = state.clone();
    // Only what looks different is drawn again when somebody reads.
    let tick = use_memo(use_reactive!(|entry_key, compared| Tick::of(
        entry_key,
        &compared,
        *chat.marks.read()
    )));
    let (sign, class, said) = match tick() {
        _ if matches!(state, State::Failed(..)) => (Sign::Alert, "small bad", words.not_sent),
        Tick::Waiting => (Sign::Clock, "small", words.waiting),
        Tick::Stored => (Sign::Check, "small", words.stored),
        Tick::Delivered => (Sign::Checks, "small", words.delivered),
        Tick::Read => (Sign::Checks, "small read", words.read),
    };
    rsx! {
        span { class: "tick", role: "img", title: said, "aria-label": said, "data-tick": tick().name(),
            {drawn(sign, class)}
        }
    }
}

/// A text with its markup.
fn text_of(text: &str) -> Element {
    if emoji::is_only_emoji(text) {
        return rsx! { div { class: "text emoji", "{text}" } };
    }
    if text.len() > FOLDED {
        return rsx! { LongText { text: text.to_owned() } };
    }
    rsx! { div { class: "text", {blocks_of(text)} } }
}

/// A text that is folded at first.
#[component]
fn LongText(text: String) -> Element {
    let words = use_words();
    let mut whole = use_signal(|| false);
    rsx! {
        div { class: if whole() { "text" } else { "text folded" }, {blocks_of(&text)} }
        button { class: "more", r#type: "button", onclick: move |_| whole.toggle(),
            if whole() { {words.show_less} } else { {words.show_more} }
        }
    }
}

fn blocks_of(text: &str) -> Element {
    rsx! {
        for block in markup::read(text) {
            {block_of(block)}
        }
    }
}

/// No component: a text is drawn as a whole.
fn block_of(block: Block) -> Element {
    match block {
        Block::Paragraph(inlines) => rsx! { p { {inlines_of(inlines)} } },
        Block::Code(code) => rsx! { pre { tabindex: "0", code { "{code}" } } },
        Block::Quote(blocks) => rsx! {
            blockquote {
                for block in blocks {
                    {block_of(block)}
                }
            }
        },
    }
}

fn inlines_of(inlines: Vec<Inline>) -> Element {
    rsx! {
        for inline in inlines {
            match inline {
                Inline::Text(text) => rsx! { "{text}" },
                Inline::Code(code) => rsx! { code { "{code}" } },
                Inline::Link { to, text } => rsx! {
                    a { href: "{to}", target: "_blank", rel: "noopener noreferrer nofollow", "{text}" }
                },
                Inline::Strong(inner) => rsx! { strong { {inlines_of(inner)} } },
                Inline::Emphasis(inner) => rsx! { em { {inlines_of(inner)} } },
                Inline::Struck(inner) => rsx! { s { {inlines_of(inner)} } },
            }
        }
    }
}
