use dioxus::prelude::*;

use crate::screens::certificate::Certificate;
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
