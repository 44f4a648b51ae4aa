//! The engine's task: it connects, serves the connection until it ends, waits, and connects again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kith_common::{ErrorCode, Presence, TypingRequest};
use litemap::LiteMap;
use tokio::sync::{mpsc, oneshot, watch};

use super::online::Online;
use super::{Change, EngineError, Options, Progress, Shared, Status, lock};
use crate::connection::Pushes;
use crate::local_store::{Item, ItemState, StoreError};
use crate::runtime::task;
use crate::runtime::time::{Instant, sleep_until};
use crate::session::Session;
use crate::{Backoff, Connection, Error, Trust, limits, network, random};

/// What the engine's task is asked for.
pub(super) enum Command {
    /// The outbox has something new.
    Send,
    /// There are marks to be told.
    Marks,
    /// Say when there are no marks to be told any more.
    MarksTold(oneshot::Sender<()>),
    /// The copy may lack something.
    Sync,
    /// The network may be another one.
    Network,
    /// Go on with another session.
    Renew(Box<Options>),
    /// Throw something out of the outbox.
    Discard(u64, oneshot::Sender<Result<(), EngineError>>),
    /// Hold a transfer up.
    Pause(u64, oneshot::Sender<Result<(), EngineError>>),
    /// The person types or has stopped.
    Typing(TypingRequest),
    /// How this device shows itself.
    Presence(Presence),
}

/// Why a connection isn't there any more.
pub(super) enum End {
    /// It was lost, or never came to be.
    Lost(Error),
    /// The session has ended.
    SessionEnded,
    /// The store fails.
    Store(StoreError),
    /// There is a new session to go on with.
    Renewed,
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        if error.is_refused(ErrorCode::SessionEnded) || error.is_refused(ErrorCode::NotLoggedIn) {
            Self::SessionEnded
        } else {
            Self::Lost(error)
        }
    }
}

/// The state of the engine's task that outlives a connection.
pub(super) struct Runner {
    pub(super) options: Options,
    pub(super) shared: Arc<Shared>,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) presence: Option<Presence>,
    /// How often the server failed at an item of the outbox.
    pub(super) faults: LiteMap<u64, u32>,
}

impl Runner {
    pub(super) fn new(options: Options, shared: Arc<Shared>, commands: mpsc::Receiver<Command>) -> Self {
        Self {
            options,
            shared,
            commands,
            presence: None,
            faults: LiteMap::new(),
        }
    }

    /// Runs until it is to close.
    pub(super) async fn run(mut self, hints: mpsc::Sender<Command>, mut closing: watch::Receiver<bool>) {
        // A hint too many is one too many: what waits already makes the engine look at its connection.
        let network = network::watch(|| drop(hints.try_send(Command::Network)));
        tokio::select! {
            () = self.connect_again_and_again() => {}
            () = network => {}
            // An error means that nobody is there any more who could say so.
            _ = closing.wait_for(|closing| *closing) => {}
        }
        if let Some(connection) = self.unlink() {
            connection.close().await;
        }
        self.shared.set_status(Status::Closed);
        self.shared.announcer().end();
        lock(&self.shared.waiters).clear();
        // They hold what they are a part of.
        lock(&self.shared.lives).clear();
    }

    async fn connect_again_and_again(&mut self) {
        let mut backoff = Backoff::new();
        loop {
            self.shared.set_status(Status::Connecting);
            let end = match self.connect().await {
                Ok((connection, pushes)) => {
                    let (end, was_online) = Online::serve(self, &connection, pushes).await;
                    if was_online {
                        backoff = Backoff::new();
                    }
                    self.unlink();
                    // Another connection may take over while this one says goodbye.
                    task::spawn(async move { connection.close().await });
                    end
                }
                Err(end) => end,
            };
            let random = random::bytes::<4>().map_or(0, u32::from_ne_bytes);
            let pause = match end {
                End::Renewed => Some(Duration::ZERO),
                End::SessionEnded => {
                    self.shared.set_status(Status::SessionEnded);
                    None
                }
                End::Store(error) => {
                    self.shared.set_status(Status::Failed(error));
                    None
                }
                End::Lost(Error::Trust(error)) => {
                    self.shared.set_status(Status::Refused(error));
                    Some(*limits::RECONNECT.end())
                }
                End::Lost(error) => {
                    let retry_in = backoff.wait(random).max(error.retry_after().unwrap_or_default());
                    self.shared.set_status(Status::Offline {
                        reason: Some(error),
                        retry_in,
                    });
                    Some(retry_in)
                }
            };
            if self.pause(pause).await {
                backoff = Backoff::new();
            }
        }
    }

