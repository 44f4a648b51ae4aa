//! What a person can change about their account and this device.

mod about;
mod account;
mod devices;
mod people;
mod profile;

use dioxus::prelude::*;

use crate::platform;
use crate::settings::{Theme, use_settings, use_words};
use crate::state::{use_account, use_toasts};
use crate::text::Language;
use crate::ui::{Choices, IconButton, Sign, Switch};

use about::{About, Keys};
use account::AccountCard;
use devices::Devices;
use people::Blocked;
use profile::ProfileCard;

/// The settings.
#[component]
pub(super) fn SettingsPane() -> Element {
    let words = use_words();
    let account = use_account();
    rsx! {
        header { class: "bar",
            IconButton { sign: Sign::Back, class: "back", label: words.back, onclick: move |_| account.go_back() }
            h1 { {words.settings} }
        }
        div { class: "settings scroll",
            div { class: "column",
                ProfileCard {}
                Appearance {}
                Notifications {}
                Devices {}
                AccountCard {}
                Blocked {}
                Keys {}
                About {}
            }
        }
    }
}

#[component]
fn Appearance() -> Element {
    let words = use_words();
    let settings = use_settings();
    let themes = vec![
        words.theme_system.to_owned(),
        words.theme_light.to_owned(),
        words.theme_dark.to_owned(),
    ];
    let theme = Theme::ALL
        .iter()
        .position(|theme| *theme == settings.theme())
        .unwrap_or_default();
    let languages = Language::ALL.map(|language| language.name().to_owned()).to_vec();
    let language = Language::ALL
        .iter()
        .position(|language| *language == settings.language())
        .unwrap_or_default();
    rsx! {
        section {
            h2 { {words.appearance} }
            div { class: "card",
                h3 { {words.theme} }
                Choices {
                    label: words.theme,
                    options: themes,
                    chosen: theme,
                    onchoose: move |place: usize| {
                        if let Some(theme) = Theme::ALL.get(place) {
                            settings.set_theme(*theme);
                        }
                    },
                }
                h3 { {words.language} }
                Choices {
                    label: words.language,
                    options: languages,
                    chosen: language,
                    onchoose: move |place: usize| {
                        if let Some(language) = Language::ALL.get(place) {
                            settings.set_language(*language);
                        }
                    },
                }
            }
        }
    }
}

#[component]
fn Notifications() -> Element {
    let words = use_words();
    let settings = use_settings();
    let toasts = use_toasts();
    let change = move |on: bool| {
        spawn(async move {
            if on && !platform::allow_notifications().await {
                toasts.say(words.notify_denied);
            } else {
                settings.set_notify(on);
            }
        });
    };
    rsx! {
        section {
            h2 { {words.notifications} }
            div { class: "card",
                div { class: "line",
                    span { class: "body", {words.notify} }
                    Switch { label: words.notify, on: settings.notify(), onchange: change }
                }
            }
        }
    }
}
