use std::collections::BTreeSet;

use dioxus::prelude::*;
use kith_client::Engine;
use litemap::LiteMap;

use crate::model::media::picture_type;
use crate::platform;

/// The pictures of people's profiles, by the names that the server gives them.
#[derive(Clone, Copy, PartialEq)]
pub struct Pictures {
    shown: Signal<LiteMap<String, String>>,
    asked: CopyValue<BTreeSet<String>>,
}

impl Pictures {
    pub(super) fn new() -> Self {
        Self {
            shown: Signal::new(LiteMap::new()),
            asked: CopyValue::new(BTreeSet::new()),
        }
    }

    /// The address of somebody's picture; if it isn't there yet it is fetched, and whoever asked is told.
    pub(super) fn of(mut self, engine: &Engine, username: &str, avatar: &str) -> Option<String> {
        if let Some(address) = self.shown.read().get(avatar) {
            return Some(address.clone());
        }
        if self.asked.write().insert(avatar.to_owned()) {
            let (engine, username, avatar) = (engine.clone(), username.to_owned(), avatar.to_owned());
            dioxus::core::spawn_forever(async move {
                match engine.fetch_profile(&username).await {
                    Ok(reply) => {
                        let Some(data) = reply.avatar_data.filter(|data| !data.0.is_empty()) else {
                            return;
                        };
                        if let Some(media) = picture_type(&data.0) {
                            let address = platform::object_url(&data.0, media);
                            self.shown.write().insert(avatar, address);
                        }
                    }
                    // It may work the next time it is wanted.
                    Err(_) => {
                        self.asked.write().remove(&avatar);
                    }
                }
            });
        }
        None
    }
}
