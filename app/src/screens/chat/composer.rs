use std::rc::Rc;

use dioxus::prelude::*;
use kith_client::Content;
use kith_common::{ContactAction, limits};

use super::{Over, quote, send_sheet};
use crate::model::emoji;
use crate::model::list::Place;
use crate::platform;
use crate::settings::use_words;
use crate::state::{Chat, Chosen, use_account, use_toasts};
use crate::text;
use crate::ui::{Button, FilePicker, Icon, IconButton, Kind, Sign};

/// Bytes before the limit of a message from which on it is said how many are left.
const NEAR_LIMIT: usize = 2_000;

/// Where messages are written.
#[component]
pub(super) fn Composer() -> Element {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    let mut chat: Chat = use_context();
    let over: Over = use_context();
    let place = chat.place.peek().clone();
    let start = place.clone();
    let mut text = use_signal(|| account.drafts.of(&start));
    // What the box was last told to show. It isn't told what was typed into it: where the page lies in another process than the
    // screens, that would come late and undo what was typed since.
    let mut shown = use_signal(|| text.peek().clone());
    let mut put = move |value: String| {
        text.set(value.clone());
        shown.set(value);
    };
    let mut field = use_signal(|| None::<Rc<MountedData>>);
    let mut picking = use_signal(|| false);
    // What stood there before a message was taken to be changed.
    let mut before = use_signal(String::new);
    let focus = move || {
        if let Some(field) = field.peek().clone() {
            spawn(async move {
                let _ = field.set_focus(true).await;
            });
        }
    };
    use_effect(move || {
        let editing = *chat.editing.read();
        if let Some(number) = editing {
            let message = chat.message(number);
            if let Some(Content::Text(content)) = message.map(|message| message.content) {
                before.set(text.peek().clone());
                put(content);
            }
        }
        if editing.is_some() || chat.answering.read().is_some() {
            focus();
        }
    });
    use_effect(move || {
        account.chosen.read();
        if !platform::is_touch() {
            focus();
        }
    });
    let to_write = place.clone();
    let write = move |value: String| {
        if chat.editing.peek().is_none() {
            account.drafts.set(&to_write, &value);
        }
        let typing = !value.is_empty();
        text.set(value);
        spawn(async move {
            if let Some(id) = chat.conversation.peek().clone() {
                account.engine().typing(&id, typing).await;
            }
        });
    };
    let mut stop = move || {
        if chat.editing.peek().is_some() {
            chat.editing.set(None);
            put(before.peek().clone());
        }
        chat.answering.set(None);
    };
    let to_send = place.clone();
    let send = move || {
        let content = text.peek().trim().to_owned();
        if content.is_empty() || content.len() > limits::MESSAGE_BYTES {
            return;
        }
        picking.set(false);
        let (editing, answering) = (*chat.editing.peek(), *chat.answering.peek());
        let kept = text.peek().clone();
        stop();
        if editing.is_none() {
            put(String::new());
            *chat.sent.write() += 1;
        }
        let place = to_send.clone();
        let conversation = chat.conversation.peek().clone();
        // It goes on when another conversation is opened at once.
        dioxus::core::spawn_forever(async move {
            let engine = account.engine();
            let sent = match (editing, &conversation) {
                (Some(number), Some(id)) => engine.edit(id, number, content).await,
                _ => match place.to(conversation.as_deref()) {
                    Some(to) => engine.send(to, content, answering).await,
                    None => return,
                },
            };
            // Up to here it is a draft, so that it is nowhere lost, even where the page ends now. Something else may have been begun meanwhile.
            let draft = account.drafts.of(&place);
            let (is_new, is_draft) = (editing.is_none(), draft == kept);
            match sent {
                Ok(_) if is_new && is_draft => account.drafts.set(&place, ""),
                Ok(_) => {}
                Err(error) => {
                    toasts.say(text::why_engine(words, &error));
                    if is_draft || draft.is_empty() {
                        account.drafts.set(&place, &kept);
                        if text.try_peek().is_ok_and(|text| text.is_empty()) {
                            put(kept);
                        }
                    }
                }
            }
        });
        focus();
    };
    let by_key = send.clone();
    let onkeydown = move |event: KeyboardEvent| {
        if event.is_composing() {
            return;
        }
        match platform::key(&event).as_str() {
            "Enter" if !event.modifiers().shift() && !platform::is_touch() => {
                event.prevent_default();
                by_key.clone()();
            }
            "Escape" => {
                picking.set(false);
                stop();
            }
            "ArrowUp" if text.peek().is_empty() => {
                if let Some(number) = chat.own_newest_text() {
                    event.prevent_default();
                    chat.editing.set(Some(number));
                }
            }
            _ => {}
        }
    };
    let paste = move |event: ClipboardEvent| {
        spawn(async move {
            let mut chosen = Vec::new();
            for file in platform::pasted(event).await {
                chosen.extend(Chosen::of(file).await);
            }
            send_sheet::add(over, chosen);
        });
    };
    if let Place::With(person) = &place
        && account.has_blocked(person)
    {
        let person = person.clone();
        return rsx! {
            div { class: "composer",
                div { class: "line",
                    p { class: "soft", {words.blocked_note} }
                    Button {
                        kind: Kind::Quiet,
                        onclick: move |_| {
                            let person = person.clone();
                            spawn(async move {
                                let Ok(username) = person.parse() else { return };
                                let changed = account.engine().change_contact(ContactAction::Unblock, &username).await;
                                if let Err(error) = changed {
                                    toasts.say(text::why_engine(words, &error));
                                }
                            });
                        },
                        {words.unblock}
                    }
                }
            }
        };
    }
    let about = chat
        .editing
        .read()
        .or(*chat.answering.read())
        .and_then(|number| chat.message(number));
    let by_click = send;
    let mut write_all = write.clone();
    rsx! {
        div { class: "composer",
            if let Some(message) = about {
                div { class: "about",
                    div {
                        strong {
                            if chat.editing.read().is_some() {
                                {words.editing}
                            } else {
                                {(words.reply_to)(&account.called(&message.sender))}
                            }
                        }
                        p { {quote::line(words, &message)} }
                    }
                    IconButton { sign: Sign::Close, label: words.cancel, onclick: move |_| stop() }
                }
            }
            div { class: "line",
                if picking() {
                    div { class: "menu-away clear", onclick: move |_| picking.set(false) }
                    EmojiPanel {
                        onclose: move |()| {
                            picking.set(false);
                            focus();
                        },
                        onpick: move |emoji: &'static str| {
                            let mut value = text.peek().clone();
                            value.push_str(emoji);
                            shown.set(value.clone());
                            write_all(value);
                            focus();
                        },
                    }
                }
                FilePicker {
                    class: "icon-button",
                    label: words.send_file.to_owned(),
                    name: "files",
                    multiple: true,
                    onpick: move |files| send_sheet::choose(over, words, toasts, files),
                    Icon { sign: Sign::Attach }
                }
                div { class: "box",
                    IconButton {
                        sign: Sign::Smile,
                        label: words.emoji,
                        expanded: picking(),
                        onclick: move |_| picking.toggle(),
                    }
                    div { class: "grow",
                        Replica { text }
                        TextBox {
                            shown,
                            onmounted: move |event: MountedEvent| {
                                field.set(Some(event.data()));
                                if !platform::is_touch() {
                                    focus();
                                }
                            },
                            oninput: write,
                            onkeydown,
                            onpaste: paste,
                        }
                    }
                    Left { text }
                }
                SendButton { text, onsend: move |()| by_click.clone()() }
            }
        }
    }
}

