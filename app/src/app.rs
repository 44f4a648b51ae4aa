//! The root: which screen is shown.

use dioxus::prelude::*;
use kith_client::{AccountsError, ServerAddress};
use kith_common::Pin;

use crate::accounts::{self, Last};
use crate::platform;
use crate::screens::{Alarm, Handed, Home, Join};
use crate::settings::{Settings, Theme};
use crate::state::{Opened, Toasts};
use crate::text;
use crate::ui::{Button, Icon, IconButton, Kind, Sign, Spinner};

/// What is shown.
#[derive(Clone, PartialEq)]
pub enum Screen {
    /// That the app begins.
    Starting,
    /// How to join a server. An account that was logged out goes on with the same name.
    Join {
        /// Who was logged out, and where.
        again: Option<(ServerAddress, String)>,
    },
    /// An account.
    Home(Opened),
    /// That a server shows a key that it shouldn't.
    Alarm {
        /// Which server.
        server: ServerAddress,
        /// What it shows.
        presented: Option<Pin>,
    },
    /// That the app can't begin.
    Failed(AccountsError),
}

/// The screen, for whoever changes it.
pub type Shown = Signal<Screen>;

/// The app.
#[component]
pub fn App() -> Element {
    let settings = Settings::provide();
    let toasts = Toasts::provide();
    let mut screen: Shown = use_context_provider(|| Signal::new(Screen::Starting));
    use_future(move || async move {
        settings.load().await;
        screen.set(first_screen().await);
    });
    let words = settings.language().words();
    let theme = match settings.theme() {
        Theme::System => None,
        theme => Some(theme.name()),
    };
    rsx! {
        div { class: "kith", lang: settings.language().tag(), "data-theme": theme,
            match screen() {
                Screen::Starting => rsx! {
                    main { class: "empty", "aria-label": words.loading, Spinner {} }
                },
                Screen::Join { again } => rsx! { Join { again } },
                Screen::Home(opened) => rsx! { Home { key: "{opened.name} {opened.engine.me().device}", opened } },
                Screen::Alarm { server, presented } => rsx! { Alarm { server, presented } },
                Screen::Failed(error) => rsx! {
                    main { class: "alarm",
                        Icon { sign: Sign::Alert, class: "large" }
                        div { class: "stack", role: "alert",
                            h1 { {words.storage_failed} }
                            p { {text::why_accounts(words, &error)} }
                        }
                        Button {
                            kind: Kind::Quiet,
                            onclick: move |_| {
                                spawn(async move { screen.set(first_screen().await) });
                            },
                            {words.try_again}
                        }
                    }
                },
            }
            if platform::TAKES_LINKS {
                Handed {}
            }
            div { class: "toasts", role: "status", "aria-live": "polite",
                for (id, text) in toasts.shown() {
                    div { key: "{id}", class: "toast",
                        span { "{text}" }
                        IconButton { sign: Sign::Close, label: words.dismiss, onclick: move |_| toasts.dismiss(id) }
                    }
                }
            }
        }
    }
}

/// The account that was used last, or how to join. An invite goes first.
async fn first_screen() -> Screen {
    if platform::has_invite() {
        return Screen::Join { again: None };
    }
    match accounts::open_last().await {
        Ok(Last::Opened(opened)) => Screen::Home(opened),
        Ok(Last::LoggedOut(server, username)) => Screen::Join {
            again: Some((server, username)),
        },
        Ok(Last::Nobody) => Screen::Join { again: None },
        Err(error) => Screen::Failed(error),
    }
}
