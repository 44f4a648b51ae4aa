use dioxus::prelude::*;
use kith_client::{Content, Message};

use crate::model::markup;
use crate::settings::use_words;
use crate::state::{Chat, use_account};
use crate::text::Words;

/// The message that another answers.
#[component]
pub(super) fn Quote(number: u64) -> Element {
    let words = use_words();
    let account = use_account();
    let chat: Chat = use_context();
    // What a message answers never changes.
    let mut found = use_signal(|| chat.message(number));
    use_future(move || async move {
        let conversation = chat.conversation.peek().clone();
        // It may be further up than what is loaded.
        if let Some(id) = conversation.filter(|_| found.peek().is_none()) {
            found.set(account.engine().message(&id, number).await.ok().flatten());
        }
    });
    let message = found();
    rsx! {
        span { class: "quote",
            if let Some(message) = message {
                strong { dir: "auto", if message.sender == account.me() { {words.you} } else { {account.called(&message.sender)} } }
                span { {line(words, &message)} }
            } else {
                span { "…" }
            }
        }
    }
}

/// A message in one line.
pub(super) fn line(words: &Words, message: &Message) -> String {
    match &message.content {
        Content::Text(text) => markup::plain(text),
        Content::File { name, .. } => name.clone(),
        Content::Erased => words.deleted.to_owned(),
        Content::Unreadable => words.unreadable.to_owned(),
    }
}
