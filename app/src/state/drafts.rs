use dioxus::prelude::*;
use litemap::LiteMap;

use crate::accounts;
use crate::model::list::Place;

/// What the key begins with under which a draft is kept; the place follows.
const KEY: &str = "draft ";

/// What was begun to write in each conversation. Each is kept by itself, so that two pages of a browser don't undo each other's, and with
/// the account, so that it goes with it.
#[derive(Clone, Copy, PartialEq)]
pub struct Drafts {
    all: Signal<LiteMap<Place, String>>,
    account: CopyValue<String>,
    /// Counts what was written here.
    written: CopyValue<u64>,
}

impl Drafts {
    /// Those of an account.
    pub(super) fn new(account: &str) -> Self {
        Self {
            all: Signal::new(LiteMap::new()),
            account: CopyValue::new(account.to_owned()),
            written: CopyValue::new(0),
        }
    }

    /// Reads what was begun before, here or in another page.
    pub async fn load(mut self) {
        let account = self.account.peek().clone();
        let written = *self.written.peek();
        let kept = accounts::settings_of(&account).await;
        if *self.written.peek() != written {
            // What is typed meanwhile is newer.
            return;
        }
        let drafts = kept
            .into_iter()
            .filter_map(|(key, text)| Some((Place::read(key.strip_prefix(KEY)?)?, text)))
            .collect();
        if *self.all.peek() != drafts {
            self.all.set(drafts);
        }
    }

    /// All of them.
    pub fn all(self) -> Signal<LiteMap<Place, String>> {
        self.all
    }

    /// What was begun in a conversation.
    pub fn of(self, place: &Place) -> String {
        self.all.peek().get(place).cloned().unwrap_or_default()
    }

    /// What is being written now.
    pub fn set(mut self, place: &Place, text: &str) {
        let before = {
            let mut all = self.all.write();
            if text.is_empty() {
                all.remove(place)
            } else {
                all.insert(place.clone(), text.to_owned())
            }
        };
        if before.as_deref().unwrap_or_default() != text {
            *self.written.write() += 1;
            // It outlives the screen on which it was typed.
            dioxus::core::spawn_forever(self.keep(place.clone()));
        }
    }

    async fn keep(self, place: Place) {
        let account = self.account.peek().clone();
        let text = self.all.peek().get(&place).cloned();
        accounts::keep_setting_of(&account, &format!("{KEY}{place}"), text).await;
    }
}
