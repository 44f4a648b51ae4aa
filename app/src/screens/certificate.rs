use dioxus::prelude::*;

use crate::platform;
use crate::settings::use_words;

/// In a browser, where the server vouches for itself: what works, and how the certificate of its authority is installed.
#[component]
pub(super) fn Certificate() -> Element {
    let words = use_words();
    let mut known = use_signal(|| None::<String>);
    use_future(move || async move { known.set(platform::own_authority().await) });
    let Some(fingerprint) = known() else {
        return rsx! {};
    };
    rsx! {
        details { class: "certificate",
            summary { {words.own_authority} }
            p { {words.own_authority_text} }
            code { class: "fingerprint", "{fingerprint}" }
            a { class: "button quiet", href: "/ca.crt", download: "kith-ca.crt", {words.own_authority_get} }
        }
    }
}
