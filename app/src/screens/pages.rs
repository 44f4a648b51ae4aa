//! The screens that a browser never shows, because it has verified its server itself, written down as pages for a browser: so that
//! `tests/ui` can look at them as at all others.

use std::path::Path;

use dioxus::prelude::*;
use kith_client::ServerAddress;
use kith_common::Pin;

use super::join::Question;
use super::{Alarm, Join};
use crate::app::Screen;
use crate::settings::Settings;
use crate::state::Toasts;
use crate::style;

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Server,
    Question,
    Alarm,
}

#[component]
fn Page(what: What) -> Element {
    Settings::provide();
    Toasts::provide();
    use_context_provider(|| Signal::new(Screen::Starting));
    let pin = Pin([0x5f; 32]);
    let server = ServerAddress {
        host: "chat.example".to_owned(),
        port: 7443,
    };
    rsx! {
        div { class: "kith",
            match what {
                What::Server => rsx! { Join { again: None } },
                What::Question => rsx! {
                    Join { again: None }
                    Question { pin, onsame: |()| {}, onclose: |()| {} }
                },
                What::Alarm => rsx! { Alarm { server, presented: Some(pin) } },
            }
        }
    }
}

/// In the folder that `KITH_PAGES` names, if it names one.
#[test]
fn screens_that_no_browser_shows_are_written_down() {
    let folder = std::env::var_os("KITH_PAGES");
    for (what, says) in [
        (What::Server, "The address you were given"),
        (What::Question, "Is this your server?"),
        (What::Alarm, "The server’s key has changed"),
    ] {
        let mut dom = VirtualDom::new_with_props(Page, PageProps { what });
        dom.rebuild_in_place();
        let body = dioxus_ssr::render(&dom);
        assert!(body.contains(says), "{body}");
        let Some(folder) = &folder else { continue };
        let page = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Kith</title>\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <style>{}</style></head><body><div id=\"main\">{body}</div></body></html>",
            style::SHEET
        );
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(Path::new(folder).join(format!("{what:?}.html")), page).unwrap();
    }
}
