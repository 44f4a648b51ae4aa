//! Keys that work everywhere in an account. The settings list them.

use dioxus::prelude::*;

use crate::platform;
use crate::state::{Account, Page};

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shortcut {
    /// Find a conversation.
    Search,
    /// Open the settings.
    Settings,
    /// Open the conversation above in the list.
    Previous,
    /// Open the conversation below.
    Next,
}

impl Shortcut {
    /// That of a key, if it is one.
    pub(super) fn of(event: &KeyboardEvent) -> Option<Self> {
        if event.is_composing() {
            return None;
        }
        let held = event.modifiers();
        let command = held.ctrl() != held.meta() && !held.alt() && !held.shift();
        let alone = held.alt() && !held.ctrl() && !held.meta() && !held.shift();
        match platform::key(event).as_str() {
            "k" | "K" if command => Some(Self::Search),
            "," if command => Some(Self::Settings),
            "ArrowUp" if alone => Some(Self::Previous),
            "ArrowDown" if alone => Some(Self::Next),
            _ => None,
        }
    }

    /// The keys, as they are called, for people.
    pub(super) fn keys(self) -> &'static str {
        match (self, platform::is_apple()) {
            (Self::Search, false) => "Ctrl+K",
            (Self::Search, true) => "⌘K",
            (Self::Settings, false) => "Ctrl+,",
            (Self::Settings, true) => "⌘,",
            (Self::Previous, false) => "Alt+↑",
            (Self::Previous, true) => "⌥↑",
            (Self::Next, false) => "Alt+↓",
            (Self::Next, true) => "⌥↓",
        }
    }
}

/// Opens the conversation that is so many lines below the open one, or above it; with none open, the first or the last.
pub(super) fn step(account: Account, down: bool) {
    let Some(lines) = account.lines() else { return };
    let open = match &*account.page.peek() {
        Page::Chat(place) => lines.iter().position(|line| line.place == *place),
        Page::Nothing | Page::Settings => None,
    };
    let to = match (open, down) {
        (Some(open), true) => open.checked_add(1),
        (Some(open), false) => open.checked_sub(1),
        (None, true) => Some(0),
        (None, false) => lines.len().checked_sub(1),
    };
    if let Some(line) = to.and_then(|to| lines.get(to)) {
        account.show(line.place.clone());
    }
}
