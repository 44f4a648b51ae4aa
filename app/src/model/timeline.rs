//! A conversation as it is shown: messages put together by sender and day, in blocks that are cheap to show and to leave
//! out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::rc::Rc;

use kith_client::{Content, Message, Pending, Progress, Write};
use kith_common::WireError;
use litemap::LiteMap;

use super::time::{Day, Local};

/// Numbers in one block.
pub const BLOCK: u64 = 8;

/// Messages of one person within this time stand together.
const TOGETHER: i64 = 5 * 60 * 1000;

/// The messages of a conversation that are loaded, and how they look.
#[derive(Default)]
pub struct Timeline {
    messages: BTreeMap<u64, Message>,
    effects: LiteMap<u64, Effects>,
    views: LiteMap<u64, Rc<View>>,
    stale: BTreeSet<u64>,
}

/// What all of a conversation's messages are seen with.
#[derive(Clone)]
pub struct Eyes {
    /// Who looks.
    pub me: String,
    /// The local time.
    pub local: Local,
    /// The newest number that had been read when the conversation was opened, where something newer was there.
    pub read: Option<u64>,
}

/// A block of messages.
#[derive(Debug, PartialEq)]
pub struct View {
    /// Its place among the blocks.
    pub number: u64,
    /// What is in it, the oldest first.
    pub entries: Vec<Entry>,
}

/// A message, and what stands above it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Which one.
    pub key: Key,
    /// The day that begins with it.
    pub day: Option<Day>,
    /// What was unread when the conversation was opened begins with it.
    pub divider: bool,
    /// The first of those of one person that stand together.
    pub first: bool,
    /// The last of them.
    pub last: bool,
    /// Whether it is one's own.
    pub own: bool,
    /// Who sent it.
    pub sender: String,
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub time: i64,
    /// What it says.
    pub content: Content,
    /// Whether its text was changed.
    pub edited: bool,
    /// The number of what it answers.
    pub reply_to: Option<u64>,
    /// Reactions, in the order of their names.
    pub reactions: Vec<Reaction>,
    /// How far it has come.
    pub state: State,
}

/// What identifies a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Its number in the conversation.
    Stored(u64),
    /// Its id in the outbox.
    Waiting(u64),
}

/// The same text for the same message of a conversation, and for no other.
impl core::fmt::Display for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Stored(number) => write!(f, "{number}"),
            Self::Waiting(id) => write!(f, "+{id}"),
        }
    }
}

/// A reaction on a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// Which.
    pub what: String,
    /// Who put it there.
    pub by: Vec<String>,
    /// Whether one of them is the one who looks.
    pub mine: bool,
}

/// How far something that was written has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The server has it.
    Stored,
    /// It waits or is under way; a change of a stored message too.
    Waiting,
    /// It is a file that was held up.
    Paused,
    /// The server won't have it: its id in the outbox, and why.
    Failed(u64, WireError),
}

/// Changes of a message that aren't sent yet.
#[derive(Clone, Debug, Default, PartialEq)]
struct Effects {
    text: Option<String>,
    deleted: bool,
    reactions: Vec<(String, bool)>,
    failed: Option<(u64, WireError)>,
}

impl Timeline {
    /// Takes what a conversation has within a range of numbers, in place of what was there.
    pub fn take(&mut self, range: RangeInclusive<u64>, messages: Vec<Message>) {
        let gone: Vec<u64> = self.messages.range(range).map(|(number, _)| *number).collect();
        let mut before: BTreeMap<u64, Message> = gone
            .into_iter()
            .filter_map(|number| self.messages.remove_entry(&number))
            .collect();
        for message in messages {
            let number = message.number;
            if before.remove(&number).as_ref() != Some(&message) {
                self.touch(number);
            }
            self.messages.insert(number, message);
        }
        for number in before.into_keys() {
            self.touch(number);
        }
    }

    /// Takes what isn't sent yet and changes messages that are: they look as if it were. What makes new messages is shown by
    /// [`waiting`].
    pub fn take_pending(&mut self, pending: &[Pending]) {
        let mut effects: LiteMap<u64, Effects> = LiteMap::new();
        for item in pending {
            let (Write::Edit { target, .. } | Write::Delete { target, .. } | Write::React { target, .. }) =
                &item.write
            else {
                continue;
            };
            let effect = effects.entry(*target).or_default();
            if let Progress::Failed(error) = &item.progress {
                effect.failed = Some((item.id, error.clone()));
                continue;
            }
            match &item.write {
                Write::Edit { content, .. } => effect.text = Some(content.clone()),
                Write::Delete { .. } => effect.deleted = true,
                Write::React { reaction, on, .. } => effect.reactions.push((reaction.clone(), *on)),
                _ => {}
            }
        }
        let changed: Vec<u64> = effects
            .keys()
            .chain(self.effects.keys())
            .filter(|number| effects.get(number) != self.effects.get(number))
            .copied()
            .collect();
        self.effects = effects;
        for number in changed {
            self.touch(number);
        }
    }

    /// The blocks, the oldest first. Those that haven't changed are the same as before.
    pub fn views(&mut self, eyes: &Eyes) -> Vec<Rc<View>> {
        for number in core::mem::take(&mut self.stale) {
            let entries = self.entries(number, eyes);
            if entries.is_empty() {
                self.views.remove(&number);
            } else {
                self.views.insert(number, Rc::new(View { number, entries }));
            }
        }
        self.views.values().cloned().collect()
    }

    /// The smallest number that is loaded.
    pub fn oldest(&self) -> Option<u64> {
        self.messages.first_key_value().map(|(number, _)| *number)
    }

