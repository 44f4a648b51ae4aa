use dioxus::prelude::*;
use kith_client::EngineError;
use kith_common::{DeviceId, SessionInfo};

use crate::platform;
use crate::settings::{use_settings, use_words};
use crate::state::{use_account, use_toasts};
use crate::text;
use crate::ui::{Button, Icon, Kind, Sign, Spinner};

/// Where the account is logged in.
#[component]
pub(super) fn Devices() -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let mut sessions = use_signal(|| None::<Result<Vec<SessionInfo>, EngineError>>);
    let look = move || async move {
        let found = account.engine().sessions().await;
        sessions.set(Some(found));
    };
    use_effect(move || {
        // Again whenever the connection is back.
        account.status.read();
        spawn(look());
    });
    let revoke = move |devices: Vec<DeviceId>| {
        spawn(async move {
            for device in devices {
                if let Err(error) = account.engine().revoke(device).await {
                    toasts.say(text::why_engine(words, &error));
                    break;
                }
            }
            look().await;
        });
    };
    let others = |sessions: &[SessionInfo]| -> Vec<DeviceId> {
        sessions
            .iter()
            .filter(|session| !session.current)
            .map(|session| session.device)
            .collect()
    };
    rsx! {
        section {
            h2 { {words.devices} }
            match &*sessions.read() {
                None => rsx! { div { class: "card", Spinner {} } },
                Some(Err(error)) => rsx! { div { class: "card", p { class: "soft", {why(words, error)} } } },
                Some(Ok(found)) => {
                    let others = others(found);
                    rsx! {
                        div { class: "card",
                            for session in found.iter().cloned() {
                                Device {
                                    key: "{session.device}",
                                    onrevoke: move |device| revoke(vec![device]),
                                    session,
                                }
                            }
                            if others.len() > 1 {
                                Button { kind: Kind::Danger, onclick: move |_| revoke(others.clone()), {words.log_out_others} }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn why(words: &text::Words, error: &EngineError) -> String {
    text::why_engine(words, error)
}

#[component]
fn Device(session: SessionInfo, onrevoke: EventHandler<DeviceId>) -> Element {
    let words = use_words();
    let language = use_settings().language();
    let today = platform::local(platform::now()).day;
    let when = text::list_time(language.words(), platform::local(session.last_seen), today);
    let state = if session.current {
        words.this_device.to_owned()
    } else if session.connected {
        words.connected_now.to_owned()
    } else {
        (words.last_seen)(&when)
    };
    let device = session.device;
    let name = crate::model::people::plain(&session.name);
    rsx! {
        div { class: "line",
            Icon { sign: Sign::Device }
            div { class: "body",
                div { if name.is_empty() { "#{device}" } else { "{name}" } }
                div { class: "soft", "{state} · {session.address}" }
            }
            if !session.current {
                Button { kind: Kind::Text, onclick: move |_| onrevoke.call(device), {words.log_out} }
            }
        }
    }
}
