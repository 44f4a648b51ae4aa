//! Keys in a browser.

use dioxus::prelude::*;
use dioxus::web::WebEventExt as _;

/// What a key stands for (W3C, "UI Events KeyboardEvent key Values"): what it writes, or its name.
pub fn key(event: &KeyboardEvent) -> String {
    // To read it into Dioxus' list of all keys there are would take three kilobytes on the way here.
    event
        .try_as_web_event()
        .map(|event| event.key())
        .unwrap_or_default()
}
