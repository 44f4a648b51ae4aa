use dioxus::prelude::*;
use kith_common::ContactAction;

use crate::settings::use_words;
use crate::state::{use_account, use_toasts};
use crate::text;
use crate::ui::{Avatar, Button, Kind};

/// Those who were blocked.
#[component]
pub(super) fn Blocked() -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let blocked = account.contacts.read().blocked.clone();
    let unblock = move |person: String| {
        spawn(async move {
            let Ok(username) = person.parse() else { return };
            if let Err(error) = account
                .engine()
                .change_contact(ContactAction::Unblock, &username)
                .await
            {
                toasts.say(text::why_engine(words, &error));
            }
        });
    };
    rsx! {
        section {
            h2 { {words.blocked_people} }
            div { class: "card",
                if blocked.is_empty() {
                    p { class: "soft", {words.nobody_blocked} }
                }
                for person in blocked {
                    div { key: "{person}", class: "line",
                        Avatar { username: person.clone(), name: account.called(&person), size: "small" }
                        span { class: "body", {account.called(&person)} }
                        Button {
                            kind: Kind::Text,
                            onclick: move |_| unblock(person.clone()),
                            {words.unblock}
                        }
                    }
                }
            }
        }
    }
}
