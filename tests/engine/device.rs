//! A device of somebody: an engine, its folder, and the line between it and the server.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use kith_client::local_store::sqlite::{Owner, SqliteStore};
use kith_client::{
    Changes, Contacts, Content, Conversation, Engine, Guest, Message, Older, Options, Pending, Progress,
    ServerAddress, Session, Status, Target, Trust,
};
use kith_common::{Mark, ProfileInfo, Username};
use kith_tests::{PASSWORD, PATIENCE, Proxy, Server};
use serde::Serialize;
use tempfile::TempDir;
use tokio::time::timeout;

/// Somebody's device.
pub(crate) struct Device {
    pub(crate) engine: Engine,
    pub(crate) proxy: Proxy,
    pub(crate) options: Options,
    pub(crate) folder: TempDir,
    changes: Changes,
}

/// Everything that a person can see.
#[derive(PartialEq, Serialize)]
pub(crate) struct View {
    conversations: Vec<(Conversation, Vec<Message>, Vec<Mark>)>,
    contacts: Contacts,
    profiles: Vec<ProfileInfo>,
    outbox: Vec<Pending>,
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string_pretty(self).unwrap())
    }
}

impl Device {
    /// Registers somebody and logs them in.
    pub(crate) async fn register(server: &Server, name: &str) -> Self {
        let guest = Guest::connect(target(server.address, server)).await.unwrap();
        guest
            .register(&name.parse().unwrap(), PASSWORD.to_owned(), None)
            .await
            .unwrap();
        guest.close().await;
        Self::login(server, name).await
    }

    /// Logs somebody in who is registered, on a new device.
    pub(crate) async fn login(server: &Server, name: &str) -> Self {
        let proxy = Proxy::to(server.address).await;
        let session = session(server, name, proxy.address).await;
        let options = Options::of(&session);
        session.close().await;
        Self::open(options, proxy, tempfile::tempdir().unwrap()).await
    }

    /// Opens an engine on what is in a folder.
    pub(crate) async fn open(options: Options, proxy: Proxy, folder: TempDir) -> Self {
        let engine = engine(&options, folder.path()).await;
        let changes = engine.changes();
        Self {
            engine,
            proxy,
            options,
            folder,
            changes,
        }
    }

    /// The same device after its program was ended and started again.
    pub(crate) async fn restart(self) -> Self {
        let (options, proxy, folder) = self.stop().await;
        Self::open(options, proxy, folder).await
    }

    /// Ends the program.
    pub(crate) async fn stop(self) -> (Options, Proxy, TempDir) {
        self.engine.close().await;
        let Self {
            engine,
            proxy,
            options,
            folder,
            ..
        } = self;
        drop(engine);
        (options, proxy, folder)
    }

    /// Waits until this is so, looking again with every change.
    pub(crate) async fn until(&mut self, what: &str, so: impl AsyncFn(&Engine) -> bool) {
        let waiting = async {
            while !so(&self.engine).await {
                self.changes.next().await.expect("the engine has ended");
            }
        };
        if timeout(PATIENCE, waiting).await.is_err() {
            panic!("not in time: {what}; {}", view(&self.engine).await);
        }
    }

    /// Waits until the engine is connected and equal with the server.
    pub(crate) async fn online(&self) {
        timeout(PATIENCE, self.engine.online())
            .await
            .expect("not online in time")
            .unwrap();
    }

    /// Cuts the line, and waits until the engine knows.
    pub(crate) async fn offline(&mut self) {
        self.proxy.down();
        self.until("it is offline", async |engine| {
            matches!(engine.status(), Status::Offline { .. })
        })
        .await;
    }

    /// Writes to somebody.
    pub(crate) async fn say(&self, to: &str, text: &str) -> u64 {
        self.engine.send(person(to), text.to_owned(), None).await.unwrap()
    }

    /// Writes to somebody, and waits until the server has it. Returns conversation and number.
    pub(crate) async fn tell(&self, to: &str, text: &str) -> (String, u64) {
        let id = self.say(to, text).await;
        self.sent(id).await
    }

    /// Waits until the server has something of the outbox. Returns conversation and number.
    pub(crate) async fn sent(&self, id: u64) -> (String, u64) {
        match timeout(PATIENCE, self.engine.settled(id))
            .await
            .expect("not settled in time")
            .unwrap()
        {
            Progress::Sent { place: Some(place) } => place,
            progress => panic!("{progress:?}"),
        }
    }

    /// Waits until a message of this text is there from somebody.
    pub(crate) async fn hears(&mut self, from: &str, text: &str) -> Message {
        let with = from.to_owned();
        let content = Content::Text(text.to_owned());
        self.until(&format!("{from} says {text:?}"), async |engine| {
            all(engine)
                .await
                .iter()
                .flat_map(|(_, messages)| messages)
                .any(|m| m.sender == with && m.content == content)
        })
        .await;
        let conversations = all(&self.engine).await;
        let mut messages = conversations.into_iter().flat_map(|(_, messages)| messages);
        messages
            .find(|message| message.sender == from && message.content == content)
            .unwrap()
    }

    /// Waits until all that was written is sent.
    pub(crate) async fn empty(&mut self) {
        self.until("the outbox is empty", async |engine| {
            engine.outbox().await.unwrap().is_empty()
        })
        .await;
    }