    /// The greatest number that is loaded.
    pub fn newest(&self) -> Option<u64> {
        self.messages.last_key_value().map(|(number, _)| *number)
    }

    /// A message that is loaded.
    pub fn message(&self, number: u64) -> Option<&Message> {
        self.messages.get(&number)
    }

    /// All that are loaded, the oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }

    /// One's own newest text, which can be changed.
    pub fn own_newest_text(&self, me: &str) -> Option<&Message> {
        let text = |message: &&Message| message.sender == me && matches!(message.content, Content::Text(_));
        self.messages.values().rev().find(text)
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// A block has to be made again, and what stands beside it if it is at its edge.
    fn touch(&mut self, number: u64) {
        self.stale.insert(number / BLOCK);
        let before = self.messages.range(..number).next_back();
        let after = self.messages.range(number + 1..).next();
        for (neighbour, _) in before.into_iter().chain(after) {
            self.stale.insert(neighbour / BLOCK);
        }
    }

    fn entries(&self, block: u64, eyes: &Eyes) -> Vec<Entry> {
        let range = block * BLOCK..(block + 1) * BLOCK;
        let mut before = self
            .messages
            .range(..range.start)
            .next_back()
            .map(|(_, message)| message);
        let mut entries: Vec<Entry> = Vec::new();
        for (number, message) in self.messages.range(range.clone()) {
            let mut entry = entry(message, before, eyes);
            if let Some(effects) = self.effects.get(number) {
                effects.act(&mut entry, &eyes.me);
            }
            if let Some(last) = entries.last_mut() {
                last.last = entry.first;
            }
            entries.push(entry);
            before = Some(message);
        }
        let after = self.messages.range(range.end..).next();
        if let (Some(last), Some((_, after))) = (entries.last_mut(), after) {
            last.last = entry(after, before, eyes).first;
        }
        entries
    }
}

/// The new messages that aren't sent yet, as they stand below a conversation.
pub fn waiting(pending: &[Pending], newest: Option<u64>, eyes: &Eyes) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for item in pending {
        let (content, reply_to) = match &item.write {
            Write::Message {
                content, reply_to, ..
            } => (Content::Text(content.clone()), *reply_to),
            Write::File {
                name,
                size,
                details,
                reply_to,
                ..
            } => {
                let content = Content::File {
                    details: details.clone(),
                    file: String::new(),
                    name: name.clone(),
                    size: *size,
                };
                (content, *reply_to)
            }
            _ => continue,
        };
        let state = match &item.progress {
            // The copy has it already, or will in a moment.
            Progress::Sent {
                place: Some((_, number)),
            } if newest.is_some_and(|newest| *number <= newest) => continue,
            Progress::Discarded => continue,
            Progress::Failed(error) => State::Failed(item.id, error.clone()),
            Progress::Paused => State::Paused,
            _ => State::Waiting,
        };
        if let Some(last) = entries.last_mut() {
            last.last = false;
        }
        entries.push(Entry {
            key: Key::Waiting(item.id),
            day: None,
            divider: false,
            first: entries.is_empty(),
            last: true,
            own: true,
            sender: eyes.me.clone(),
            time: item.time,
            content,
            edited: false,
            reply_to,
            reactions: Vec::new(),
            state,
        });
    }
    entries
}

fn entry(message: &Message, before: Option<&Message>, eyes: &Eyes) -> Entry {
    let day = (eyes.local)(message.time).day;
    let new_day = before.is_none_or(|before| (eyes.local)(before.time).day != day);
    let own = message.sender == eyes.me;
    // Above the first that is newer than what was read, if it is somebody else's.
    let divider = !own
        && eyes
            .read
            .is_some_and(|read| message.number > read && before.is_none_or(|before| before.number <= read));
    let together = before.is_some_and(|before| {
        before.sender == message.sender && message.time.abs_diff(before.time) <= TOGETHER.unsigned_abs()
    });
    Entry {
        key: Key::Stored(message.number),
        day: new_day.then_some(day),
        divider,
        first: new_day || divider || !together,
        last: true,
        own,
        sender: message.sender.clone(),
        time: message.time,
        content: message.content.clone(),
        edited: message.edited.is_some(),
        reply_to: message.reply_to,
        reactions: message
            .reactions
            .iter()
            .map(|(what, by)| Reaction {
                what: what.clone(),
                by: by.iter().cloned().collect(),
                mine: by.contains(&eyes.me),
            })
            .collect(),
        state: State::Stored,
    }
}

impl Effects {
    fn act(&self, entry: &mut Entry, me: &str) {
        if self.deleted {
            entry.content = Content::Erased;
            entry.reactions.clear();
            entry.reply_to = None;
        } else if let (Some(text), Content::Text(shown)) = (&self.text, &mut entry.content) {
            shown.clone_from(text);
            entry.edited = true;
        }
        for (what, on) in &self.reactions {
            let found = entry.reactions.iter().position(|reaction| reaction.what == *what);
            match (found, on) {
                (None, true) => entry.reactions.push(Reaction {
                    what: what.clone(),
                    by: vec![me.to_owned()],
                    mine: true,
                }),
                (Some(at), _) => {
                    if let Some(reaction) = entry.reactions.get_mut(at) {
                        reaction.by.retain(|by| by != me);
                        if *on {
                            reaction.by.push(me.to_owned());
                        }
                        reaction.mine = *on;
                    }
                    entry.reactions.retain(|reaction| !reaction.by.is_empty());
                }
                (None, false) => {}
            }
        }
        if self.text.is_some() || self.deleted {
            entry.state = State::Waiting;
        }
        if let Some((id, error)) = &self.failed {
            entry.state = State::Failed(*id, error.clone());
        }
    }
}

#[cfg(test)]
mod tests;
