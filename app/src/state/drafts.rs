use std::collections::BTreeMap;

use dioxus::prelude::*;
use serde::{Deserialize, Serialize};

use crate::accounts;
use crate::model::list::Place;

/// What was begun to write in each conversation.
#[derive(Clone, Copy, PartialEq)]
pub struct Drafts {
    all: Signal<BTreeMap<Place, String>>,
    key: CopyValue<String>,
}

/// Drafts as they are kept.
#[derive(Serialize, Deserialize)]
struct Kept(Vec<(String, bool, String)>);

impl Drafts {
    /// Those of an account.
    pub(super) fn new(account: &str) -> Self {
        Self {
            all: Signal::new(BTreeMap::new()),
            key: CopyValue::new(format!("drafts {account}")),
        }
    }

    /// Reads what was begun before.
    pub(super) async fn load(mut self) {
        let key = self.key.peek().clone();
        let Some(kept) = accounts::setting(&key).await else {
            return;
        };
        if let Ok(Kept(kept)) = serde_json::from_str(&kept) {
            let place = |(name, of_many, text): (String, bool, String)| {
                let place = if of_many {
                    Place::Of(name)
                } else {
                    Place::With(name)
                };
                (place, text)
            };
            self.all.set(kept.into_iter().map(place).collect());
        }
    }

    /// All of them.
    pub fn all(self) -> Signal<BTreeMap<Place, String>> {
        self.all
    }

    /// What was begun in a conversation.
    pub fn of(self, place: &Place) -> String {
        self.all.peek().get(place).cloned().unwrap_or_default()
    }

    /// What is being written now.
    pub fn set(mut self, place: &Place, text: &str) {
        {
            let mut all = self.all.write();
            if text.is_empty() {
                all.remove(place);
            } else {
                all.insert(place.clone(), text.to_owned());
            }
        }
        // It outlives the screen on which it was typed.
        dioxus::core::spawn_forever(self.keep());
    }

    async fn keep(self) {
        let kept = |(place, text): (&Place, &String)| match place {
            Place::With(name) => (name.clone(), false, text.clone()),
            Place::Of(id) => (id.clone(), true, text.clone()),
        };
        let kept = Kept(self.all.peek().iter().map(kept).collect());
        if let Ok(kept) = serde_json::to_string(&kept) {
            let key = self.key.peek().clone();
            accounts::keep_setting(&key, kept).await;
        }
    }
}