    /// The texts of the conversation with somebody.
    pub(crate) async fn texts(&self, with: &str) -> Vec<String> {
        let Some(conversation) = self.engine.conversation_with(with) else {
            return Vec::new();
        };
        let text = |message: Message| match message.content {
            Content::Text(text) => text,
            other => format!("{other:?}"),
        };
        messages(&self.engine, &conversation)
            .await
            .into_iter()
            .map(text)
            .collect()
    }

    /// Sees to it that this device shows the same as a new one with an empty copy, as soon as both are quiet.
    pub(crate) async fn equals_fresh_fetch(&mut self, server: &Server) {
        self.online().await;
        let proxy = Proxy::to(server.address).await;
        let options = Options {
            target: Target {
                server: address(proxy.address),
                ..self.options.target.clone()
            },
            ..self.options.clone()
        };
        let fresh = Self::open(options, proxy, tempfile::tempdir().unwrap()).await;
        fresh.online().await;
        self.agrees_with(&fresh, view).await;
        fresh.stop().await;
    }
}

impl Device {
    /// Waits until this device shows the same as another one of the same account, looking at all of it or a part.
    pub(crate) async fn agrees_with<T: PartialEq + fmt::Display>(
        &mut self,
        other: &Self,
        look: impl AsyncFn(&Engine) -> T,
    ) {
        let mut changes = other.engine.changes();
        let waiting = async {
            while look(&self.engine).await != look(&other.engine).await {
                tokio::select! {
                    batch = self.changes.next() => drop(batch.expect("the engine has ended")),
                    batch = changes.next() => drop(batch.expect("the other engine has ended")),
                }
            }
        };
        if timeout(PATIENCE, waiting).await.is_err() {
            let (mine, others) = (look(&self.engine).await, look(&other.engine).await);
            panic!(
                "{} shows {mine}\nthe other device: {others}",
                self.engine.me().username
            );
        }
    }
}

/// Connects and logs in.
pub(crate) async fn session(server: &Server, name: &str, address: SocketAddr) -> Session {
    let guest = Guest::connect(target(address, server)).await.unwrap();
    let (session, _) = guest
        .login(&name.parse().unwrap(), PASSWORD.to_owned(), None)
        .await
        .unwrap();
    session
}

pub(crate) async fn engine(options: &Options, folder: &Path) -> Engine {
    Engine::open(options.clone(), Arc::new(store(options, folder)))
        .await
        .unwrap()
}

pub(crate) fn store(options: &Options, folder: &Path) -> SqliteStore {
    SqliteStore::open(folder, owner(options)).unwrap()
}

pub(crate) fn owner(options: &Options) -> Owner {
    Owner {
        server: "test".to_owned(),
        account: options.me.account.clone(),
    }
}

pub(crate) fn target(address: SocketAddr, server: &Server) -> Target {
    Target {
        server: self::address(address),
        trust: Trust::Pins(vec![server.pin.parse().unwrap()]),
        program: "engine stories".to_owned(),
    }
}

pub(crate) fn person(name: &str) -> Username {
    name.parse().unwrap()
}

fn address(address: SocketAddr) -> ServerAddress {
    ServerAddress {
        host: address.ip().to_string(),
        port: address.port(),
    }
}

/// Everything that a person can see in an engine.
pub(crate) async fn view(engine: &Engine) -> View {
    let mut conversations = Vec::new();
    let mut people = BTreeSet::from([engine.me().username.clone()]);
    for (conversation, messages) in all(engine).await {
        let marks = engine.marks(&conversation.id);
        people.extend(conversation.others.iter().cloned());
        conversations.push((conversation, messages, marks));
    }
    conversations.sort_by(|(one, ..), (other, ..)| one.id.cmp(&other.id));
    View {
        conversations,
        contacts: engine.contacts(),
        profiles: people.iter().filter_map(|name| engine.profile(name)).collect(),
        outbox: engine.outbox().await.unwrap(),
    }
}

async fn all(engine: &Engine) -> Vec<(Conversation, Vec<Message>)> {
    let ids: Vec<String> = engine
        .conversations()
        .await
        .unwrap()
        .into_iter()
        .map(|c| c.id)
        .collect();
    let mut pages = Vec::new();
    for id in ids {
        let messages = messages(engine, &id).await;
        pages.push((id, messages));
    }
    // What is counted as unread depends on what is held, which is all by now.
    let conversations = engine.conversations().await.unwrap();
    let with = |(id, messages): (String, Vec<Message>)| {
        let conversation = conversations.iter().find(|c| c.id == id).unwrap().clone();
        (conversation, messages)
    };
    pages.into_iter().map(with).collect()
}

/// All messages of a conversation, page by page, as far as they can be had.
pub(crate) async fn messages(engine: &Engine, conversation: &str) -> Vec<Message> {
    let mut pages = Vec::new();
    let mut before = None;
    loop {
        let page = engine.messages(conversation, before, 7).await.unwrap();
        before = page.messages.first().map(|message| message.number);
        pages.push(page.messages);
        if page.older != Older::More {
            pages.reverse();
            return pages.concat();
        }
    }
}
