use dioxus::html::FileData;
use dioxus::prelude::*;
use kith_common::limits;

use crate::platform;
use crate::settings::use_words;
use crate::state::{use_account, use_toasts};
use crate::text;
use crate::ui::{Avatar, Button, Field, FilePicker, Kind};

/// The side of a profile's picture, in pixels.
const PICTURE_SIDE: u32 = 256;

/// Name, a few words, and a picture.
#[component]
pub(super) fn ProfileCard() -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let me = account.me();
    let shown = account.called(&me);
    let own = account.engine().profile(&me);
    let mut name = use_signal(|| {
        own.as_ref()
            .map(|own| own.display_name.clone())
            .unwrap_or_default()
    });
    let mut about = use_signal(|| own.as_ref().map(|own| own.about.clone()).unwrap_or_default());
    let picture = account.picture(&me);
    let has_picture = picture.is_some();
    let change = move |name: Option<String>, about: Option<String>, avatar: Option<Vec<u8>>| {
        spawn(async move {
            let engine = account.engine();
            let changed = match engine.change_profile(name, about, avatar).await {
                Ok(id) => engine.settled(id).await,
                Err(error) => Err(error),
            };
            match changed {
                Ok(kith_client::Progress::Failed(error)) => toasts.say(text::why_refused(words, &error)),
                Ok(_) => toasts.say(words.saved),
                Err(error) => toasts.say(text::why_engine(words, &error)),
            }
        });
    };
    let submit = move |event: FormEvent| {
        event.prevent_default();
        change(
            Some(name.peek().trim().to_owned()),
            Some(about.peek().trim().to_owned()),
            None,
        );
    };
    let pick = move |files: Vec<FileData>| {
        let file = files.into_iter().next();
        spawn(async move {
            let Some(file) = file else { return };
            let scaled = match platform::Body::of(file).await {
                Some((_, _, body)) => body.square(PICTURE_SIDE, limits::AVATAR_BYTES).await,
                None => None,
            };
            match scaled {
                Some(bytes) => change(None, None, Some(bytes)),
                None => toasts.say(words.file_empty),
            }
        });
    };
    rsx! {
        section {
            h2 { {words.profile} }
            form { class: "card", onsubmit: submit, novalidate: true,
                div { class: "portrait",
                    Avatar { username: me.clone(), name: shown, picture, size: "large" }
                    div { class: "stack",
                        strong { "@{me}" }
                        FilePicker { class: "button quiet", name: "picture", accept: "image/*", onpick: pick, {words.change_picture} }
                        if has_picture {
                            Button { kind: Kind::Text, onclick: move |_| change(None, None, Some(Vec::new())), {words.remove_picture} }
                        }
                    }
                }
                Field {
                    id: "display-name",
                    label: words.display_name,
                    value: name(),
                    autocomplete: "name",
                    maxlength: limits::DISPLAY_NAME_CHARS,
                    oninput: move |value| name.set(value),
                }
                Field {
                    id: "about",
                    label: words.about,
                    value: about(),
                    maxlength: limits::ABOUT_CHARS,
                    oninput: move |value| about.set(value),
                }
                Button { submit: true, {words.save} }
            }
        }
    }
}
