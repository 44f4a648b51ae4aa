//! What a person has chosen for this device: the language, the colours, whether to be notified.

use dioxus::prelude::*;
use serde::{Deserialize, Serialize};

use crate::accounts;
use crate::platform;
use crate::text::{Language, Words};

/// Where the choices are kept.
const KEY: &str = "settings";

/// Colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// What the style sheet calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The choices, for every component.
#[derive(Clone, Copy, PartialEq)]
pub struct Settings {
    language: Signal<Language>,
    theme: Signal<Theme>,
    notify: Signal<bool>,
}

/// The choices as they are kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    language: Option<String>,
    #[serde(default)]
    theme: Theme,
    #[serde(default)]
    notify: bool,
}

impl Settings {
    /// Makes them known to all components below.
    pub fn provide() -> Self {
        let language = use_signal(|| Language::of_tag(&platform::language_tag()));
        let theme = use_signal(Theme::default);
        let notify = use_signal(|| false);
        use_context_provider(|| Self {
            language,
            theme,
            notify,
        })
    }

    /// Reads what was chosen before. What can't be read is left as it is.
    pub async fn load(mut self) {
        let Some(kept) = accounts::setting(KEY).await else {
            return;
        };
        if let Ok(kept) = serde_json::from_str::<Kept>(&kept) {
            if let Some(tag) = kept.language {
                self.language.set(Language::of_tag(&tag));
            }
            self.theme.set(kept.theme);
            self.notify.set(kept.notify);
        }
    }

    /// The language.
    pub fn language(self) -> Language {
        *self.language.read()
    }

    /// The colours.
    pub fn theme(self) -> Theme {
        *self.theme.read()
    }

    /// Whether to notify.
    pub fn notify(self) -> bool {
        *self.notify.read()
    }

    /// Chooses a language.
    pub fn set_language(mut self, language: Language) {
        self.language.set(language);
        self.keep();
    }

    /// Chooses colours.
    pub fn set_theme(mut self, theme: Theme) {
        self.theme.set(theme);
        self.keep();
    }

    /// Chooses whether to notify.
    pub fn set_notify(mut self, notify: bool) {
        self.notify.set(notify);
        self.keep();
    }

    /// Whether to notify now: it was chosen, and nobody looks. For tasks, which follow no signals.
    pub fn notify_now(self) -> bool {
        *self.notify.peek() && !platform::is_looked_at()
    }

    /// What the app says. For tasks, which follow no signals.
    pub fn words_now(self) -> &'static Words {
        self.language.peek().words()
    }

    fn keep(self) {
        let kept = Kept {
            language: Some(self.language.peek().tag().to_owned()),
            theme: *self.theme.peek(),
            notify: *self.notify.peek(),
        };
        if let Ok(kept) = serde_json::to_string(&kept) {
            spawn(async move { accounts::keep_setting(KEY, kept).await });
        }
    }
}

/// The choices.
pub fn use_settings() -> Settings {
    use_context()
}

/// What the app says, in the language that was chosen.
pub fn use_words() -> &'static Words {
    use_settings().language().words()
}