/// The same text as in the box, which makes the box as high as it is. What looks at the text while it is typed stands apart from the
/// composer, so that the box isn't drawn again.
#[component]
fn Replica(text: Signal<String>) -> Element {
    rsx! { div { class: "replica", "aria-hidden": "true", "{text} " } }
}

/// How many bytes are left, near the limit of a message.
#[component]
fn Left(text: Signal<String>) -> Element {
    let words = use_words();
    let length = text.read().trim().len();
    match limits::MESSAGE_BYTES.checked_sub(length) {
        Some(left) if left < NEAR_LIMIT => rsx! { span { class: "count-left", "{left}" } },
        Some(_) => rsx! {},
        None => rsx! {
            span { class: "count-left bad", role: "alert", {(words.characters_over)(length - limits::MESSAGE_BYTES)} }
        },
    }
}

#[component]
fn SendButton(text: Signal<String>, onsend: EventHandler<()>) -> Element {
    let words = use_words();
    let length = text.read().trim().len();
    rsx! {
        IconButton {
            sign: Sign::Send,
            class: "accent",
            label: words.send,
            disabled: length == 0 || length > limits::MESSAGE_BYTES,
            onclick: move |_| onsend.call(()),
        }
    }
}

/// The box itself. It is drawn again when it is told to show something, and not while somebody types.
#[component]
fn TextBox(
    shown: Signal<String>,
    onmounted: EventHandler<MountedEvent>,
    oninput: EventHandler<String>,
    onkeydown: EventHandler<KeyboardEvent>,
    onpaste: EventHandler<ClipboardEvent>,
) -> Element {
    let words = use_words();
    rsx! {
        textarea {
            name: "message",
            rows: "1",
            "aria-label": words.message,
            placeholder: words.write_message,
            enterkeyhint: if platform::is_touch() { "enter" } else { "send" },
            value: "{shown}",
            onmounted: move |event| onmounted.call(event),
            oninput: move |event| oninput.call(event.value()),
            onkeydown: move |event| onkeydown.call(event),
            onpaste: move |event| onpaste.call(event),
        }
    }
}

/// The emoji that are offered.
#[component]
fn EmojiPanel(onpick: EventHandler<&'static str>, onclose: EventHandler<()>) -> Element {
    let words = use_words();
    rsx! {
        div {
            class: "emoji-panel scroll",
            role: "group",
            "aria-label": words.emoji,
            onkeydown: move |event| {
                if platform::key(&event) == "Escape" {
                    event.stop_propagation();
                    onclose.call(());
                }
            },
            div { class: "emoji-grid",
                for emoji in emoji::OFFERED.iter().copied() {
                    button { key: "{emoji}", r#type: "button", onclick: move |_| onpick.call(emoji), "{emoji}" }
                }
            }
        }
    }
}
