//! An account's engine for the time of a command: waiting for the server, and for what becomes of what was written.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use kith_client::{
    Account, Change, Changes, Engine, EngineError, Error, Logs, Pending, Progress, Status, Store,
};
use kith_common::Username;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::account::{Chosen, forget_token};
use crate::args::{Place, Waiting};
use crate::failure::{Exit, Failure, note};
use crate::form::what_waits;
use crate::limits;
use crate::progress::{Spinner, TransferBar};

/// An account that is open.
pub(crate) struct Opened {
    pub(crate) engine: Engine,
    pub(crate) changes: Changes,
    pub(crate) account: Account,
    store: Store,
    /// The account's name in the profile.
    name: String,
    /// What waited before this command.
    leftovers: Vec<Pending>,
    /// What shows how far a file is that is waited for.
    pub(crate) bar: Option<TransferBar>,
    /// What is refused stays in the outbox, because it can't be had again otherwise.
    pub(crate) keep_refused: bool,
}

/// Where something is now: conversation and number, where it is an event of a conversation and that is known.
pub(crate) type Sent = Option<(String, u64)>;

/// What became of something that was written.
pub(crate) enum Outcome {
    /// The server has it.
    Sent(Sent),
    /// It waits in the outbox, under this number.
    Waits(u64),
}

impl Opened {
    /// Opens the account that the command line names, does something with it, and closes it. What waited in the outbox
    /// before is sent on the way, where the server is reached.
    pub(crate) async fn with<T>(
        place: &Place,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut opened = Self::open(place).await?;
        let result = work(&mut opened).await;
        if result.is_ok() {
            opened.send_leftovers().await?;
            if opened.engine.status() == Status::Online {
                // What can't be told in this time is told over the next connection.
                let _ = timeout(limits::MARKS, opened.engine.marks_told()).await;
            }
        }
        opened.engine.close().await;
        result
    }

    async fn open(place: &Place) -> Result<Self, Failure> {
        let chosen = Chosen::by(place)?;
        let options = chosen.options()?;
        let Chosen {
            account, store, name, ..
        } = chosen;
        let local = store.local_store(&account)?;
        let engine = Engine::open(options, Arc::new(local)).await?;
        let changes = engine.changes();
        let mut leftovers = engine.outbox().await?;
        leftovers.retain(|item| !matches!(item.progress, Progress::Failed(_)));
        Ok(Self {
            engine,
            changes,
            account,
            store,
            name,
            leftovers,
            bar: None,
            keep_refused: false,
        })
    }

    /// Waits until the copy is equal with the server.
    ///
    /// # Errors
    /// The first attempt to reach the server failed, or none is worth it.
    pub(crate) async fn online(&mut self) -> Result<(), Failure> {
        let _spinner = Spinner::start("Fetching what is new");
        loop {
            if self.is_online()? {
                self.keep_session()?;
                return Ok(());
            }
            if self.changes.next().await.is_none() {
                return Err(EngineError::Closed.into());
            }
        }
    }

    /// The same, but goes on with the local copy where the server can't be reached, and tells the person so.
    pub(crate) async fn online_if_possible(&mut self) -> Result<(), Failure> {
        match self.online().await {
            Err(failure) if failure.is_unreachable() => {
                note(&format!("{}; this is as of the last time", failure.message()));
                Ok(())
            }
            result => result,
        }
    }

    /// Whether the copy is equal with the server; an error where the wait has no use.
    fn is_online(&self) -> Result<bool, Failure> {
        match self.engine.status() {
            Status::Online => Ok(true),
            Status::Connecting | Status::Offline { reason: None, .. } => Ok(false),
            Status::Offline {
                reason: Some(error), ..
            } => Err(error.into()),
            status => Err(self.ended(status)),
        }
    }

    /// Why an engine doesn't go on by itself.
    pub(crate) fn ended(&self, status: Status) -> Failure {
        match status {
            Status::SessionEnded => match forget_token(&self.store, &self.name) {
                Ok(()) => Failure::session_ended(),
                Err(failure) => failure,
            },
            Status::Refused(error) => Error::Trust(error).into(),
            Status::Failed(error) => error.into(),
            _ => EngineError::Closed.into(),
        }
    }

