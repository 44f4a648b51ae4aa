use dioxus::prelude::*;
use kith_client::Progress;
use kith_common::{ContactAction, Username};

use crate::model::list::Place;
use crate::settings::use_words;
use crate::state::use_account;
use crate::text;
use crate::ui::{Button, Dialog, Field, Kind};

/// Adds somebody by their user name, and opens the conversation with them.
#[component]
pub(super) fn AddContact(onclose: EventHandler<()>) -> Element {
    let words = use_words();
    let account = use_account();
    let mut name = use_signal(String::new);
    let mut error = use_signal(|| None::<String>);
    let mut busy = use_signal(|| false);
    let submit = move |event: FormEvent| {
        event.prevent_default();
        let typed = name.peek().trim().trim_start_matches('@').to_owned();
        let Ok(person) = typed.parse::<Username>() else {
            error.set(Some(words.username_bad.to_owned()));
            return;
        };
        if person.as_str().eq_ignore_ascii_case(&account.me()) {
            error.set(Some(words.yourself.to_owned()));
            return;
        }
        busy.set(true);
        spawn(async move {
            match add(account, &person).await {
                Ok(known) => {
                    onclose.call(());
                    account.show(Place::With(known));
                }
                Err(said) => error.set(Some(said(words))),
            }
            busy.set(false);
        });
    };
    rsx! {
        Dialog { title: words.add_contact, onclose,
            form { class: "stack", onsubmit: submit, novalidate: true,
                Field {
                    id: "person",
                    label: words.username,
                    hint: words.add_contact_text.to_owned(),
                    value: name(),
                    error: error(),
                    focus: true,
                    maxlength: 33,
                    oninput: move |value| {
                        name.set(value);
                        error.set(None);
                    },
                }
                div { class: "actions",
                    Button { kind: Kind::Quiet, onclick: move |_| onclose.call(()), {words.cancel} }
                    Button { submit: true, busy: busy(), disabled: name.read().trim().is_empty(), {words.add} }
                }
            }
        }
    }
}

/// Why somebody can't be added, to be said in a language.
type Said = Box<dyn FnOnce(&'static text::Words) -> String>;

/// Adds a contact, once the server knows them. Returns how they write their name.
async fn add(account: crate::state::Account, person: &Username) -> Result<String, Said> {
    let engine = account.engine();
    // Asked at once rather than left in the outbox: somebody who mistypes wants to know now.
    let known = match engine.fetch_profile(person.as_str()).await {
        Ok(reply) => reply.profile.username,
        Err(error) => return Err(Box::new(move |words| text::why_engine(words, &error))),
    };
    let username: Username = known.parse().unwrap_or_else(|_| person.clone());
    let failed = |error| -> Said { Box::new(move |words| text::why_engine(words, &error)) };
    let id = engine
        .change_contact(ContactAction::Add, &username)
        .await
        .map_err(failed)?;
    match engine.settled(id).await.map_err(failed)? {
        Progress::Failed(error) => {
            // It has been said; nothing is left to try again.
            let _ = engine.discard(id).await;
            Err(Box::new(move |words| text::why_refused(words, &error)))
        }
        _ => Ok(known),
    }
}
