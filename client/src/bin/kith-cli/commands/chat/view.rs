//! What a chat has on its screen, and what of it has changed since.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use kith_client::{Content, Engine, EngineError, Message, Older};

use crate::form::{written_content, written_message, written_reactions};
use crate::limits;

/// What was printed of a conversation, as it was when it was printed last.
pub(super) struct View {
    pub(super) conversation: String,
    shown: BTreeMap<u64, Message>,
    zone: TimeZone,
}

impl View {
    /// Nothing yet.
    pub(super) fn of(conversation: String) -> Self {
        Self {
            conversation,
            shown: BTreeMap::new(),
            zone: TimeZone::system(),
        }
    }

    /// The lines for what is new at the end, and for what has changed further up.
    pub(super) async fn news(
        &mut self,
        engine: &Engine,
        changed: &[u64],
    ) -> Result<Vec<String>, EngineError> {
        let limit = match self.shown.is_empty() {
            true => limits::CHAT_PAGE,
            false => limits::CHAT_WINDOW,
        };
        let page = engine.messages(&self.conversation, None, limit).await?;
        let newest = self.newest();
        let mut lines = Vec::new();
        let mut looked_at = page.messages;
        for number in changed.iter().filter(|number| self.shown.contains_key(number)) {
            if looked_at.iter().all(|message| message.number != *number) {
                looked_at.extend(engine.message(&self.conversation, *number).await?);
            }
        }
        looked_at.sort_by_key(|message| message.number);
        for message in looked_at {
            match self.shown.get(&message.number) {
                Some(before) if *before == message => continue,
                Some(before) => lines.extend(difference(before, &message)),
                None if message.number > newest => lines.push(written_message(&message, &self.zone)),
                None => continue,
            }
            self.shown.insert(message.number, message);
        }
        Ok(lines)
    }

    /// The lines for an older page, and why there aren't more where there are none.
    pub(super) async fn older(&mut self, engine: &Engine) -> Result<Vec<String>, EngineError> {
        let before = self.shown.keys().next().copied();
        let page = engine
            .messages(&self.conversation, before, limits::CHAT_PAGE)
            .await?;
        let mut lines = vec!["--- older ---".to_owned()];
        lines.extend(
            page.messages
                .iter()
                .map(|message| written_message(message, &self.zone)),
        );
        lines.push(match page.older {
            Older::Nothing => "--- the conversation begins here ---".to_owned(),
            Older::More => "--- /older shows more ---".to_owned(),
            Older::OutOfReach(error) => format!("--- more can't be fetched now: {error} ---"),
        });
        let messages = page.messages.into_iter();
        self.shown
            .extend(messages.map(|message| (message.number, message)));
        Ok(lines)
    }

    /// The number of the oldest message on the screen.
    pub(super) fn oldest(&self) -> u64 {
        self.shown.keys().next().copied().unwrap_or_default()
    }

    /// The number of the newest message on the screen.
    pub(super) fn newest(&self) -> u64 {
        self.shown.keys().next_back().copied().unwrap_or_default()
    }

    /// The last message of somebody, as far as it is on the screen and not erased.
    pub(super) fn last_of(&self, sender: &str) -> Option<&Message> {
        let mut messages = self.shown.values().rev();
        messages.find(|message| message.sender == sender && message.content != Content::Erased)
    }

    /// Whether somebody has put this reaction on a message.
    pub(super) fn has_reaction(&self, number: u64, reaction: &str, who: &str) -> bool {
        let message = self.shown.get(&number);
        let people = message.and_then(|message| message.reactions.get(reaction));
        people.is_some_and(|people| people.contains(who))
    }
}

/// What has become of a message, in a line each.
fn difference(before: &Message, now: &Message) -> Vec<String> {
    let Message { number, sender, .. } = now;
    let mut lines = Vec::new();
    if before.content != now.content {
        lines.push(match &now.content {
            Content::Erased => format!("{number:>4}  * erased by {sender}"),
            content => format!("{number:>4}  * changed by {sender}: {}", written_content(content)),
        });
    }
    if before.reactions != now.reactions && now.content != Content::Erased {
        lines.push(match now.reactions.is_empty() {
            true => format!("{number:>4}  * no reactions any more"),
            false => format!("{number:>4}  * reactions: {}", written_reactions(now)),
        });
    }
    lines
}
