//! An account: the list, and beside it or above it what was chosen.

use dioxus::prelude::*;
use kith_client::{Status, TrustError};
use kith_common::Presence;

use super::add_contact::AddContact;
use super::chat::ChatPane;
use super::connection::Connection;
use super::conversations::Conversations;
use super::settings::SettingsPane;
use super::shortcuts::{self, Shortcut};
use crate::accounts;
use crate::app::{Screen, Shown};
use crate::platform;
use crate::settings::{use_settings, use_words};
use crate::state::{Account, Opened, Page};
use crate::ui::Empty;

/// An account whose engine is open.
#[component]
pub fn Home(opened: Opened) -> Element {
    let words = use_words();
    let settings = use_settings();
    let mut screen: Shown = use_context();
    let account = Account::provide(opened, settings);
    let mut adding = use_signal(|| false);
    platform::use_back(move || account.close_page());
    platform::use_looked_at(move |looked_at| {
        spawn(async move {
            let presence = if looked_at {
                Presence::Online
            } else {
                Presence::Away
            };
            account.engine().set_presence(presence).await;
            if looked_at {
                // Another page of the same browser may have been written in.
                account.drafts.load().await;
                // A phone that slept doesn't know yet that its connection is gone.
                account.engine().network_changed().await;
            }
        });
    });
    use_future(move || async move {
        let presence = if platform::is_looked_at() {
            Presence::Online
        } else {
            Presence::Away
        };
        account.engine().set_presence(presence).await;
    });
    use_effect(move || {
        let unread = account.unread();
        platform::set_unread(unread);
    });
    use_effect(move || {
        match &*account.status.read() {
            // A key that changed is no matter of a line at the edge.
            Status::Refused(TrustError::WrongKey { presented }) => {
                let presented = Some(*presented);
                screen.set(Screen::Alarm {
                    server: account.server(),
                    presented,
                });
            }
            // Whoever ended it from elsewhere may not want this device to show anything any more.
            Status::SessionEnded if !*account.leaving.read() => {
                let again = Some((account.server(), account.me()));
                spawn(async move {
                    accounts::leave(account.engine()).await;
                    screen.set(Screen::Join { again });
                });
            }
            _ => {}
        }
    });
    let mut searching = use_signal(|| 0_u32);
    let onkeydown = move |event: KeyboardEvent| {
        let Some(shortcut) = Shortcut::of(&event) else {
            return;
        };
        event.prevent_default();
        match shortcut {
            Shortcut::Search => *searching.write() += 1,
            Shortcut::Settings => account.show_settings(),
            Shortcut::Previous => shortcuts::step(account, false),
            Shortcut::Next => shortcuts::step(account, true),
        }
    };
    let page = account.page.read().clone();
    let open = if page == Page::Nothing { "false" } else { "true" };
    rsx! {
        Connection {}
        main {
            class: "panes",
            "data-open": open,
            // Keys come here even before anything else has the focus.
            tabindex: "-1",
            onmounted: move |event| async move {
                let _ = event.set_focus(true).await;
            },
            onkeydown,
            nav { class: "side", "aria-label": words.chats,
                Conversations { searching, onadd: move |()| adding.set(true) }
            }
            section { class: "main",
                match page {
                    Page::Nothing => rsx! { Empty { title: words.pick_chat } },
                    Page::Chat(place) => rsx! { ChatPane { key: "{place}", place } },
                    Page::Settings => rsx! { SettingsPane {} },
                }
            }
        }
        if adding() {
            AddContact { onclose: move |()| adding.set(false) }
        }
    }
}
