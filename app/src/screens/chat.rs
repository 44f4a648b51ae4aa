//! A conversation.

mod bubble;
mod composer;
mod entry;
mod file;
mod gallery;
mod header;
mod message_menu;
mod moving;
mod quote;
mod save;
mod send_sheet;
mod timeline;
mod viewer;

use dioxus::html::HasFileData as _;
use dioxus::prelude::*;

use crate::model::files::Sent;
use crate::model::list::Place;
use crate::model::timeline::Entry;
use crate::platform;
use crate::settings::use_words;
use crate::state::{Chat, Chosen, use_account, use_toasts};
use crate::ui::{Ask, Spot};

use composer::Composer;
use gallery::Gallery;
use header::Header;
use message_menu::MessageMenu;
use save::use_save_now;
use send_sheet::SendSheet;
use timeline::TimelineBox;
use viewer::{Viewed, Viewer};

/// What is being done over the conversation.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Over {
    viewed: Signal<Option<Viewed>>,
    /// The message whose menu is open, and where.
    menu: Signal<Option<(Entry, Spot)>>,
    /// Files that are about to be sent.
    chosen: Signal<Vec<Chosen>>,
    /// All files of the conversation are shown.
    gallery: Signal<bool>,
    /// What may do harm, and is asked about.
    asking: Signal<Option<Asking>>,
}

/// What is done with a program only after a word of warning.
#[derive(Clone, PartialEq)]
pub(super) enum Asking {
    /// It is saved.
    Save(Sent),
    /// It is opened: its path and name.
    Open(String, String),
}

/// A conversation's pane.
#[component]
pub(super) fn ChatPane(place: Place) -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let chat = use_context_provider(|| Chat::new(account, place));
    let mut over = use_context_provider(|| Over {
        viewed: Signal::new(None),
        menu: Signal::new(None),
        chosen: Signal::new(Vec::new()),
        gallery: Signal::new(false),
        asking: Signal::new(None),
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
        send_sheet::choose(over, words, toasts, event.files());
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
        if !over.chosen.read().is_empty() {
            SendSheet {}
        }
        if *over.gallery.read() {
            Gallery { onclose: move |()| over.gallery.set(false) }
        }
        if let Some(viewed) = over.viewed.read().clone() {
            Viewer { viewed }
        }
        AskAboutProgram {}
    }
}

/// Warns of what runs when it is opened.
#[component]
fn AskAboutProgram() -> Element {
    let words = use_words();
    let mut over: Over = use_context();
    let save = use_save_now();
    let Some(asking) = over.asking.read().clone() else {
        return rsx! {};
    };
    let (name, action) = match &asking {
        Asking::Save(sent) => (sent.name.clone(), words.save_file),
        Asking::Open(_, name) => (name.clone(), words.open_file),
    };
    rsx! {
        Ask {
            title: words.program,
            text: (words.program_ask)(&name),
            action,
            onconfirm: move |()| match asking.clone() {
                Asking::Save(sent) => save.call(sent),
                Asking::Open(path, _) => {
                    platform::open(&path);
                }
            },
            onclose: move |()| over.asking.set(None),
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
