use std::time::Duration;

use dioxus::prelude::*;
use kith_client::Status;

use crate::app::{Screen, Shown};
use crate::platform;
use crate::settings::use_words;
use crate::state::use_account;
use crate::text;
use crate::ui::{Banner, Tone};

/// How long a connection may take before anything is said of it, in milliseconds: most are there by then.
const PATIENCE: u64 = 1_200;

/// A quiet line about the connection, while there is none.
#[component]
pub(super) fn Connection() -> Element {
    let words = use_words();
    let account = use_account();
    let mut screen: Shown = use_context();
    let mut patient = use_signal(|| true);
    use_effect(move || {
        let calm = matches!(*account.status.read(), Status::Online);
        if calm {
            patient.set(true);
        } else if *patient.peek() {
            spawn(async move {
                platform::sleep(PATIENCE).await;
                if !matches!(*account.status.peek(), Status::Online) {
                    patient.set(false);
                }
            });
        }
    });
    let reconnect = move |()| {
        spawn(async move { account.engine().network_changed().await });
    };
    match &*account.status.read() {
        Status::Online | Status::Closed => rsx! {},
        Status::Connecting if patient() => rsx! {},
        Status::Connecting => rsx! { Banner { text: words.connecting } },
        Status::Offline { .. } if patient() => rsx! {},
        Status::Offline { retry_in, .. } => rsx! {
            Banner { tone: Tone::Warn, text: words.offline, action: words.reconnect.to_owned(), onaction: reconnect,
                NextTry { retry_in: *retry_in }
            }
        },
        Status::SessionEnded => rsx! {
            Banner {
                tone: Tone::Bad,
                text: words.session_ended,
                action: words.login.to_owned(),
                onaction: move |()| screen.set(Screen::Join { again: Some((account.server(), account.me())) }),
            }
        },
        Status::Refused(error) => {
            let error = error.to_string();
            rsx! {
                Banner { tone: Tone::Bad, text: error, action: words.try_again.to_owned(), onaction: reconnect }
            }
        }
        Status::Failed(error) => {
            let why = text::why_engine(words, &error.clone().into());
            rsx! {
                Banner {
                    tone: Tone::Bad,
                    text: "{words.storage_failed}: {why}",
                    action: words.try_again.to_owned(),
                    onaction: reconnect,
                }
            }
        }
    }
}

/// When it is tried again, counted from when this is shown first.
#[component]
fn NextTry(retry_in: Duration) -> Element {
    let words = use_words();
    let begun = use_hook(platform::now);
    let mut passed = use_signal(|| 0_u64);
    use_future(move || async move {
        loop {
            platform::sleep(1_000).await;
            // A page in the background is woken late.
            passed.set(u64::try_from(platform::now() - begun).unwrap_or_default() / 1_000);
        }
    });
    let left = retry_in
        .as_millis()
        .div_ceil(1_000)
        .try_into()
        .unwrap_or(u64::MAX);
    match left.saturating_sub(passed()) {
        0 => rsx! {},
        left => rsx! { {(words.next_try)(left)} },
    }
}
