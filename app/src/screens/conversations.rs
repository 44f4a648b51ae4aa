use std::rc::Rc;

use dioxus::prelude::*;
use kith_common::Presence;

use crate::model::list::{Last, Line, Place};
use crate::platform;
use crate::settings::{use_settings, use_words};
use crate::state::{Page, use_account};
use crate::text;
use crate::ui::{Avatar, Button, Empty, Icon, IconButton, Sign, Skeleton};

/// The list of conversations and contacts.
#[component]
pub(super) fn Conversations(
    /// Counts how often it was asked for the search.
    searching: Signal<u32>,
    onadd: EventHandler<()>,
) -> Element {
    let words = use_words();
    let account = use_account();
    let mut wanted = use_signal(String::new);
    let lines = use_memo(move || account.lines());
    let shown = use_memo(move || {
        let wanted = wanted.read().trim().to_lowercase();
        let matches = |line: &Line| {
            line.people.iter().any(|person| {
                person.to_lowercase().contains(&wanted)
                    || account.called(person).to_lowercase().contains(&wanted)
            }) || matches!(&line.last, Last::Text(text, _) if text.to_lowercase().contains(&wanted))
        };
        lines.read().as_ref().map(|lines| {
            let found = lines.iter().filter(|line| wanted.is_empty() || matches(line));
            found.cloned().collect::<Vec<_>>()
        })
    });
    let mut field = use_signal(|| None::<Rc<MountedData>>);
    use_effect(move || {
        let asked = *searching.read() > 0;
        if let Some(field) = field.peek().clone().filter(|_| asked) {
            spawn(async move {
                let _ = field.set_focus(true).await;
            });
        }
    });
    rsx! {
        header { class: "bar",
            h1 { {words.chats} }
            IconButton { sign: Sign::PersonPlus, label: words.add_contact, onclick: move |_| onadd.call(()) }
            IconButton { sign: Sign::Settings, label: words.settings, onclick: move |_| account.show_settings() }
        }
        div { class: "search",
            Icon { sign: Sign::Search }
            input {
                r#type: "search",
                "aria-label": words.search,
                placeholder: words.search,
                onmounted: move |event| field.set(Some(event.data())),
                oninput: move |event| wanted.set(event.value()),
            }
        }
        div { class: "scroll",
            match &*shown.read() {
                None => rsx! { Skeleton { lines: 6 } },
                Some(found) if found.is_empty() && wanted.read().trim().is_empty() => rsx! {
                    Empty { title: words.no_chats, text: words.no_chats_text.to_owned(),
                        Button { onclick: move |_| onadd.call(()),
                            Icon { sign: Sign::PersonPlus }
                            {words.add_contact}
                        }
                    }
                },
                Some(found) if found.is_empty() => rsx! { Empty { title: words.nothing_found } },
                Some(found) => rsx! {
                    ul {
                        for line in found.iter() {
                            li { key: "{line.place}", ConversationLine { line: line.clone() } }
                        }
                    }
                },
            }
        }
    }
}

/// One line of the list.
#[component]
fn ConversationLine(line: Line) -> Element {
    let words = use_words();
    let language = use_settings().language();
    let account = use_account();
    let person = line.people.first().cloned().unwrap_or_default();
    let names: Vec<String> = line.people.iter().map(|person| account.called(person)).collect();
    let name = names.join(", ");
    let presence = account.presence(&person);
    let conversation = account.engine().conversation_with(&person);
    let typing = conversation.is_some_and(|id| !account.typing_in(&id).is_empty());
    let today = platform::local(platform::now()).day;
    let time = line
        .time
        .map(|time| text::list_time(language.words(), platform::local(time), today));
    let current = *account.page.read() == Page::Chat(line.place.clone());
    let place: Place = line.place.clone();
    let said = match presence {
        Presence::Online => Some(words.online),
        Presence::Away => Some(words.away),
        Presence::Offline => None,
    };
    rsx! {
        button {
            class: if line.unread > 0 { "row unread" } else { "row" },
            r#type: "button",
            "aria-current": if current { "true" },
            onclick: move |_| account.show(place.clone()),
            Avatar { username: person.clone(), name: name.clone(), picture: account.picture(&person), presence }
            span { class: "body",
                span { class: "line",
                    span { class: "name", dir: "auto", "{name}" }
                    if let Some(said) = said {
                        span { class: "hidden", ", {said}" }
                    }
                    if let Some(time) = time {
                        span { class: "time", "{time}" }
                    }
                }
                span { class: "line",
                    if typing {
                        span { class: "soft typing", {words.typing} }
                    } else {
                        span { class: "soft", LastLine { last: line.last.clone(), username: person } }
                    }
                    if line.failed {
                        Icon { sign: Sign::Alert, class: "small" }
                    }
                    if line.unread > 0 {
                        span { class: "count", "aria-hidden": "true", if line.unread > 99 { "99+" } else { "{line.unread}" } }
                        span { class: "hidden", {(words.unread)(line.unread)} }
                    }
                }
            }
        }
    }
}

/// The last thing that was said.
#[component]
fn LastLine(last: Last, username: String) -> Element {
    let words = use_words();
    let you = |own: bool| {
        if own {
            format!("{}: ", words.you)
        } else {
            String::new()
        }
    };
    match last {
        Last::Nothing => rsx! { "@{username}" },
        Last::Draft(text) => rsx! {
            span { class: "draft", {words.draft} }
            " "
            bdi { "{text}" }
        },
        Last::Text(text, own) => rsx! {
            "{you(own)}"
            bdi { "{text}" }
        },
        Last::File(name, own) => rsx! {
            "{you(own)}"
            Icon { sign: Sign::Attach, class: "small" }
            " "
            bdi { "{name}" }
        },
        Last::Erased => rsx! { em { {words.deleted} } },
        Last::Unreadable => rsx! { em { {words.unreadable} } },
    }
}
