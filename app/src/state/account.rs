use std::collections::BTreeSet;

use dioxus::prelude::*;
use kith_client::{Change, Contacts, Conversation, Engine, Pending, ServerAddress, Status};
use kith_common::Presence;
use litemap::LiteMap;

use super::drafts::Drafts;
use super::files::Files;
use super::pictures::Pictures;
use crate::model::list::{self, Last, Line, Parts, Place};
use crate::model::people;
use crate::platform;
use crate::settings::Settings;

/// An account whose engine is open.
#[derive(Clone)]
pub struct Opened {
    /// Its engine.
    pub engine: Engine,
    /// The name under which this device knows it.
    pub name: String,
    /// Where it is.
    pub server: ServerAddress,
}

/// The same account and the same session.
impl PartialEq for Opened {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.engine.me() == other.engine.me()
    }
}

/// What the main pane shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Page {
    /// That nothing was chosen.
    #[default]
    Nothing,
    /// A conversation.
    Chat(Place),
    /// The settings.
    Settings,
}

/// An account as its screens see it.
#[derive(Clone, Copy, PartialEq)]
pub struct Account {
    opened: CopyValue<Opened>,
    /// The connection.
    pub status: Signal<Status>,
    /// The conversations; none while they are being read.
    pub conversations: Signal<Option<Vec<Conversation>>>,
    /// The contacts and blocked people.
    pub contacts: Signal<Contacts>,
    /// What isn't sent yet.
    pub outbox: Signal<Vec<Pending>>,
    /// Who types in which conversation.
    pub typing: Signal<LiteMap<String, BTreeSet<String>>>,
    /// What was begun to write.
    pub drafts: Drafts,
    /// The files of its conversations.
    pub files: Files,
    /// What the main pane shows.
    pub page: Signal<Page>,
    /// Whether the person logs out here just now.
    pub leaving: Signal<bool>,
    /// Changes whenever the conversation that is open is chosen again.
    pub chosen: Signal<u64>,
    /// Changes whenever somebody's profile or presence does.
    people: Signal<u64>,
    pictures: Pictures,
}

impl Account {
    /// Makes an account known to all components below and follows its engine.
    pub fn provide(opened: Opened, settings: Settings) -> Self {
        let account = use_context_provider(|| Self {
            status: Signal::new(opened.engine.status()),
            contacts: Signal::new(opened.engine.contacts()),
            drafts: Drafts::new(&opened.name),
            opened: CopyValue::new(opened),
            conversations: Signal::new(None),
            outbox: Signal::new(Vec::new()),
            typing: Signal::new(LiteMap::new()),
            files: Files::new(),
            page: Signal::new(Page::default()),
            leaving: Signal::new(false),
            chosen: Signal::new(0),
            people: Signal::new(0),
            pictures: Pictures::new(),
        });
        use_future(move || account.follow(settings));
        account
    }

    /// Its engine.
    pub fn engine(self) -> Engine {
        self.opened.peek().engine.clone()
    }

    /// The name under which this device knows it.
    pub fn name(self) -> String {
        self.opened.peek().name.clone()
    }

    /// Its user name.
    pub fn me(self) -> String {
        self.opened.peek().engine.me().username.clone()
    }

    /// Where the account is.
    pub fn server(self) -> ServerAddress {
        self.opened.peek().server.clone()
    }

    /// What somebody is called.
    pub fn called(self, username: &str) -> String {
        self.people.read();
        people::name(username, self.opened.peek().engine.profile(username).as_ref())
    }

    /// What somebody says of themselves.
    pub fn about(self, username: &str) -> String {
        self.people.read();
        let profile = self.opened.peek().engine.profile(username);
        profile
            .map(|profile| people::plain(&profile.about))
            .unwrap_or_default()
    }

    /// Whether somebody is there.
    pub fn presence(self, username: &str) -> Presence {
        self.people.read();
        self.opened.peek().engine.presence(username)
    }

    /// The address of somebody's picture.
    pub fn picture(self, username: &str) -> Option<String> {
        self.people.read();
        let engine = self.engine();
        let avatar = engine.profile(username)?.avatar?;
        self.pictures.of(&engine, username, &avatar)
    }

    /// Opens a conversation.
    pub fn show(mut self, place: Place) {
        if *self.page.peek() != Page::Chat(place.clone()) {
            let was_open = *self.page.peek() != Page::Nothing;
            self.page.set(Page::Chat(place));
            platform::went_deeper(was_open);
        } else {
            self.choose_again();
        }
    }

    /// Whoever has the conversation open wants to write in it.
    pub fn choose_again(mut self) {
        *self.chosen.write() += 1;
    }

    /// Opens the settings.
    pub fn show_settings(mut self) {
        if *self.page.peek() != Page::Settings {
            let was_open = *self.page.peek() != Page::Nothing;
            self.page.set(Page::Settings);
            platform::went_deeper(was_open);
        }
    }

    /// Goes back to the list.
    pub fn go_back(self) {
        // The platform's own way back leads here too.
        if !platform::go_back() {
            self.close_page();
        }
    }

    /// Shows nothing in the main pane.
    pub fn close_page(mut self) {
        self.page.set(Page::Nothing);
    }

