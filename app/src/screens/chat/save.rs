use dioxus::prelude::*;
use kith_client::EngineError;

use super::{Asking, Over};
use crate::model::files::{FileKind, Sent};
use crate::platform;
use crate::settings::use_words;
use crate::state::{use_account, use_toasts};
use crate::text;

/// Saves a file. Whether a program is to be saved, is asked first.
pub(super) fn use_save() -> Callback<Sent> {
    let save = use_save_now();
    let mut over: Over = use_context();
    use_callback(move |sent: Sent| match sent.kind() {
        FileKind::Program => over.asking.set(Some(Asking::Save(sent))),
        _ => save.call(sent),
    })
}

/// Saves a file whatever it is.
pub(super) fn use_save_now() -> Callback<Sent> {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    use_callback(move |sent: Sent| {
        dioxus::core::spawn_forever(async move {
            let engine = account.engine();
            let saved = async {
                let Some(id) = platform::save_file(&engine, &sent.file, &sent.name).await? else {
                    return Ok(false);
                };
                account.files.reload(&engine).await;
                match engine.settled(id).await? {
                    kith_client::Progress::Saved => Ok(true),
                    // The card says how it went.
                    _ => Ok::<_, EngineError>(false),
                }
            };
            match saved.await {
                Ok(true) => toasts.say(words.saved),
                Ok(false) => {}
                Err(error) => toasts.say(text::why_engine(words, &error)),
            }
        });
    })
}
