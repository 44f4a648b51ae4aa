use dioxus::prelude::*;
use kith_client::ServerAddress;
use kith_common::Pin;

use crate::app::{Screen, Shown};
use crate::settings::use_words;
use crate::ui::{Button, Icon, Kind, Sign};

/// A server shows a key that it shouldn't: nothing goes on until somebody has looked into it.
#[component]
pub fn Alarm(server: ServerAddress, presented: Option<Pin>) -> Element {
    let words = use_words();
    let mut screen: Shown = use_context();
    rsx! {
        main { class: "alarm",
            Icon { sign: Sign::Alert, class: "large" }
            div { class: "stack", role: "alert",
                h1 { {words.changed_key} }
                p { strong { "{server}" } }
                p { {words.changed_key_text} }
            }
            if let Some(presented) = presented {
                p { {words.key_shown} }
                code { class: "fingerprint", "{presented}" }
            }
            Button {
                kind: Kind::Quiet,
                onclick: move |_| screen.set(Screen::Join { again: None }),
                {words.go_back}
            }
        }
    }
}
