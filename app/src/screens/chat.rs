//! A conversation.

mod bubble;
mod composer;
mod entry;
mod header;
mod message_menu;
mod quote;
mod save;
mod timeline;
mod viewer;

use dioxus::html::HasFileData as _;
use dioxus::prelude::*;

use crate::model::list::Place;
use crate::model::timeline::Entry;
use crate::platform;
use crate::settings::use_words;
use crate::state::{Chat, use_account, use_toasts};
use crate::ui::Spot;

use composer::Composer;
use header::Header;
use message_menu::MessageMenu;
use timeline::TimelineBox;
use viewer::Viewer;

/// The picture that is shown full-screen: its address, name and file.
#[derive(Clone, PartialEq)]
pub(super) struct Viewed {
    address: String,
    name: String,
    file: String,
}

/// What is being done over the conversation.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Over {
    viewed: Signal<Option<Viewed>>,
    /// The message whose menu is open, and where.
    menu: Signal<Option<(Entry, Spot)>>,
}

/// A conversation's pane.
#[component]
pub(super) fn ChatPane(place: Place) -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let chat = use_context_provider(|| Chat::new(account, place));
    let over = use_context_provider(|| Over {
        viewed: Signal::new(None),
        menu: Signal::new(None),
    });
    use_future(move || chat.follow());
    platform::use_looked_at(move |looked_at| {
        if looked_at {
            spawn(async move { chat.read().await });
        }
    });
    let mut dragging = use_signal(|| false);
    let drop_files = move |event: DragEvent| {
        event.prevent_default();
        dragging.set(false);
        composer::send_files(chat, words, toasts, event.files());
    };
    rsx! {
        section {
            class: "chat",
            ondragover: move |event| {
                event.prevent_default();
                if !dragging() {
                    dragging.set(true);
                }
            },
            ondragleave: move |_| dragging.set(false),
            ondrop: drop_files,
            Header {}
            TimelineBox {}
            TypingLine {}
            Composer {}
            if dragging() {
                div { class: "drop", {words.drop_here} }
            }
        }
        MessageMenu {}
        if let Some(viewed) = over.viewed.read().clone() {
            Viewer { viewed }
        }
    }
}

/// Who is typing.
#[component]
fn TypingLine() -> Element {
    let words = use_words();
    let account = use_account();
    let chat: Chat = use_context();
    let conversation = chat.conversation.read().clone();
    let who = conversation.map(|id| account.typing_in(&id)).unwrap_or_default();
    rsx! {
        div { class: "typing-line", "aria-live": "polite",
            if let Some(first) = who.first() {
                i {}
                i {}
                i {}
                {(words.typing_of)(&account.called(first))}
            }
        }
    }
}
