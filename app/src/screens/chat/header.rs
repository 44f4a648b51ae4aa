use dioxus::prelude::*;
use kith_common::{ContactAction, Presence};

use super::Over;
use crate::model::list::Place;
use crate::settings::use_words;
use crate::state::{Chat, use_account, use_toasts};
use crate::text;
use crate::ui::{Ask, Avatar, IconButton, Menu, MenuItem, Sign};

/// Whom the conversation is with.
#[component]
pub(super) fn Header() -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let chat: Chat = use_context();
    let mut over: Over = use_context();
    let place = chat.place.peek().clone();
    let mut menu = use_signal(|| false);
    let mut asking = use_signal(|| false);
    let person = match &place {
        Place::With(person) => person.clone(),
        Place::Of(id) => id.clone(),
    };
    let name = account.called(&person);
    let presence = account.presence(&person);
    let about = account.about(&person);
    let blocked = account.has_blocked(&person);
    let is_contact = account.contacts.read().contacts.contains(&person);
    let to_change = person.clone();
    let change = move |action: ContactAction| {
        let person = to_change.clone();
        menu.set(false);
        spawn(async move {
            let Ok(username) = person.parse() else { return };
            if let Err(error) = account.engine().change_contact(action, &username).await {
                toasts.say(text::why_engine(words, &error));
            }
        });
    };
    let (block, unblock, add, remove) = (change.clone(), change.clone(), change.clone(), change);
    let line = match presence {
        Presence::Online => words.online.to_owned(),
        Presence::Away => words.away.to_owned(),
        Presence::Offline if about.is_empty() => format!("@{person}"),
        Presence::Offline => about,
    };
    rsx! {
        header { class: "bar",
            IconButton { sign: Sign::Back, class: "back", label: words.back, onclick: move |_| account.go_back() }
            div { class: "who",
                Avatar { username: person.clone(), name: name.clone(), picture: account.picture(&person), presence }
                div { class: "body",
                    h1 { dir: "auto", "{name}" }
                    p { class: "soft", dir: "auto", "{line}" }
                }
            }
            div { class: "side-foot",
                IconButton {
                    sign: Sign::More,
                    label: words.more,
                    expanded: menu(),
                    onclick: move |_| menu.toggle(),
                }
                if menu() {
                    Menu { label: words.more, onclose: move |()| menu.set(false),
                        MenuItem {
                            sign: Sign::Picture,
                            first: true,
                            onclick: move |()| {
                                menu.set(false);
                                over.gallery.set(true);
                            },
                            {words.files}
                        }
                        if is_contact {
                            MenuItem { sign: Sign::Close, onclick: move |()| remove.clone()(ContactAction::Remove), {words.remove_contact} }
                        } else {
                            MenuItem { sign: Sign::PersonPlus, onclick: move |()| add.clone()(ContactAction::Add), {words.add_contact} }
                        }
                        if blocked {
                            MenuItem { sign: Sign::Block, onclick: move |()| unblock.clone()(ContactAction::Unblock), {words.unblock} }
                        } else {
                            MenuItem {
                                sign: Sign::Block,
                                danger: true,
                                onclick: move |()| {
                                    menu.set(false);
                                    asking.set(true);
                                },
                                {words.block}
                            }
                        }
                    }
                }
            }
        }
        if asking() {
            Ask {
                title: words.block,
                text: (words.block_ask)(&name),
                action: words.block,
                onconfirm: move |()| block.clone()(ContactAction::Block),
                onclose: move |()| asking.set(false),
            }
        }
    }
}
