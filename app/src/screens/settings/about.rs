use dioxus::prelude::*;

use crate::platform;
use crate::screens::certificate::Certificate;
use crate::screens::shortcuts::Shortcut;
use crate::settings::use_words;
use crate::state::use_account;

/// The server, its key, and this program.
#[component]
pub(super) fn About() -> Element {
    let words = use_words();
    let account = use_account();
    // The pins come with the connection.
    account.status.read();
    let pins = account.engine().pins();
    rsx! {
        section {
            h2 { {words.server} }
            div { class: "card",
                dl {
                    dt { {words.server} }
                    dd { "{account.server()}" }
                    dt { {words.version} }
                    dd { "Kith " {env!("CARGO_PKG_VERSION")} }
                }
                if let Some(pin) = pins.first() {
                    div { class: "stack",
                        h3 { {words.fingerprint} }
                        code { class: "fingerprint", "{pin}" }
                    }
                }
                Certificate {}
            }
        }
    }
}

/// The keys that work everywhere, where there are keys.
#[component]
pub(super) fn Keys() -> Element {
    let words = use_words();
    if platform::is_touch() {
        return rsx! {};
    }
    let keys = [
        (words.search, Shortcut::Search),
        (words.key_previous, Shortcut::Previous),
        (words.key_next, Shortcut::Next),
        (words.settings, Shortcut::Settings),
    ];
    rsx! {
        section {
            h2 { {words.keys} }
            div { class: "card",
                dl {
                    for (what, shortcut) in keys {
                        dt { key: "{what}", {what} }
                        dd { kbd { {shortcut.keys()} } }
                    }
                }
            }
        }
    }
}
