use dioxus::prelude::*;
use kith_client::{Error, Guest};
use kith_common::{ErrorCode, Username};

use super::Reached;
use super::server::reach;
use crate::accounts;
use crate::app::{Screen, Shown};
use crate::model::secret::{Strength, strength};
use crate::platform;
use crate::settings::use_words;
use crate::text::{self, Words};
use crate::ui::{Button, Field, Icon, Kind, PasswordField, Sign};

/// Where something is wrong, and what.
#[derive(Clone, Default, PartialEq)]
struct Wrong {
    username: Option<String>,
    password: Option<String>,
    invite: Option<String>,
    other: Option<String>,
}

/// Makes an account or logs in.
#[component]
pub(super) fn Credentials(reached: Reached, username: String, onback: EventHandler<()>) -> Element {
    let words = use_words();
    let mut screen: Shown = use_context();
    let open = reached.registration != "closed";
    // Who comes with an invite is new; who was here before has a name.
    let is_new =
        open && username.is_empty() && (reached.link.code.is_some() || reached.registration == "open");
    let mut registering = use_signal(|| is_new);
    let known = !username.is_empty();
    let mut name = use_signal(|| username);
    let mut password = use_signal(String::new);
    let code = reached.link.code.clone();
    let mut invite = use_signal(|| code.clone().unwrap_or_default());
    let mut wrong = use_signal(Wrong::default);
    let mut busy = use_signal(|| false);
    let asks_invite = reached.registration == "invite" && reached.link.code.is_none();
    let server = kith_client::ServerAddress::from(&reached.link);
    let level = strength(&password.read(), &name.read());
    let to_submit = reached;
    let submit = move |event: FormEvent| {
        event.prevent_default();
        let (username, found) = check(words, &name.peek(), &password.peek(), registering());
        let Some(username) = username.filter(|_| found == Wrong::default()) else {
            wrong.set(found);
            return;
        };
        wrong.set(Wrong::default());
        busy.set(true);
        let reached = to_submit.clone();
        let invite = Some(invite.peek().trim().to_owned()).filter(|code| !code.is_empty());
        let password = password.peek().clone();
        let register = registering();
        spawn(async move {
            match enter(&reached, &username, password, register.then_some(invite)).await {
                Ok(opened) => screen.set(Screen::Home(opened)),
                Err(failed) => wrong.set(blame(words, &failed)),
            }
            busy.set(false);
        });
    };
    let autocomplete = if registering() {
        "new-password"
    } else {
        "current-password"
    };
    let hint = match level {
        _ if password.read().is_empty() => None,
        Strength::Refused => Some(words.password_refused),
        Strength::Weak => Some(words.password_weak),
        Strength::Fair => Some(words.password_fair),
        Strength::Good => Some(words.password_good),
    };
    rsx! {
        div { class: "server",
            Icon { sign: Sign::Lock }
            div { class: "body", strong { "{server}" } }
            if platform::own_server().is_none() {
                Button { kind: Kind::Text, onclick: move |_| onback.call(()), {words.change_server} }
            }
        }
        form { onsubmit: submit, novalidate: true,
            if let Some(other) = wrong.read().other.clone() {
                p { class: "note bad", role: "alert", "{other}" }
            }
            Field {
                id: "username",
                label: words.username,
                hint: registering().then(|| words.username_hint.to_owned()),
                value: name(),
                error: wrong.read().username.clone(),
                autocomplete: "username",
                focus: !known,
                maxlength: 32,
                oninput: move |value: String| {
                    name.set(value);
                    wrong.write().username = None;
                },
            }
            div { class: "stack",
                PasswordField {
                    id: "password",
                    label: words.password,
                    value: password(),
                    error: wrong.read().password.clone(),
                    hint: hint.filter(|_| registering()).map(str::to_owned),
                    autocomplete,
                    focus: known,
                    oninput: move |value: String| {
                        password.set(value);
                        wrong.write().password = None;
                    },
                }
                if registering() && !password.read().is_empty() {
                    div { class: "strength", "data-level": "{level as u8 + 1}", "aria-hidden": "true",
                        for step in 0..4 {
                            span { key: "{step}" }
                        }
                    }
                }
            }
            if registering() && asks_invite {
                Field {
                    id: "invite",
                    label: words.invite_code,
                    hint: words.invite_hint.to_owned(),
                    value: invite(),
                    error: wrong.read().invite.clone(),
                    oninput: move |value: String| {
                        invite.set(value);
                        wrong.write().invite = None;
                    },
                }
            }
            Button { submit: true, wide: true, busy: busy(),
                if registering() { {words.register} } else { {words.login} }
            }
        }
        if open {
            Button {
                kind: Kind::Text,
                wide: true,
                onclick: move |_| {
                    registering.toggle();
                    wrong.set(Wrong::default());
                },
                if registering() { {words.have_account} } else { {words.no_account} }
            }
        } else {
            p { class: "note", {words.registration_closed} }
        }
    }
}

/// What can be said before the server is asked.
fn check(words: &Words, name: &str, password: &str, register: bool) -> (Option<Username>, Wrong) {
    let mut wrong = Wrong::default();
    let username = name.trim().parse::<Username>().ok();
    if username.is_none() {
        wrong.username = Some(words.username_bad.to_owned());
    }
    if password.is_empty() {
        wrong.password = Some(words.password_missing.to_owned());
    } else if register && strength(password, name) == Strength::Refused {
        wrong.password = Some(words.password_refused.to_owned());
    }
    (username, wrong)
}

/// Beside which field an error belongs.
fn blame(words: &Words, error: &Error) -> Wrong {
    let said = Some(text::why(words, error));
    let code = match error {
        Error::Refused(refusal) => Some(refusal.code),
        _ => None,
    };
    match code {
        Some(ErrorCode::NameTaken) => Wrong {
            username: said,
            ..Wrong::default()
        },
        Some(ErrorCode::WeakPassword | ErrorCode::BadCredentials) => Wrong {
            password: said,
            ..Wrong::default()
        },
        Some(ErrorCode::BadInvite | ErrorCode::InviteRequired) => Wrong {
            invite: said.clone(),
            other: said,
            ..Wrong::default()
        },
        _ => Wrong {
            other: said,
            ..Wrong::default()
        },
    }
}

/// Registers where `register` is given, logs in, and opens the account's engine. A connection that has ended meanwhile is made
/// again.
async fn enter(
    reached: &Reached,
    username: &Username,
    password: String,
    register: Option<Option<String>>,
) -> Result<crate::state::Opened, Error> {
    let kept = reached.guest.borrow_mut().take();
    let guest = match kept.filter(Guest::is_open) {
        Some(guest) => guest,
        None => reach(&reached.link).await?,
    };
    if let Some(invite) = register
        && let Err(error) = guest.register(username, password.clone(), invite).await
    {
        *reached.guest.borrow_mut() = Some(guest);
        return Err(error);
    }
    let device = Some(platform::device_name());
    let (session, _) = guest.login(username, password, device).await?;
    accounts::open_session(session)
        .await
        .map_err(|error| Error::Local(error.to_string()))
}
