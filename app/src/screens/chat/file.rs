//! A file in the timeline.

use dioxus::prelude::*;
use kith_client::limits;

use super::moving::{CallOff, Moving, use_moved};
use super::save::use_save;
use super::viewer::Viewed;
use super::{Asking, Over};
use crate::model::files::{self, FileKind, Sent};
use crate::model::timeline::{Key, State};
use crate::platform;
use crate::settings::use_words;
use crate::state::{Account, Chat, Shown, use_account};
use crate::text;
use crate::ui::{Icon, IconButton, Sign, px};

/// The most room that a picture takes, in pixels.
const ROOM: (f64, f64) = (320.0, 360.0);

/// A file: pictures and films are shown, sound is played, everything else is a card.
#[component]
pub(super) fn File(entry_key: Key, state: State, sent: Sent) -> Element {
    let account = use_account();
    let waiting = match entry_key {
        Key::Waiting(id) => Some(id),
        Key::Stored(_) => None,
    };
    let is_paused = state == State::Paused;
    let is_large = sent.size > limits::INLINE_FILE as u64;
    let kind = sent.kind();
    // Those that failed have their own line below.
    let moving = waiting.filter(|_| !matches!(state, State::Failed(..)));
    match kind {
        FileKind::Picture if waiting.is_none() => {
            rsx! { Picture { sent } }
        }
        FileKind::Film if waiting.is_none() => rsx! { Film { sent } },
        FileKind::Picture | FileKind::Film if sent.details.thumbhash.is_some() => rsx! {
            {
                let inside = rsx! {
                    if let Some(id) = moving {
                        span { class: "badge",
                            Moving { id, name: sent.name.clone(), is_paused, is_large }
                            if is_large {
                                CallOff { id, name: sent.name.clone() }
                            }
                        }
                    }
                };
                frame(account, &sent, inside)
            }
        },
        _ => rsx! { Card { sent, kind, moving, is_paused, is_large } },
    }
}

/// The place of a picture, as large as it will be, with a small one in it.
fn frame(account: Account, sent: &Sent, inside: Element) -> Element {
    let behind = account.files.thumb(&sent.details);
    let (width, height) = sent.fitted(ROOM).unwrap_or((ROOM.0, ROOM.0 * 9.0 / 16.0));
    rsx! {
        span {
            class: "frame",
            width: px(width),
            aspect_ratio: "{width.round() as u32} / {height.round() as u32}",
            background_image: behind.map(|address| format!("url({address})")),
            {inside}
        }
    }
}

#[component]
fn Picture(sent: Sent) -> Element {
    let words = use_words();
    let account = use_account();
    let chat: Chat = use_context();
    let mut over: Over = use_context();
    let file = sent.file.clone();
    let mut tries = use_signal(|| 0);
    let show = use_callback(move |file: String| account.files.show(account.engine(), file));
    let wanted = files::is_previewed(FileKind::Picture, sent.size).then(|| file.clone());
    use_effect(use_reactive!(|wanted| {
        if let Some(file) = wanted {
            show.call(file);
        }
    }));
    match account.files.shown(&file) {
        Some(Shown::At(address)) => {
            let has_size = sent.fitted(ROOM).is_some();
            let viewed = sent.clone();
            let image = rsx! {
                img {
                    class: if has_size { "fills" } else { "picture" },
                    src: "{address}",
                    alt: "{sent.name}",
                    onerror: move |_| {
                        account.files.forget(&file);
                        // The address was good for an hour. What can't be drawn is tried no third time.
                        if *tries.peek() < 2 {
                            tries += 1;
                            show.call(file.clone());
                        }
                    },
                }
            };
            rsx! {
                button {
                    class: "shown",
                    r#type: "button",
                    "aria-label": "{words.open_picture}: {sent.name}",
                    onclick: move |_| over.viewed.set(Some(Viewed::among(&chat.pictures(), &viewed))),
                    if has_size {
                        {frame(account, &sent, image)}
                    } else {
                        {image}
                    }
                }
            }
        }
        // It only pretends to be one.
        None if tries() >= 2 => {
            rsx! { Card { sent, kind: FileKind::Other, moving: None, is_paused: false, is_large: false } }
        }
        ref shown => rsx! {
            button {
                class: "shown",
                r#type: "button",
                "aria-label": "{words.load_picture}: {sent.name}, {text::size(sent.size)}",
                disabled: matches!(shown, Some(Shown::Loading)),
                onclick: move |_| show.call(file.clone()),
                {
                    let inside = rsx! {
                        if !matches!(shown, Some(Shown::Loading)) {
                            span { class: "badge", Icon { sign: Sign::Picture } {text::size(sent.size)} }
                        }
                    };
                    frame(account, &sent, inside)
                }
            }
            if let Some(Shown::Failed(error)) = shown {
                p { class: "note bad", role: "alert", {text::why_engine(words, error)} }
            }
        },
    }
}

