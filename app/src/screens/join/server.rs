use std::cell::RefCell;
use std::rc::Rc;

use dioxus::prelude::*;
use kith_client::{Error, Guest, Trust, TrustError};
use kith_common::{InviteLink, Pin};

use super::Reached;
use crate::accounts;
use crate::app::{Screen, Shown};
use crate::platform;
use crate::settings::use_words;
use crate::text;
use crate::ui::{Button, Dialog, Field, Kind, Mark};

/// Names a server and reaches it. A link goes on by itself.
#[component]
pub(super) fn ServerChoice(link: Option<InviteLink>, onreached: EventHandler<Reached>) -> Element {
    let words = use_words();
    let mut screen: Shown = use_context();
    let mut typed = use_signal(String::new);
    let mut error = use_signal(|| None::<String>);
    let mut busy = use_signal(|| false);
    let mut unknown = use_signal(|| None::<(InviteLink, Pin)>);
    let mut connect = move |link: InviteLink| {
        busy.set(true);
        error.set(None);
        spawn(async move {
            match reach(&link).await {
                Ok(guest) => {
                    let registration = guest.hello().registration.clone();
                    onreached.call(Reached {
                        link,
                        guest: Rc::new(RefCell::new(Some(guest))),
                        registration,
                    });
                }
                Err(Error::Trust(TrustError::Untrusted { pin })) => unknown.set(Some((link, pin))),
                Err(Error::Trust(TrustError::WrongKey { presented })) => screen.set(Screen::Alarm {
                    server: (&link).into(),
                    presented: Some(presented),
                }),
                Err(failed) => {
                    typed.set(address(&link));
                    error.set(Some(text::why(words, &failed)));
                }
            }
            busy.set(false);
        });
    };
    let own = link.clone();
    use_hook(move || {
        if let Some(link) = own {
            connect(link);
        }
    });
    let submit = move |event: FormEvent| {
        event.prevent_default();
        match typed.peek().parse::<InviteLink>() {
            Ok(link) => connect(link),
            Err(_) => error.set(Some(words.server_bad.to_owned())),
        }
    };
    // In a browser there is one server: where the page came from.
    if platform::own_server().is_some() {
        let again = link;
        return rsx! {
            if let Some(error) = error() {
                p { role: "alert", "{error}" }
                Button {
                    onclick: move |_| {
                        if let Some(link) = again.clone() {
                            connect(link);
                        }
                    },
                    {words.try_again}
                }
            } else {
                div { class: "connecting", role: "status",
                    Mark {}
                    h1 { "Kith" }
                    p { {words.connecting} }
                }
            }
        };
    }
    rsx! {
        form { onsubmit: submit, novalidate: true,
            Field {
                id: "server",
                label: words.server,
                hint: words.server_hint.to_owned(),
                placeholder: "chat.example:7443",
                keyboard: "url",
                value: typed(),
                error: error(),
                focus: true,
                oninput: move |value| {
                    typed.set(value);
                    error.set(None);
                },
            }
            Button { submit: true, wide: true, busy: busy(), disabled: typed.read().trim().is_empty(), {words.connect} }
        }
        if let Some((link, pin)) = unknown() {
            Question {
                pin,
                onsame: move |()| {
                    unknown.set(None);
                    connect(InviteLink { pin: Some(pin), ..link.clone() });
                },
                onclose: move |()| unknown.set(None),
            }
        }
    }
}

/// Whether a server that nobody vouches for is the one that is meant.
#[component]
pub(in crate::screens) fn Question(
    /// What it shows.
    pin: Pin,
    onsame: EventHandler<()>,
    onclose: EventHandler<()>,
) -> Element {
    let words = use_words();
    rsx! {
        Dialog { title: words.unknown_server, onclose,
            p { {words.unknown_server_text} }
            code { class: "fingerprint", "{pin}" }
            div { class: "actions",
                Button { kind: Kind::Quiet, onclick: move |_| onclose.call(()), {words.cancel} }
                Button { onclick: move |_| onsame.call(()), {words.fingerprint_same} }
            }
        }
    }
}

/// Connects to where a link leads: by its pin, by what this device knows of the server, or by the public authorities.
pub(super) async fn reach(link: &InviteLink) -> Result<Guest, Error> {
    let trust = link.pin.map(|_| Trust::of_link(link));
    let target = accounts::target(&link.into(), trust).await;
    let target = target.map_err(|error| Error::Local(error.to_string()))?;
    platform::beside(Guest::connect(target)).await
}

fn address(link: &InviteLink) -> String {
    kith_client::ServerAddress::from(link).to_string()
}
