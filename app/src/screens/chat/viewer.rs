use std::rc::Rc;

use dioxus::prelude::*;

use super::Over;
use super::save::use_save;
use crate::model::files::{FileKind, Sent};
use crate::platform;
use crate::settings::use_words;
use crate::state::{Shown, use_account};
use crate::text;
use crate::ui::{IconButton, Sign, Spinner};

/// Pictures and films, of which one is shown full-screen.
#[derive(Clone, PartialEq)]
pub(super) struct Viewed {
    all: Rc<Vec<Sent>>,
    at: usize,
}

impl Viewed {
    /// One of them, or it alone where it isn't among them.
    pub(super) fn among(all: &[Sent], one: &Sent) -> Self {
        match all.iter().position(|sent| sent.file == one.file) {
            Some(at) => Self {
                all: Rc::new(all.to_vec()),
                at,
            },
            None => Self {
                all: Rc::new(vec![one.clone()]),
                at: 0,
            },
        }
    }

    fn beside(&self, at: Option<usize>) -> Option<Self> {
        let at = at.filter(|at| *at < self.all.len())?;
        Some(Self {
            all: Rc::clone(&self.all),
            at,
        })
    }
}

/// A picture or film, as large as the window. Escape or a click closes it, arrows go to those before and after it.
#[component]
pub(super) fn Viewer(viewed: Viewed) -> Element {
    let words = use_words();
    let account = use_account();
    let mut over: Over = use_context();
    let save = use_save();
    let Some(sent) = viewed.all.get(viewed.at).cloned() else {
        return rsx! {};
    };
    let file = sent.file.clone();
    use_effect(use_reactive!(|file| account.files.show(account.engine(), file)));
    let (before, after) = (
        viewed.beside(viewed.at.checked_sub(1)),
        viewed.beside(viewed.at.checked_add(1)),
    );
    let (by_key_before, by_key_after) = (before.clone(), after.clone());
    let shown = account.files.shown(&sent.file);
    let to_save = sent.clone();
    let is_film = sent.kind() == FileKind::Film;
    rsx! {
        div {
            class: "viewer",
            role: "dialog",
            "aria-modal": "true",
            "aria-label": "{sent.name}",
            tabindex: "-1",
            onmounted: move |event| async move {
                let _ = event.set_focus(true).await;
            },
            onclick: move |_| over.viewed.set(None),
            onkeydown: move |event| {
                let to = match platform::key(&event).as_str() {
                    "Escape" => None,
                    "ArrowLeft" if by_key_before.is_some() => by_key_before.clone(),
                    "ArrowRight" if by_key_after.is_some() => by_key_after.clone(),
                    _ => return,
                };
                event.stop_propagation();
                over.viewed.set(to);
            },
            div { class: "bar", onclick: move |event| event.stop_propagation(),
                span { class: "name", dir: "auto", "{sent.name}" }
                IconButton { sign: Sign::Save, label: words.save_file, onclick: move |_| save.call(to_save.clone()) }
                IconButton { sign: Sign::Close, label: words.close, onclick: move |_| over.viewed.set(None) }
            }
            match shown {
                Some(Shown::At(address)) if is_film => rsx! {
                    video { src: "{address}", controls: true, autoplay: true, playsinline: true, onclick: move |event| event.stop_propagation() }
                },
                Some(Shown::At(address)) => rsx! { img { src: "{address}", alt: "{sent.name}" } },
                Some(Shown::Failed(error)) => rsx! { p { class: "middle", role: "alert", {text::why_engine(words, &error)} } },
                _ => rsx! { div { class: "middle", Spinner {} } },
            }
            if let Some(before) = before {
                IconButton {
                    sign: Sign::Back,
                    class: "before",
                    label: words.previous_picture,
                    onclick: move |event: MouseEvent| {
                        event.stop_propagation();
                        over.viewed.set(Some(before.clone()));
                    },
                }
            }
            if let Some(after) = after {
                IconButton {
                    sign: Sign::Next,
                    class: "after",
                    label: words.next_picture,
                    onclick: move |event: MouseEvent| {
                        event.stop_propagation();
                        over.viewed.set(Some(after.clone()));
                    },
                }
            }
        }
    }
}
