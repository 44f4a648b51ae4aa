//! From a link or an address to an account.

mod credentials;
mod server;

use std::rc::Rc;

use dioxus::prelude::*;
use kith_client::{Guest, ServerAddress};
use kith_common::InviteLink;

use super::certificate::Certificate;
use crate::platform;
use crate::settings::use_words;
use crate::ui::Mark;

use credentials::Credentials;
#[cfg(all(test, feature = "desktop"))]
pub(super) use server::Question;
use server::ServerChoice;

/// A server that was reached and is trusted.
#[derive(Clone)]
pub(super) struct Reached {
    /// Where it is, and the code of an invite.
    link: InviteLink,
    /// The connection; none after it was used up.
    guest: Rc<std::cell::RefCell<Option<Guest>>>,
    /// `open`, `invite` or `closed`.
    registration: String,
}

/// The same link on the same connection.
impl PartialEq for Reached {
    fn eq(&self, other: &Self) -> bool {
        self.link == other.link && Rc::ptr_eq(&self.guest, &other.guest)
    }
}

/// Joins a server, or comes back to it.
#[component]
pub fn Join(again: Option<(ServerAddress, String)>) -> Element {
    let words = use_words();
    let mut reached = use_signal(|| None::<Reached>);
    let was_here = again.is_some();
    let (server, username) = again.unzip();
    // The link is taken once: a code that was used leaves the address bar and doesn't come back.
    let link = use_hook(|| {
        platform::take_link().or_else(|| {
            let server = server.or_else(platform::own_server)?;
            Some(InviteLink {
                host: server.host,
                port: server.port,
                pin: None,
                code: None,
            })
        })
    });
    rsx! {
        main { class: "join",
            div { class: "card",
                header { class: "brand",
                    Mark {}
                    h1 { "Kith" }
                    if was_here {
                        p { role: "status", {words.session_ended} }
                    } else {
                        p { if link.as_ref().is_some_and(|link| link.code.is_some()) { {words.invited} } else { {words.app_claim} } }
                    }
                }
                match reached() {
                    None => rsx! {
                        ServerChoice { link, onreached: move |found| reached.set(Some(found)) }
                    },
                    Some(found) => rsx! {
                        Credentials {
                            reached: found,
                            username: username.unwrap_or_default(),
                            onback: move |()| reached.set(None),
                        }
                    },
                }
                Certificate {}
            }
        }
    }
}