#[component]
fn Film(sent: Sent) -> Element {
    let words = use_words();
    let account = use_account();
    let save = use_save();
    let mut plays = use_signal(|| false);
    let mut fails = use_signal(|| false);
    if fails() {
        return rsx! { Card { sent, kind: FileKind::Film, moving: None, is_paused: false, is_large: false } };
    }
    let file = sent.file.clone();
    match account.files.shown(&file) {
        Some(Shown::At(address)) => {
            let to_save = sent.clone();
            rsx! {
                {
                    let film = rsx! {
                        video {
                            class: "fills",
                            src: "{address}",
                            controls: true,
                            autoplay: true,
                            playsinline: true,
                            "aria-label": "{sent.name}",
                            onloadedmetadata: move |_| plays.set(true),
                            onerror: move |_| {
                                account.files.forget(&file);
                                // What began to play can go on: the address was good for an hour. What didn't is of a kind that isn't
                                // played here.
                                fails.set(!plays());
                            },
                        }
                    };
                    frame(account, &sent, film)
                }
                span { class: "under",
                    span { dir: "auto", "{sent.name}" }
                    IconButton { sign: Sign::Save, label: "{words.save_file}: {sent.name}", onclick: move |_| save.call(to_save.clone()) }
                }
            }
        }
        shown => rsx! {
            button {
                class: "shown",
                r#type: "button",
                "aria-label": "{words.play}: {sent.name}, {text::size(sent.size)}",
                onclick: move |_| account.files.show(account.engine(), file.clone()),
                {
                    let badge = rsx! { span { class: "badge", Icon { sign: Sign::Play } {text::size(sent.size)} } };
                    frame(account, &sent, badge)
                }
            }
            if let Some(Shown::Failed(error)) = shown {
                p { class: "note bad", role: "alert", {text::why_engine(words, &error)} }
            }
        },
    }
}

/// A file with its name and size, and what can be done with it.
#[component]
fn Card(sent: Sent, kind: FileKind, moving: Option<u64>, is_paused: bool, is_large: bool) -> Element {
    let words = use_words();
    let account = use_account();
    let mut over: Over = use_context();
    let save = use_save();
    let saving = account.files.saving(&sent.file);
    let transfer = moving.or_else(|| {
        saving
            .as_ref()
            .filter(|saving| saving.is_moving())
            .map(|saving| saving.id)
    });
    let is_paused = is_paused || saving.as_ref().is_some_and(|saving| saving.is_paused());
    let part = use_moved(transfer);
    let size = match part() {
        Some((done, total)) if done < total => (words.part_of)(&text::size(done), &text::size(total)),
        _ => text::size(sent.size),
    };
    let sound = match account.files.shown(&sent.file) {
        Some(Shown::At(address)) if kind == FileKind::Sound => Some(address),
        _ => None,
    };
    let is_sent = !sent.file.is_empty();
    let (to_play, to_save, to_open) = (sent.file.clone(), sent.clone(), sent.name.clone());
    let saved = saving
        .as_ref()
        .filter(|saving| saving.is_done())
        .map(|saving| saving.path.clone());
    rsx! {
        div { class: "file",
            if let Some(id) = transfer {
                Moving { id, name: sent.name.clone(), is_paused, is_large: is_large || is_sent }
            } else {
                span { class: "kind", Icon { sign: sign_of(kind) } }
            }
            span { class: "body",
                span { class: "name", dir: "auto", "{sent.name}" }
                span { class: "size", "{size}" }
            }
            if let Some(id) = transfer.filter(|_| is_large || is_sent) {
                CallOff { id, name: sent.name.clone() }
            }
            if is_sent && transfer.is_none() {
                if kind == FileKind::Sound && sound.is_none() {
                    IconButton {
                        sign: Sign::Play,
                        label: "{words.play}: {sent.name}",
                        onclick: move |_| account.files.show(account.engine(), to_play.clone()),
                    }
                }
                if let Some(path) = saved {
                    IconButton {
                        sign: sign_of(kind),
                        label: "{words.open_file}: {sent.name}",
                        onclick: move |_| match kind {
                            // It is asked about first.
                            FileKind::Program => over.asking.set(Some(Asking::Open(path.clone(), to_open.clone()))),
                            _ => drop(platform::open(&path)),
                        },
                    }
                } else {
                    IconButton { sign: Sign::Save, label: "{words.save_file}: {sent.name}", onclick: move |_| save.call(to_save.clone()) }
                }
            }
        }
        if let Some(address) = sound {
            audio { src: "{address}", controls: true, autoplay: true, "aria-label": "{sent.name}" }
        }
        if let Some(error) = saving.and_then(|saving| saving.error()) {
            p { class: "note bad", role: "alert", {text::why_refused(words, &error)} }
        }
    }
}

pub(super) fn sign_of(kind: FileKind) -> Sign {
    match kind {
        FileKind::Picture => Sign::Picture,
        FileKind::Film => Sign::Film,
        FileKind::Sound => Sign::Sound,
        FileKind::Archive => Sign::Archive,
        FileKind::Program => Sign::Alert,
        FileKind::Other => Sign::File,
    }
}
