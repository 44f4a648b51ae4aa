//! The engine of a client: an account's conversations on this device, kept equal with the server's.

mod asks;
mod calls;
mod changes;
mod copy;
mod error;
mod events;
mod fold;
mod marks;
mod online;
mod outbox;
mod pages;
mod rules;
mod runner;
mod sending;
mod status;
mod transfers;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use kith_common::{DeviceId, LoginReply, Pin, Presence};
use litemap::LiteMap;
use tokio::sync::{mpsc, oneshot, watch};

use crate::local_store::{LocalStore, StoreError};
use crate::runtime::task;
use crate::{Connection, ServerAddress, Session, Target, limits};

use changes::Announcer;
pub use changes::{Change, Changes};
use copy::Copy;
pub use error::EngineError;
pub use events::Log;
pub use fold::{Contacts, Content, Message};
pub use outbox::{Pending, Progress, To, Write};
pub use pages::{Conversation, Older, Page};
use runner::{Command, Runner};
pub use status::{Clock, Status};
#[cfg(not(target_arch = "wasm32"))]
pub use transfers::FileBytes;
pub use transfers::{Blank, Direction, FileInfo, FileSource, Transfer};
use transfers::{Live, Pace, Running};

/// An account on this device. Clones share it.
///
/// It opens at once and offline from what a [`LocalStore`] holds, connects by itself, keeps the copy equal with the server,
/// sends what waits in the outbox, and tells of all that changes ([`Engine::changes`]). Whatever is asked of it is
/// answered from the copy where that is possible.
///
/// It must be opened within a tokio runtime, which runs its task. Its methods may then be called from anywhere. It
/// ends with [`Engine::close`] or when the last clone is dropped.
#[derive(Clone)]
pub struct Engine {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    closing: watch::Sender<bool>,
}

/// The engine's task ends with the last handle.
impl Drop for Handle {
    fn drop(&mut self) {
        self.closing.send_replace(true);
    }
}

/// What an engine is opened with.
#[derive(Clone)]
pub struct Options {
    /// Where and how to connect.
    pub target: Target,
    /// Whose engine it is.
    pub me: Identity,
    /// The secret of the session.
    pub token: String,
    /// What tells the time for what isn't sent yet.
    pub clock: Clock,
}

/// An account, and this device of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user name as its owner typed it.
    pub username: String,
    /// The id of the account's own log.
    pub account: String,
    /// The device that the session belongs to.
    pub device: DeviceId,
}

impl From<&LoginReply> for Identity {
    fn from(login: &LoginReply) -> Self {
        Self {
            username: login.username.clone(),
            account: login.account.clone(),
            device: login.device,
        }
    }
}

impl Options {
    /// Those of a session that was opened with a password. The engine makes a connection of its own; the session may be
    /// closed.
    pub fn of(session: &Session) -> Self {
        Self {
            target: session.target().clone(),
            me: session.login().into(),
            token: session.token().to_owned(),
            clock: Clock::system(),
        }
    }
}

/// Leaves out the token.
impl core::fmt::Debug for Options {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Options")
            .field("target", &self.target)
            .field("me", &self.me)
            .finish_non_exhaustive()
    }
}

impl core::fmt::Debug for Engine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine")
            .field("me", &self.handle.shared.copy.me)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

/// What the engine's task and its handles share.
struct Shared {
    copy: Copy,
    clock: Clock,
    /// The connection, while the copy is equal with the server or about to be.
    link: Mutex<Option<Connection>>,
    /// How the server is trusted that the connection leads to.
    #[cfg(not(target_arch = "wasm32"))]
    trust: Mutex<Option<crate::Trust>>,
    status: watch::Sender<Status>,
    pins: Mutex<Vec<Pin>>,
    people: Mutex<LiteMap<String, Presence>>,
    /// Items of the outbox that are under way.
    sending: Mutex<BTreeSet<u64>>,
    /// Transfers that run.
    running: Mutex<LiteMap<u64, Running>>,
    /// How far those are that run or have run.
    lives: Mutex<LiteMap<u64, Arc<Live>>>,
    pace: Pace,
    server: ServerAddress,
    /// Who waits for the fate of an item of the outbox.
    waiters: Mutex<HashMap<u64, Vec<oneshot::Sender<Progress>>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn set_status(&self, status: Status) {
        let changed = self.status.send_if_modified(|held| {
            let changed = *held != status;
            held.clone_from(&status);
            changed
        });
        if changed {
            self.copy.announcer.tell(Change::Status(status));
        }
    }