    /// Remembers that the account was used, and the keys that its server announced.
    pub(crate) fn keep_session(&self) -> Result<(), Failure> {
        let pins = self.engine.pins();
        Ok(self.store.change(|profile| {
            profile.last = Some(self.name.clone());
            if !pins.is_empty() {
                profile
                    .servers
                    .entry(self.account.server.clone())
                    .or_default()
                    .pins = pins;
            }
        })?)
    }

    /// The conversation with somebody.
    ///
    /// # Errors
    /// There is none, or it isn't known here and the server can't be asked.
    pub(crate) async fn conversation(&mut self, with: &Username) -> Result<String, Failure> {
        if let Some(conversation) = self.engine.conversation_with(with.as_str()) {
            return Ok(conversation);
        }
        self.online().await?;
        let conversation = self.engine.conversation_with(with.as_str());
        conversation
            .ok_or_else(|| Failure::new(Exit::Refused, format!("there is no conversation with {with} yet")))
    }

    /// Waits for what becomes of something in the outbox, unless the person doesn't want to. `what` names it: "the message
    /// to bob".
    pub(crate) async fn outcome(
        &mut self,
        id: u64,
        what: &str,
        waiting: &Waiting,
        patience: Duration,
    ) -> Result<Outcome, Failure> {
        if waiting.no_wait {
            // Nor for what waited before.
            self.leftovers.clear();
            return Ok(Outcome::Waits(id));
        }
        let place = self.settle(id, what, patience).await?;
        if let Some((conversation, number)) = &place {
            self.keep_sent(conversation, *number)?;
        }
        Ok(Outcome::Sent(place))
    }

    /// Waits for what becomes of something in the outbox. `what` names it: "the message to bob".
    ///
    /// # Errors
    /// The server refuses it: then it is thrown out of the outbox. Or its fate isn't known: then it stays there.
    async fn settle(&mut self, id: u64, what: &str, patience: Duration) -> Result<Sent, Failure> {
        let progress = match self.fate(id, patience).await {
            Ok(progress) => progress,
            Err(failure) => return Err(failure.but_kept(what, id)),
        };
        match progress {
            Progress::Sent { place } => {
                self.keep_session()?;
                Ok(place)
            }
            Progress::Failed(error) if self.keep_refused => {
                let failure = Failure::from(error);
                Err(failure.and(&format!("what you typed is kept, see `kith-cli outbox` ({id})")))
            }
            Progress::Failed(error) => {
                // Another program may have thrown it away already.
                let _ = self.engine.discard(id).await;
                Err(error.into())
            }
            _ => Err(Failure::new(
                Exit::Refused,
                format!("{what} was thrown out of the outbox"),
            )),
        }
    }

    /// Waits for what becomes of something that is tried again. What is refused again stays in the outbox.
    pub(crate) async fn again(&mut self, id: u64) -> Result<(), Failure> {
        match self.fate(id, limits::FILE_OUTCOME).await {
            Ok(Progress::Failed(error)) => Err(error.into()),
            Ok(_) => Ok(()),
            Err(failure) => Err(failure.but_kept("it", id)),
        }
    }

    pub(crate) async fn fate(&mut self, id: u64, patience: Duration) -> Result<Progress, Failure> {
        let engine = self.engine.clone();
        let mut settled = pin!(engine.settled(id));
        let mut late = pin!(sleep(patience));
        let mut losses = limits::LOSSES;
        loop {
            match self.is_online() {
                Ok(true) => losses = 0,
                Ok(false) => {}
                Err(failure) if failure.is_unreachable() && losses < limits::LOSSES => losses += 1,
                Err(failure) => return Err(failure),
            }
            tokio::select! {
                progress = &mut settled => return Ok(progress?),
                changes = self.changes.next() => {
                    let changes = changes.ok_or(EngineError::Closed)?;
                    if self.show(id, &changes) {
                        // As long as it moves, it is worth waiting for.
                        late.as_mut().reset(Instant::now() + patience);
                    }
                }
                () = sleep(limits::LOOK_AGAIN) => {
                    if let Some(progress) = self.other_program_did(id).await? {
                        return Ok(progress);
                    }
                }
                () = &mut late => {
                    let message = "the server doesn't take it now".to_owned();
                    return Err(Failure::new(Exit::Unreachable, message));
                }
            }
        }
    }

