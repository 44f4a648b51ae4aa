//! How far a file has come, and what can be done about it.

use dioxus::prelude::*;
use kith_client::EngineError;

use crate::settings::use_words;
use crate::state::{use_account, use_toasts};
use crate::text;
use crate::ui::{IconButton, Ring, Sign};

/// How many bytes of a transfer are there, of how many. Only what shows it is drawn again while it changes.
pub(super) fn use_moved(id: Option<u64>) -> Memo<Option<(u64, u64)>> {
    let account = use_account();
    use_memo(use_reactive!(|id| id.and_then(|id| account.files.moved(id))))
}

/// A ring around what holds a file up, or lets it go on. Small ones are there too soon for that.
#[component]
pub(super) fn Moving(id: u64, name: String, is_paused: bool, is_large: bool) -> Element {
    let words = use_words();
    let account = use_account();
    let say = use_say();
    let moved = use_moved(Some(id));
    let part = moved()
        .filter(|(_, total)| *total > 0)
        .map(|(done, total)| done as f64 / total as f64);
    let toggle = move |_| {
        dioxus::core::spawn_forever(async move {
            let engine = account.engine();
            say.call(match is_paused {
                true => engine.resume(id).await,
                false => engine.pause(id).await,
            });
        });
    };
    let (sign, label) = match is_paused {
        true => (Sign::Play, words.resume),
        false => (Sign::Pause, words.pause),
    };
    rsx! {
        span { class: "moving",
            Ring { label: "{words.under_way}: {name}", part }
            if is_large {
                IconButton { sign, label: "{label}: {name}", onclick: toggle }
            }
        }
    }
}

/// Calls a file off.
#[component]
pub(super) fn CallOff(id: u64, name: String) -> Element {
    let words = use_words();
    let account = use_account();
    let say = use_say();
    rsx! {
        IconButton {
            sign: Sign::Close,
            label: "{words.call_off}: {name}",
            onclick: move |_| {
                dioxus::core::spawn_forever(async move { say.call(account.engine().discard(id).await) });
            },
        }
    }
}

fn use_say() -> Callback<Result<(), EngineError>> {
    let words = use_words();
    let toasts = use_toasts();
    use_callback(move |result| match result {
        // It had arrived by then.
        Ok(()) | Err(EngineError::NotPending) => {}
        Err(error) => toasts.say(text::why_engine(words, &error)),
    })
}