    async fn connect(&mut self) -> Result<(Connection, Pushes), End> {
        let resume = Session::resume(self.options.target.clone(), self.options.token.clone());
        tokio::pin!(resume);
        let (session, pushes) = loop {
            tokio::select! {
                resumed = &mut resume => break resumed?,
                Some(command) = self.commands.recv() => {
                    if let Some(Command::Renew(options)) = self.idle(command).await {
                        self.options = *options;
                        return Err(End::Renewed);
                    }
                }
            }
        };
        if session.login().account != self.shared.copy.me.account {
            let error = Error::Protocol("the session is another account's".to_owned());
            return Err(End::Lost(error));
        }
        self.note_pins(&session);
        #[cfg(not(target_arch = "wasm32"))]
        {
            *lock(&self.shared.trust) = Some(self.options.target.trust.clone());
        }
        let connection = session.connection().await;
        *lock(&self.shared.link) = Some(connection.clone());
        Ok((connection, pushes))
    }

    /// Trusts the keys that were announced from now on, and has them kept.
    fn note_pins(&mut self, session: &Session) {
        let pins = session.pins().to_vec();
        let held = self.options.target.trust.pins();
        if !held.is_empty() && !pins.is_empty() && held != pins {
            self.options.target.trust = Trust::pinned(pins.clone());
            self.shared.announcer().tell(Change::Pins(pins.clone()));
        }
        *lock(&self.shared.pins) = pins;
    }

    /// Takes the connection away from whoever would use it.
    fn unlink(&self) -> Option<Connection> {
        let people = core::mem::take(&mut *lock(&self.shared.people));
        for (username, _) in people {
            let presence = Presence::Offline;
            self.shared
                .announcer()
                .tell(Change::Presence { username, presence });
        }
        let sending = core::mem::take(&mut *lock(&self.shared.sending));
        for id in sending {
            self.shared.progress(id, Progress::Waiting);
        }
        lock(&self.shared.running).clear();
        lock(&self.shared.link).take()
    }

    /// Waits before the next attempt, without end where no time is given. `true` if it was cut short.
    async fn pause(&mut self, pause: Option<Duration>) -> bool {
        let until = pause.map(|pause| Instant::now() + pause);
        loop {
            let wait = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => core::future::pending().await,
                }
            };
            tokio::select! {
                () = wait => return false,
                Some(command) = self.commands.recv() => match self.idle(command).await {
                    Some(Command::Renew(options)) => {
                        self.options = *options;
                        return true;
                    }
                    // A token that was refused isn't tried again.
                    Some(Command::Network) if *self.shared.status.borrow() != Status::SessionEnded => return true,
                    _ => {}
                },
            }
        }
    }

    /// Does what a command asks for as far as that needs no connection; gives back what has to do with connecting.
    pub(super) async fn idle(&mut self, command: Command) -> Option<Command> {
        match command {
            Command::Discard(id, reply) => {
                // Whoever asked may have stopped waiting.
                let _ = reply.send(self.discard(id, &BTreeSet::new()).await);
                None
            }
            Command::Pause(id, reply) => {
                // Whoever asked may have stopped waiting.
                let _ = reply.send(self.pause_transfer(id).await);
                None
            }
            Command::Presence(presence) => {
                self.presence = Some(presence);
                None
            }
            Command::Renew(_) | Command::Network => Some(command),
            // Whoever waits for marks learns that nobody can be told.
            Command::MarksTold(_) => None,
            // What the outbox and the marks want is looked for with every connection.
            Command::Send | Command::Marks | Command::Sync | Command::Typing(_) => None,
        }
    }

    pub(super) async fn discard(&self, id: u64, sending: &BTreeSet<u64>) -> Result<(), EngineError> {
        let store = &self.shared.copy.store;
        let item = store.item(id).await?;
        if let Some(item) = &item
            && item.new.source.is_some()
        {
            return self.discard_transfer(item.clone()).await;
        }
        let sent = |item: &Item| matches!(item.state, ItemState::Sent { .. });
        if sending.contains(&id) || item.as_ref().is_none_or(sent) || !store.remove(id).await? {
            return Err(EngineError::NotPending);
        }
        self.shared.progress(id, Progress::Discarded);
        Ok(())
    }
}