    /// Tells how far an item of the outbox has come.
    fn progress(&self, id: u64, progress: Progress) {
        let is_there_no_more = matches!(
            progress,
            Progress::Sent { .. } | Progress::Saved | Progress::Discarded
        );
        if is_there_no_more {
            lock(&self.lives).remove(&id);
        }
        if is_there_no_more || matches!(progress, Progress::Failed(_)) {
            for waiter in lock(&self.waiters).remove(&id).unwrap_or_default() {
                // Whoever waited may have stopped.
                let _ = waiter.send(progress.clone());
            }
        }
        self.copy.announcer.tell(Change::Outbox { id, progress });
    }

    fn announcer(&self) -> &Announcer {
        &self.copy.announcer
    }
}

/// A handle to an [`Engine`] that ends without regard to it.
#[derive(Clone)]
pub struct WeakEngine(Weak<Handle>);

impl WeakEngine {
    /// The engine, while somebody else has a handle to it.
    pub fn upgrade(&self) -> Option<Engine> {
        self.0.upgrade().map(|handle| Engine { handle })
    }
}

impl Engine {
    /// Opens an account from its local copy, and starts to connect.
    ///
    /// # Errors
    /// The copy can't be read; one that is damaged is begun anew.
    pub async fn open(options: Options, store: Arc<dyn LocalStore>) -> Result<Self, StoreError> {
        let copy = Copy::open(options.me.clone(), store).await?;
        let shared = Arc::new(Shared {
            copy,
            clock: options.clock.clone(),
            link: Mutex::default(),
            #[cfg(not(target_arch = "wasm32"))]
            trust: Mutex::default(),
            status: watch::Sender::new(Status::Offline {
                reason: None,
                retry_in: Duration::ZERO,
            }),
            pins: Mutex::default(),
            people: Mutex::default(),
            sending: Mutex::default(),
            running: Mutex::default(),
            lives: Mutex::default(),
            pace: Pace::new(),
            server: options.target.server.clone(),
            waiters: Mutex::default(),
        });
        let (commands, queue) = mpsc::channel(limits::COMMANDS);
        let closing = watch::Sender::new(false);
        let runner = Runner::new(options, Arc::clone(&shared), queue);
        // Its owners are the handles: it ends when they are closed or dropped.
        task::spawn(runner.run(commands.clone(), closing.subscribe()));
        Ok(Self {
            handle: Arc::new(Handle {
                shared,
                commands,
                closing,
            }),
        })
    }

    /// A handle that doesn't keep the engine going.
    pub fn downgrade(&self) -> WeakEngine {
        WeakEngine(Arc::downgrade(&self.handle))
    }

    /// Whose engine it is.
    pub fn me(&self) -> &Identity {
        &self.shared().copy.me
    }

    /// All changes from now on. Each call gives a stream of its own.
    pub fn changes(&self) -> Changes {
        let changes = self.shared().announcer().subscribe();
        if *self.handle.closing.borrow() {
            self.shared().announcer().end();
        }
        changes
    }

    /// The connection's state.
    pub fn status(&self) -> Status {
        self.shared().status.borrow().clone()
    }

    /// Waits until the copy is equal with the server, or until waiting won't help: the session has ended, the server isn't
    /// trusted, the device fails.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn online(&self) -> Result<(), EngineError> {
        let mut status = self.shared().status.subscribe();
        let settled =
            status.wait_for(|status| !matches!(status, Status::Offline { .. } | Status::Connecting));
        match settled.await.map(|status| status.clone()) {
            Ok(Status::Online) => Ok(()),
            Ok(Status::SessionEnded) => Err(EngineError::SessionEnded),
            Ok(Status::Refused(error)) => Err(EngineError::Network(error.into())),
            Ok(Status::Failed(error)) => Err(EngineError::Store(error)),
            _ => Err(EngineError::Closed),
        }
    }

    /// Says that the network may be another one now: the engine looks at its connection, or makes one, at once.
    pub async fn network_changed(&self) {
        self.command(Command::Network).await;
    }

    /// Goes on with a new session of the same account, after a login.
    ///
    /// # Errors
    /// The session is another account's.
    pub async fn renew(&self, session: &Session) -> Result<(), EngineError> {
        if session.login().account != self.me().account {
            return Err(EngineError::OtherAccount);
        }
        let options = Options::of(session);
        self.command(Command::Renew(Box::new(options))).await;
        Ok(())
    }

    /// The keys to pin, as the server announced them last; none where it announces none that it shows itself.
    pub fn pins(&self) -> Vec<Pin> {
        lock(&self.shared().pins).clone()
    }

    /// Ends the engine and waits for its end. The session, the copy and the outbox stay.
    pub async fn close(&self) {
        self.handle.closing.send_replace(true);
        self.handle.commands.closed().await;
    }

    fn shared(&self) -> &Shared {
        &self.handle.shared
    }

    async fn command(&self, command: Command) {
        // An engine that has ended needs none.
        let _ = self.handle.commands.send(command).await;
    }
}
