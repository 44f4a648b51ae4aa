use dioxus::prelude::*;

use crate::accounts;
use crate::app::{Screen, Shown};
use crate::model::secret::{Strength, strength};
use crate::settings::use_words;
use crate::state::{use_account, use_toasts};
use crate::text;
use crate::ui::{Ask, Button, Dialog, Icon, Kind, PasswordField, Sign};

/// The password, and the way out.
#[component]
pub(super) fn AccountCard() -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let mut screen: Shown = use_context();
    let mut changing = use_signal(|| false);
    let mut leaving = use_signal(|| false);
    let mut leaving_now = account.leaving;
    let log_out = move |()| {
        leaving_now.set(true);
        // To its end, whatever is shown meanwhile.
        dioxus::core::spawn_forever(async move {
            match accounts::log_out(account.engine(), &account.name()).await {
                Ok(()) => screen.set(Screen::Join { again: None }),
                Err(error) => {
                    leaving_now.set(false);
                    toasts.say(text::why_engine(words, &error));
                }
            }
        });
    };
    let unsent = !account.outbox.read().is_empty();
    let ask = if unsent {
        format!("{} {}", words.log_out_ask, words.log_out_unsent)
    } else {
        words.log_out_ask.to_owned()
    };
    rsx! {
        section {
            h2 { {words.account} }
            div { class: "card",
                Button { kind: Kind::Quiet, onclick: move |_| changing.set(true),
                    Icon { sign: Sign::Lock }
                    {words.change_password}
                }
                Button { kind: Kind::Danger, onclick: move |_| leaving.set(true),
                    Icon { sign: Sign::LogOut }
                    {words.log_out}
                }
            }
        }
        if changing() {
            ChangePassword { onclose: move |()| changing.set(false) }
        }
        if leaving() {
            Ask {
                title: words.log_out,
                text: ask,
                action: words.log_out,
                onconfirm: log_out,
                onclose: move |()| leaving.set(false),
            }
        }
    }
}

#[component]
fn ChangePassword(onclose: EventHandler<()>) -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let mut old = use_signal(String::new);
    let mut new = use_signal(String::new);
    let mut old_error = use_signal(|| None::<String>);
    let mut new_error = use_signal(|| None::<String>);
    let mut busy = use_signal(|| false);
    let me = account.me();
    let submit = move |event: FormEvent| {
        event.prevent_default();
        old_error.set(old.peek().is_empty().then(|| words.password_missing.to_owned()));
        let level = strength(&new.peek(), &me);
        new_error.set((level == Strength::Refused).then(|| words.password_refused.to_owned()));
        if old_error.peek().is_some() || new_error.peek().is_some() {
            return;
        }
        busy.set(true);
        spawn(async move {
            let changed = account
                .engine()
                .change_password(old.peek().clone(), new.peek().clone())
                .await;
            match changed {
                Ok(()) => {
                    toasts.say(words.password_changed);
                    onclose.call(());
                }
                Err(error) => {
                    let weak = matches!(
                        &error,
                        kith_client::EngineError::Network(kith_client::Error::Refused(refusal))
                            if refusal.code == kith_common::ErrorCode::WeakPassword
                    );
                    let said = Some(text::why_engine(words, &error));
                    if weak {
                        new_error.set(said);
                    } else {
                        old_error.set(said);
                    }
                }
            }
            busy.set(false);
        });
    };
    rsx! {
        Dialog { title: words.change_password, onclose,
            form { class: "stack", onsubmit: submit, novalidate: true,
                PasswordField {
                    id: "old-password",
                    label: words.old_password,
                    value: old(),
                    error: old_error(),
                    autocomplete: "current-password",
                    focus: true,
                    oninput: move |value| old.set(value),
                }
                PasswordField {
                    id: "new-password",
                    label: words.new_password,
                    value: new(),
                    error: new_error(),
                    autocomplete: "new-password",
                    oninput: move |value| new.set(value),
                }
                div { class: "actions",
                    Button { kind: Kind::Quiet, onclick: move |_| onclose.call(()), {words.cancel} }
                    Button { submit: true, busy: busy(), {words.change_password} }
                }
            }
        }
    }
}