    /// Shows how far a file is, and says whether it has moved.
    fn show(&self, id: u64, changes: &[Change]) -> bool {
        let mut moved = false;
        for change in changes {
            if let Change::Transfer { id: of, done, total } = change
                && *of == id
            {
                moved = true;
                if let Some(bar) = &self.bar {
                    bar.reach(*done, *total);
                }
            }
        }
        moved
    }

    /// What another program on the same outbox did with an item, if anything.
    async fn other_program_did(&self, id: u64) -> Result<Option<Progress>, Failure> {
        let items = self.engine.outbox().await?.into_iter();
        let items = items.map(|item| (item.id, item.progress));
        let transfers = self.engine.transfers().await?.into_iter();
        let mut items = items.chain(transfers.map(|transfer| (transfer.id, transfer.progress)));
        Ok(match items.find(|(other, _)| *other == id) {
            None => Some(Progress::Sent { place: None }),
            Some((_, Progress::Failed(error))) => Some(Progress::Failed(error)),
            Some(_) => None,
        })
    }

    /// Goes on with something that waited, as what this command is about.
    pub(crate) fn take_over(&mut self, id: u64) {
        self.leftovers.retain(|item| item.id != id);
    }

    /// Throws something out of the outbox.
    pub(crate) async fn discard(&mut self, id: u64) -> Result<(), Failure> {
        self.leftovers.retain(|item| item.id != id);
        Ok(self.engine.discard(id).await?)
    }

    /// Stays until what waited before is sent, and tells of it.
    pub(crate) async fn send_leftovers(&mut self) -> Result<(), Failure> {
        let leftovers = core::mem::take(&mut self.leftovers);
        if leftovers.is_empty() {
            return Ok(());
        }
        let late = Instant::now() + limits::LEFTOVERS;
        let left = loop {
            let left = self.engine.outbox().await?;
            let waits = |item: &Pending| {
                leftovers.iter().any(|one| one.id == item.id) && !matches!(item.progress, Progress::Failed(_))
            };
            if !left.iter().any(waits) || !matches!(self.engine.status(), Status::Online) {
                break left;
            }
            tokio::select! {
                _ = self.changes.next() => {}
                () = sleep(limits::LOOK_AGAIN) => {}
                () = sleep_until(late) => break left,
            }
        };
        for item in &leftovers {
            let what = what_waits(&self.engine, &item.write);
            match left.iter().find(|other| other.id == item.id) {
                None => note(&format!("sent now: {what}")),
                Some(Pending {
                    progress: Progress::Failed(error),
                    id,
                    ..
                }) => note(&format!(
                    "not sent: {what}: {} (see kith-cli outbox, {id})",
                    error.message
                )),
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Remembers what was printed of the logs.
    pub(crate) fn keep_logs(&self, logs: &Logs) -> Result<(), Failure> {
        Ok(self.store.change(|profile| {
            if let Some(account) = profile.accounts.get_mut(&self.name) {
                account.logs.merge(logs);
            }
        })?)
    }

    /// Remembers that one's own event needn't be printed as missed.
    fn keep_sent(&self, conversation: &str, number: u64) -> Result<(), Failure> {
        let mut logs = self.account.logs.clone();
        logs.read_number(conversation, number);
        self.keep_logs(&logs)
    }

    /// Forgets the session's secret, once it is worth nothing.
    pub(crate) fn forget_token(&self) -> Result<(), Failure> {
        forget_token(&self.store, &self.name)
    }
}
