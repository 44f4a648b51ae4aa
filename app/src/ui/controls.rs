use dioxus::prelude::*;

use super::{Icon, Sign, px};
use crate::platform;

/// How much a button stands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// The thing to do.
    #[default]
    Primary,
    /// Another thing to do.
    Quiet,
    /// No more than a word.
    Text,
    /// What can't be undone.
    Danger,
}

impl Kind {
    fn class(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Quiet => "quiet",
            Self::Text => "text",
            Self::Danger => "danger",
        }
    }
}

/// A button with words.
#[component]
pub fn Button(
    #[props(default)] kind: Kind,
    #[props(default)] disabled: bool,
    /// It is at work.
    #[props(default)]
    busy: bool,
    /// Fills the width.
    #[props(default)]
    wide: bool,
    /// Sends the form that it is in.
    #[props(default)]
    submit: bool,
    #[props(default)] onclick: EventHandler<MouseEvent>,
    children: Element,
) -> Element {
    let class = kind.class();
    let wide = if wide { "wide" } else { "" };
    rsx! {
        button {
            class: "button {class} {wide}",
            r#type: if submit { "submit" } else { "button" },
            disabled: disabled || busy,
            "aria-busy": busy,
            onclick: move |event| onclick.call(event),
            if busy {
                super::Spinner {}
            }
            {children}
        }
    }
}

/// A button with an icon; `label` is its name for screen readers and its tooltip.
#[component]
pub fn IconButton(
    sign: Sign,
    label: String,
    #[props(default)] class: String,
    #[props(default)] disabled: bool,
    #[props(default)] expanded: Option<bool>,
    onclick: EventHandler<MouseEvent>,
) -> Element {
    rsx! {
        button {
            class: "icon-button {class}",
            r#type: "button",
            title: "{label}",
            "aria-label": "{label}",
            "aria-expanded": expanded.map(|expanded| expanded.to_string()),
            disabled,
            onclick: move |event| onclick.call(event),
            Icon { sign }
        }
    }
}

/// A few things of which one is chosen.
#[component]
pub fn Choices(
    label: String,
    /// What each is called.
    options: Vec<String>,
    /// Which is chosen.
    chosen: usize,
    onchoose: EventHandler<usize>,
) -> Element {
    rsx! {
        div { class: "choices", role: "radiogroup", "aria-label": "{label}",
            for (place, option) in options.into_iter().enumerate() {
                button {
                    key: "{option}",
                    r#type: "button",
                    role: "radio",
                    "aria-checked": if place == chosen { "true" } else { "false" },
                    onclick: move |_| onchoose.call(place),
                    "{option}"
                }
            }
        }
    }
}

/// Something that is on or off.
#[component]
pub fn Switch(label: String, on: bool, onchange: EventHandler<bool>) -> Element {
    rsx! {
        button {
            class: "switch",
            r#type: "button",
            role: "switch",
            "aria-label": "{label}",
            "aria-checked": if on { "true" } else { "false" },
            onclick: move |_| onchange.call(!on),
        }
    }
}

/// A place in the window, in pixels from its left and upper edges.
pub type Spot = (f64, f64);

/// Things to do, beside what they are done with, or at a spot; on a phone at the bottom. A click elsewhere or Escape closes it.
#[component]
pub fn Menu(
    label: String,
    #[props(default)] at: Option<Spot>,
    onclose: EventHandler<()>,
    children: Element,
) -> Element {
    // A key has no spot.
    let at = at.map(|(x, y)| {
        if (x, y) == (0.0, 0.0) {
            (400.0, 200.0)
        } else {
            (x, y)
        }
    });
    rsx! {
        div { class: "menu-away", onclick: move |_| onclose.call(()) }
        div {
            class: if at.is_some() { "menu at" } else { "menu" },
            // All of it stays within the window.
            left: at.map(|(x, _)| format!("max(8px, min({}, calc(100vw - 272px)))", px(x))),
            top: at.map(|(_, y)| format!("max(8px, min({}, calc(100dvh - 300px)))", px(y))),
            role: "menu",
            "aria-label": "{label}",
            onkeydown: move |event| {
                if platform::key(&event) == "Escape" {
                    event.stop_propagation();
                    onclose.call(());
                }
            },
            {children}
        }
    }
}

/// A thing to do.
#[component]
pub fn MenuItem(
    sign: Sign,
    #[props(default)] danger: bool,
    /// Takes the focus when the menu opens.
    #[props(default)]
    first: bool,
    onclick: EventHandler<()>,
    children: Element,
) -> Element {
    rsx! {
        button {
            class: if danger { "danger" },
            r#type: "button",
            role: "menuitem",
            onmounted: move |event| async move {
                if first {
                    let _ = event.set_focus(true).await;
                }
            },
            onclick: move |_| onclick.call(()),
            Icon { sign }
            {children}
        }
    }
}