    /// The lines of the list.
    pub fn lines(self) -> Option<Vec<Line>> {
        let conversations = self.conversations.read();
        let conversations = conversations.as_ref()?;
        Some(list::lines(&Parts {
            me: &self.me(),
            conversations,
            contacts: &self.contacts.read(),
            outbox: &self.outbox.read(),
            drafts: &self.drafts.all().read(),
        }))
    }

    /// All that wasn't read.
    pub fn unread(self) -> u64 {
        let conversations = self.conversations.read();
        conversations
            .iter()
            .flatten()
            .map(|conversation| conversation.unread)
            .sum()
    }

    /// Whether this person has blocked another.
    pub fn has_blocked(self, username: &str) -> bool {
        self.contacts.read().blocked.contains(username)
    }

    /// Who types in a conversation.
    pub fn typing_in(self, conversation: &str) -> Vec<String> {
        let typing = self.typing.read();
        typing.get(conversation).into_iter().flatten().cloned().collect()
    }

    async fn follow(self, settings: Settings) {
        let engine = self.engine();
        let mut changes = engine.changes();
        self.drafts.load().await;
        self.reload().await;
        while let Some(batch) = changes.next().await {
            self.take(batch, settings).await;
        }
    }

    async fn take(mut self, batch: Vec<Change>, settings: Settings) {
        let engine = self.engine();
        let mut changed: LiteMap<String, BTreeSet<u64>> = LiteMap::new();
        let (mut everything, mut list, mut outbox, mut people) = (false, false, false, false);
        for change in batch {
            self.files.take(&change);
            match change {
                Change::Reload => everything = true,
                Change::Conversations => list = true,
                Change::Messages {
                    conversation,
                    numbers,
                } => changed.entry(conversation).or_default().extend(numbers),
                Change::Unread { conversation, count } => self.set_unread(&conversation, count),
                Change::Outbox { .. } => outbox = true,
                Change::Typing {
                    conversation,
                    username,
                    typing,
                } => {
                    let mut all = self.typing.write();
                    let who = all.entry(conversation).or_default();
                    if typing {
                        who.insert(username);
                    } else {
                        who.remove(&username);
                    }
                }
                Change::Presence { .. } | Change::Profile { .. } => people = true,
                Change::Contacts => self.contacts.set(engine.contacts()),
                Change::Status(status) => self.status.set(status),
                // Whoever keeps the account follows it too, and the files theirs.
                Change::Transfer { .. } | Change::Pins(_) | Change::Marks { .. } | Change::Sessions => {}
            }
        }
        if people || everything {
            *self.people.write() += 1;
        }
        if everything {
            self.reload().await;
        } else {
            if list {
                self.read_conversations().await;
            }
            for conversation in changed.keys().filter(|_| !list) {
                self.read_conversation(conversation).await;
            }
            if outbox {
                self.read_outbox().await;
            }
        }
        if settings.notify_now() {
            self.notify(&changed, settings);
        }
    }

    async fn reload(mut self) {
        let engine = self.engine();
        self.status.set(engine.status());
        self.contacts.set(engine.contacts());
        self.read_conversations().await;
        self.read_outbox().await;
        self.files.reload(&engine).await;
    }

    async fn read_conversations(mut self) {
        // An error is of the device; the status tells of it.
        if let Ok(conversations) = self.engine().conversations().await {
            self.conversations.set(Some(conversations));
        }
    }

    async fn read_conversation(mut self, id: &str) {
        let Ok(page) = self.engine().messages(id, None, 1).await else {
            return;
        };
        let mut conversations = self.conversations.write();
        let mut all = conversations.iter_mut().flatten();
        if let Some(conversation) = all.find(|conversation| conversation.id == id) {
            conversation.last = page.messages.into_iter().next_back();
        }
    }

    async fn read_outbox(mut self) {
        if let Ok(outbox) = self.engine().outbox().await
            && *self.outbox.peek() != outbox
        {
            self.outbox.set(outbox);
        }
    }

    fn set_unread(mut self, id: &str, count: u64) {
        let mut conversations = self.conversations.write();
        let mut all = conversations.iter_mut().flatten();
        if let Some(conversation) = all.find(|conversation| conversation.id == id) {
            conversation.unread = count;
        }
    }

    /// Notifies of new messages of others, as long as nobody looks.
    fn notify(self, changed: &LiteMap<String, BTreeSet<u64>>, settings: Settings) {
        let words = settings.words_now();
        let conversations = self.conversations.peek();
        for conversation in conversations.iter().flatten() {
            let (Some(numbers), Some(last)) = (changed.get(&conversation.id), &conversation.last) else {
                continue;
            };
            if conversation.unread == 0 || !numbers.contains(&last.number) || last.sender == self.me() {
                continue;
            }
            let name = people::name(&last.sender, self.engine().profile(&last.sender).as_ref());
            let body = match list::last(last, &self.me()) {
                Last::Text(text, _) => text,
                Last::File(file, _) => file,
                _ => continue,
            };
            platform::notify(&(words.message_from)(&name), &body, &conversation.id);
        }
    }
}

/// The account that is open.
pub fn use_account() -> Account {
    use_context()
}
