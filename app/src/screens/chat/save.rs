use dioxus::prelude::*;

use crate::platform;
use crate::settings::use_words;
use crate::state::{use_account, use_toasts};
use crate::text;

/// Saves a file by its id under a name, and says how it went.
pub(super) fn use_save() -> Callback<(String, String)> {
    let words = use_words();
    let account = use_account();
    let toasts = use_toasts();
    use_callback(move |(file, name): (String, String)| {
        dioxus::core::spawn_forever(async move {
            match account.files.fetch(&account.engine(), &file).await {
                Ok(bytes) => match platform::save_file(&name, &bytes).await {
                    Ok(true) => toasts.say(words.saved),
                    Ok(false) => {}
                    Err(error) => toasts.say(error),
                },
                Err(error) => toasts.say(text::why_engine(words, &error)),
            }
        });
    })
}
