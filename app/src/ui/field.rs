use dioxus::prelude::*;

use super::{Icon, IconButton, Sign};
use crate::settings::use_words;

/// A line to type in, with its name above and what is to be said about it below.
#[component]
pub fn Field(
    id: &'static str,
    label: String,
    /// What stands in it at first.
    value: String,
    /// What is wrong with it.
    #[props(default)]
    error: Option<String>,
    /// What helps.
    #[props(default)]
    hint: Option<String>,
    #[props(default)] placeholder: String,
    /// What browsers and password managers may fill in (HTML, autofill field).
    #[props(default = "off")]
    autocomplete: &'static str,
    #[props(default = "text")] kind: &'static str,
    /// The keyboard of a phone.
    #[props(default = "text")]
    keyboard: &'static str,
    /// Takes the focus when it appears.
    #[props(default)]
    focus: bool,
    #[props(default)] maxlength: Option<usize>,
    oninput: EventHandler<String>,
    /// Stands beside the line.
    #[props(default)]
    children: Element,
) -> Element {
    let bad = error.is_some();
    let described = bad || hint.is_some();
    rsx! {
        div { class: if bad { "field bad" } else { "field" },
            label { r#for: "{id}", "{label}" }
            div { class: "box",
                input {
                    id: "{id}",
                    name: "{id}",
                    r#type: "{kind}",
                    inputmode: "{keyboard}",
                    // Where the page lies in another process than the screens, to tell it what was typed would undo what was typed since.
                    initial_value: "{value}",
                    placeholder: "{placeholder}",
                    autocomplete: "{autocomplete}",
                    autocapitalize: "none",
                    spellcheck: "false",
                    maxlength: maxlength.map(|length| length.to_string()),
                    "aria-invalid": if bad { "true" } else { "false" },
                    "aria-describedby": described.then(|| format!("{id}-note")),
                    onmounted: move |event| async move {
                        if focus {
                            let _ = event.set_focus(true).await;
                        }
                    },
                    oninput: move |event| oninput.call(event.value()),
                }
                {children}
            }
            if let Some(error) = error {
                span { id: "{id}-note", class: "note bad", role: "alert",
                    Icon { sign: Sign::Alert, class: "small" }
                    "{error}"
                }
            } else if let Some(hint) = hint {
                span { id: "{id}-note", class: "note", "{hint}" }
            }
        }
    }
}

/// A line for a password, which can be shown.
#[component]
pub fn PasswordField(
    id: &'static str,
    label: String,
    value: String,
    #[props(default)] error: Option<String>,
    #[props(default)] hint: Option<String>,
    /// `current-password` or `new-password`.
    autocomplete: &'static str,
    #[props(default)] focus: bool,
    oninput: EventHandler<String>,
) -> Element {
    let words = use_words();
    let mut shown = use_signal(|| false);
    let (sign, name, kind) = if shown() {
        (Sign::EyeOff, words.password_hide, "text")
    } else {
        (Sign::Eye, words.password_show, "password")
    };
    rsx! {
        Field {
            id,
            label,
            value,
            error,
            hint,
            autocomplete,
            focus,
            kind,
            oninput,
            IconButton { sign, label: name, onclick: move |_| shown.toggle() }
        }
    }
}
