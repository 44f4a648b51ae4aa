//! All that the app says, in each language that it speaks. A language that leaves something out doesn't compile.

mod english;
mod german;
mod say;

use crate::model::time::Day;

pub use say::{clock, day_label, list_time, size, why, why_accounts, why_engine, why_refused};

/// A language that the app speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The language of a tag (RFC 5646) such as `de-AT`; English for one that the app doesn't speak.
    pub fn of_tag(tag: &str) -> Self {
        let primary = tag.split(['-', '_', '.']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|language| primary.eq_ignore_ascii_case(language.tag()))
            .unwrap_or_default()
    }

    /// Its tag (RFC 5646).
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// What it calls itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::German => "Deutsch",
        }
    }

    /// What the app says in it.
    pub fn words(self) -> &'static Words {
        match self {
            Self::English => &english::WORDS,
            Self::German => &german::WORDS,
        }
    }
}

/// What the app says. Each is named after where or when it is said.
pub struct Words {
    pub app_claim: &'static str,
    pub server: &'static str,
    pub server_hint: &'static str,
    pub server_bad: &'static str,
    pub connect: &'static str,
    pub connecting: &'static str,
    pub change_server: &'static str,
    pub invited: &'static str,
    pub register: &'static str,
    pub login: &'static str,
    pub have_account: &'static str,
    pub no_account: &'static str,
    pub username: &'static str,
    pub username_hint: &'static str,
    pub username_bad: &'static str,
    pub password: &'static str,
    pub password_show: &'static str,
    pub password_hide: &'static str,
    pub password_refused: &'static str,
    pub password_weak: &'static str,
    pub password_fair: &'static str,
    pub password_good: &'static str,
    pub password_missing: &'static str,
    pub invite_code: &'static str,
    pub invite_hint: &'static str,
    pub registration_closed: &'static str,
    pub unknown_server: &'static str,
    pub unknown_server_text: &'static str,
    pub fingerprint_same: &'static str,
    pub changed_key: &'static str,
    pub changed_key_text: &'static str,
    pub key_shown: &'static str,
    pub go_back: &'static str,
    pub try_again: &'static str,
    pub cancel: &'static str,
    pub close: &'static str,
    pub save: &'static str,
    pub more: &'static str,
    pub chats: &'static str,
    pub search: &'static str,
    pub nothing_found: &'static str,
    pub add_contact: &'static str,
    pub add_contact_text: &'static str,
    pub add: &'static str,
    pub no_such_user: &'static str,
    pub yourself: &'static str,
    pub no_chats: &'static str,
    pub no_chats_text: &'static str,
    pub pick_chat: &'static str,
    pub you: &'static str,
    pub draft: &'static str,
    pub online: &'static str,
    pub away: &'static str,
    pub typing: &'static str,
    pub blocked_note: &'static str,
    pub unblock: &'static str,
    pub block: &'static str,
    pub remove_contact: &'static str,
    pub begin: &'static str,
    pub say_hello: &'static str,
    pub out_of_reach: &'static str,
    pub new_messages: &'static str,
    pub jump: &'static str,
    pub message: &'static str,
    pub write_message: &'static str,
    pub send: &'static str,
    pub send_file: &'static str,
    pub emoji: &'static str,
    pub drop_here: &'static str,
    pub reply: &'static str,
    pub react: &'static str,
    pub edit: &'static str,
    pub editing: &'static str,
    pub delete: &'static str,
    pub delete_ask: &'static str,
    pub copy: &'static str,
    pub copied: &'static str,
    pub edited: &'static str,
    pub deleted: &'static str,
    pub unreadable: &'static str,
    pub waiting: &'static str,
    pub stored: &'static str,
    pub delivered: &'static str,
    pub read: &'static str,
    pub not_sent: &'static str,
    pub discard: &'static str,
    pub show_more: &'static str,
    pub show_less: &'static str,
    pub open_picture: &'static str,
    pub save_file: &'static str,
    pub saved: &'static str,
    pub loading: &'static str,
    pub file_empty: &'static str,
    pub send_files: fn(usize) -> String,
    pub leave_out: &'static str,
    pub keep_metadata: &'static str,
    pub keep_metadata_text: &'static str,
    pub keeps_metadata: &'static str,
    pub under_way: &'static str,
    pub pause: &'static str,
    pub resume: &'static str,
    pub call_off: &'static str,
    pub part_of: fn(&str, &str) -> String,
    pub load_picture: &'static str,
    pub previous_picture: &'static str,
    pub next_picture: &'static str,
    pub play: &'static str,
    pub open_file: &'static str,
    pub program: &'static str,
    pub program_ask: fn(&str) -> String,
    pub files: &'static str,
    pub no_files: &'static str,
    pub offline: &'static str,
    pub reconnect: &'static str,
    pub session_ended: &'static str,
    pub storage_failed: &'static str,
    pub settings: &'static str,
    pub profile: &'static str,
    pub display_name: &'static str,
    pub about: &'static str,
    pub change_picture: &'static str,
    pub remove_picture: &'static str,
    pub appearance: &'static str,
    pub theme: &'static str,
    pub theme_system: &'static str,
    pub theme_light: &'static str,
    pub theme_dark: &'static str,
    pub language: &'static str,
    pub notifications: &'static str,
    pub notify: &'static str,
    pub notify_denied: &'static str,
    pub devices: &'static str,
    pub this_device: &'static str,
    pub log_out: &'static str,
    pub log_out_others: &'static str,
    pub log_out_ask: &'static str,
    pub log_out_unsent: &'static str,
    pub connected_now: &'static str,
    pub change_password: &'static str,
    pub old_password: &'static str,
    pub new_password: &'static str,
    pub password_changed: &'static str,
    pub blocked_people: &'static str,
    pub nobody_blocked: &'static str,
    pub fingerprint: &'static str,
    pub account: &'static str,
    pub version: &'static str,
    pub keys: &'static str,
    pub key_previous: &'static str,
    pub key_next: &'static str,
    pub needs_connection: &'static str,
    pub today: &'static str,
    pub yesterday: &'static str,
    pub back: &'static str,
    pub dismiss: &'static str,
    pub own_authority: &'static str,
    pub own_authority_text: &'static str,
    pub own_authority_get: &'static str,
    pub err_unreachable: &'static str,
    pub err_credentials: &'static str,
    pub err_name_taken: &'static str,
    pub err_weak: &'static str,
    pub err_bad_invite: &'static str,
    pub err_blocked: &'static str,
    pub err_session: &'static str,
    pub err_storage: &'static str,
    pub err_no_space: &'static str,
    pub err_no_storage: &'static str,
    pub err_busy: &'static str,
    pub unread: fn(u64) -> String,
    pub new_below: fn(u64) -> String,
    pub typing_of: fn(&str) -> String,
    pub reply_to: fn(&str) -> String,
    pub too_large: fn(&str) -> String,
    pub message_from: fn(&str) -> String,
    pub block_ask: fn(&str) -> String,
    pub wait: fn(u64) -> String,
    pub last_seen: fn(&str) -> String,
    pub characters_over: fn(usize) -> String,
    /// Given seconds.
    pub next_try: fn(u64) -> String,
    pub react_with: fn(&str, usize) -> String,
    pub weekday: fn(usize) -> String,
    pub date: fn(Day) -> String,
    pub short_date: fn(Day) -> String,
}

/// The language is all that there is to compare.
impl PartialEq for Words {
    fn eq(&self, other: &Self) -> bool {
        core::ptr::eq(self, other)
    }
}

fn month<'a>(day: Day, names: &[&'a str; 12]) -> &'a str {
    names
        .get(usize::from(day.month).wrapping_sub(1))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_found_by_their_tags() {
        for (tag, language) in [
            ("de", Language::German),
            ("de-AT", Language::German),
            ("de_DE.UTF-8", Language::German),
            ("en-GB", Language::English),
            ("fr", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of_tag(tag), language, "{tag}");
        }
    }

    #[test]
    fn numbers_and_days_are_said() {
        let (english, german) = (Language::English.words(), Language::German.words());
        assert_eq!((english.unread)(1), "1 unread message");
        assert_eq!((german.unread)(2), "2 ungelesene Nachrichten");
        let day = Day {
            year: 2026,
            month: 3,
            day: 9,
        };
        assert_eq!((english.date)(day), "9 March 2026");
        assert_eq!((german.date)(day), "9. März 2026");
        assert_eq!((german.weekday)(day.weekday()), "Montag");
    }
}
