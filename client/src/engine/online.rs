//! What the engine does while it is connected: it fetches what it missed, takes what comes, and sends what waits.

use std::collections::BTreeSet;

use kith_common::{
    EventKind, LogEvent, Mark, Notice, PersonPresence, PresenceReply, PresenceRequest, Request, SyncReply,
    SyncRequest, TypingRequest,
};
use litemap::LiteMap;

use super::copy::News;
use super::runner::{Command, End, Runner};
use super::sending::Sending;
use super::{Change, Status, lock};
use crate::connection::{Push, Pushes};
use crate::local_store::StoreError;
use crate::runtime::time::{Instant, sleep_until, timeout};
use crate::{Connection, Error, limits};

/// One connection of an engine.
pub(super) struct Online<'a> {
    pub(super) runner: &'a mut Runner,
    pub(super) connection: &'a Connection,
    pub(super) sending: Sending,
    /// Events whose predecessors are still to come.
    early: LiteMap<(String, u64), LogEvent>,
    /// Something may be missing.
    behind: bool,
    /// Who is there may have changed unheard.
    presence_due: bool,
    /// Until when somebody counts as typing.
    typing: LiteMap<(String, String), Instant>,
    /// When this person's own typing was told last.
    typing_told: LiteMap<String, Instant>,
}

impl<'a> Online<'a> {
    /// Serves a connection until it ends. Says why it ended, and whether the copy was equal with the server before.
    pub(super) async fn serve(
        runner: &'a mut Runner,
        connection: &'a Connection,
        mut pushes: Pushes,
    ) -> (End, bool) {
        let mut online = Self {
            runner,
            connection,
            sending: Sending::default(),
            early: LiteMap::new(),
            behind: true,
            presence_due: true,
            typing: LiteMap::new(),
            typing_told: LiteMap::new(),
        };
        online.sending.transfers_due = true;
        let mut was_online = false;
        let end = loop {
            match online.turn(&mut pushes, &mut was_online).await {
                Ok(()) => {}
                Err(End::Store(StoreError::Damaged(_))) => {
                    // Everything is fetched again.
                    let copy = &online.runner.shared.copy;
                    if let Err(error) = copy.rebuild(copy.generation()).await {
                        break End::Store(error);
                    }
                    online.behind = true;
                }
                Err(end) => break end,
            }
        };
        online.nobody_types();
        (end, was_online)
    }

    /// Waits until there is something to do and does it.
    async fn turn(&mut self, pushes: &mut Pushes, was_online: &mut bool) -> Result<(), End> {
        if self.behind {
            self.sync().await?;
            self.settle_sent().await?;
        }
        if !*was_online {
            self.look_for_marks().await?;
            *was_online = true;
        }
        if core::mem::take(&mut self.presence_due) {
            self.tell_presence().await?;
        }
        self.runner.shared.set_status(Status::Online);
        self.sending.end_waits();
        self.send().await?;
        self.start_transfers().await?;
        self.send_marks().await?;
        self.sending.say_marks_told();
        let wake = self
            .sending
            .wake()
            .into_iter()
            .chain(self.typing.values().copied())
            .min();
        let wait = async {
            match wake {
                Some(wake) => sleep_until(wake).await,
                None => core::future::pending().await,
            }
        };
        tokio::select! {
            push = pushes.next() => self.take_pushes(push, pushes).await,
            Some(done) = self.sending.under_way.join_next() => match done {
                Ok(done) => self.done(done).await,
                Err(error) => Err(Error::Local(error.to_string()).into()),
            },
            Some(command) = self.runner.commands.recv() => self.command(command).await,
            () = wait => {
                self.stop_typing();
                Ok(())
            }
        }
    }

    /// Fetches what is newer than the copy, page by page.
    pub(super) async fn sync(&mut self) -> Result<(), End> {
        self.behind = false;
        while self.sync_page().await? {}
        self.sending.marks_due = true;
        self.take_early().await
    }

    /// Fetches a page, and says whether there is more.
    async fn sync_page(&mut self) -> Result<bool, End> {
        let copy = &self.runner.shared.copy;
        let generation = copy.generation();
        let (logs, since) = copy.held();
        let request = Request::Sync(SyncRequest {
            logs: logs.clone(),
            limit: None,
            tail: Some(limits::TAIL),
            since: Some(since),
        });
        let reply: SyncReply = self.connection.call(&request).await?;
        for page in &reply.logs {
            match copy.take_fetched(generation, News::Page(page)).await? {
                None => return Ok(true),
                Some(beyond) if beyond.is_empty() => {}
                Some(_) => return Err(Error::Protocol("its log has a gap".to_owned()).into()),
            }
            self.sending.note_others(&copy.me, &page.events);
            self.forget_sent(&page.events).await?;
        }
        let rest = News::Rest {
            marks: &reply.marks,
            profiles: &reply.profiles,
            since: reply.since,
        };
        if copy.take_fetched(generation, rest).await?.is_none() {
            return Ok(true);
        }
        if reply.more && copy.held() == (logs, since) {
            return Err(Error::Protocol("it promises more and sends nothing".to_owned()).into());
        }
        Ok(reply.more)
    }

    async fn take_pushes(&mut self, first: Push, pushes: &mut Pushes) -> Result<(), End> {
        let mut events = Vec::new();
        let mut next = Some(first);
        while let Some(push) = next {
            match push {
                Push::Event(event) => events.push(event),
                Push::Notice(notice) => {
                    // What happened first is told first.
                    self.take_events(core::mem::take(&mut events)).await?;
                    self.take_notice(notice).await?;
                }
                Push::Behind => (self.behind, self.presence_due) = (true, true),
                Push::SessionEnded => {
                    // The event that says why may be among them.
                    self.take_events(events).await?;
                    return Err(End::SessionEnded);
                }
                Push::Lost(error) => {
                    self.take_events(events).await?;
                    return Err(End::Lost(error));
                }
            }
            next = pushes.waiting();
        }
        self.take_events(events).await
    }

    /// Takes events that came by themselves, or that this connection has caused.
    pub(super) async fn take_events(&mut self, events: Vec<LogEvent>) -> Result<(), End> {
        if events.is_empty() {
            return Ok(());
        }
        let copy = &self.runner.shared.copy;
        let beyond = copy.take(News::Events(&events)).await?;
        self.sending.note_others(&copy.me, &events);
        self.have_written(&events);
        // Whoever is a contact now, or isn't blocked any more, has a profile and marks that come with `sync` only.
        self.behind |= events.iter().any(|event| event.event == EventKind::Contact);
        if beyond.is_empty() && self.early.is_empty() {
            return Ok(());
        }
        self.behind |= !beyond.is_empty();
        let room = limits::EARLY_EVENTS.saturating_sub(self.early.len());
        let early = events
            .into_iter()
            .filter(|event| beyond.contains(&event.conversation));
        self.early.extend(
            early
                .take(room)
                .map(|event| ((event.conversation.clone(), event.number), event)),
        );
        self.take_early().await
    }

    /// Takes events that came before those in front of them, as far as these are there now.
    async fn take_early(&mut self) -> Result<(), End> {
        if self.early.is_empty() {
            return Ok(());
        }
        let copy = &self.runner.shared.copy;
        let events: Vec<LogEvent> = self.early.values().cloned().collect();
        copy.take(News::Events(&events)).await?;
        self.early
            .retain(|(log, number), _| copy.head(log).is_none_or(|head| head.newest < *number));
        self.settle_sent().await
    }

    async fn take_notice(&mut self, notice: Notice) -> Result<(), End> {
        let shared = &self.runner.shared;
        match notice {
            Notice::Mark(mark) => self.take_marks(&[mark]).await?,
            Notice::Person(person) => {
                let profiles = &[person];
                let news = News::Rest {
                    marks: &[],
                    profiles,
                    since: None,
                };
                shared.copy.take(news).await?;
            }
            Notice::Presence(person) => self.note_presence(person),
            Notice::Typing {
                conversation,
                username,
                typing,
            } => {
                let who = (conversation.clone(), username.clone());
                if typing {
                    self.typing.insert(who, Instant::now() + limits::TYPING);
                } else {
                    self.typing.remove(&who);
                }
                shared.announcer().tell(Change::Typing {
                    conversation,
                    username,
                    typing,
                });
            }
            Notice::Behind => self.behind = true,
            Notice::SessionEnded => return Err(End::SessionEnded),
            Notice::Bye { .. } => {}
        }
        Ok(())
    }

    pub(super) async fn take_marks(&self, marks: &[Mark]) -> Result<(), End> {
        let news = News::Rest {
            marks,
            profiles: &[],
            since: None,
        };
        self.runner.shared.copy.take(news).await?;
        Ok(())
    }

    async fn command(&mut self, command: Command) -> Result<(), End> {
        match command {
            Command::Send => self.sending.transfers_due = true,
            Command::Marks => self.sending.marks_due = true,
            Command::MarksTold(reply) => self.sending.marks_waiters.push(reply),
            Command::Sync => self.behind = true,
            Command::Network => {
                // A connection over the old network is dead without knowing it; a reply shows that this one isn't.
                let ping = self.connection.request(&Request::Ping);
                match timeout(limits::DIAL, ping).await {
                    Ok(reply) => drop(reply?),
                    Err(_) => return Err(End::Lost(Error::Silent)),
                }
                self.sending.try_again_now();
                // A device that slept may have missed more than it knows.
                self.behind = true;
            }
            Command::Renew(options) => {
                self.runner.options = *options;
                return Err(End::Renewed);
            }
            Command::Discard(id, reply) => {
                let sending = lock(&self.runner.shared.sending).clone();
                // Whoever asked may have stopped waiting.
                let _ = reply.send(self.runner.discard(id, &sending).await);
                self.sending.transfers_due = true;
            }
            Command::Pause(id, reply) => {
                // Whoever asked may have stopped waiting.
                let _ = reply.send(self.runner.pause_transfer(id).await);
            }
            Command::Typing(request) => self.tell_typing(request),
            Command::Presence(presence) => {
                self.runner.presence = Some(presence);
                self.tell_presence().await?;
            }
        }
        Ok(())
    }

    async fn tell_presence(&mut self) -> Result<(), End> {
        let Some(presence) = self.runner.presence else {
            return Ok(());
        };
        let request = Request::Presence(PresenceRequest { presence });
        match self.connection.call::<PresenceReply>(&request).await {
            Ok(reply) => {
                let there: BTreeSet<String> = reply
                    .people
                    .iter()
                    .map(|person| person.username.clone())
                    .collect();
                let gone = lock(&self.runner.shared.people)
                    .keys()
                    .filter(|name| !there.contains(*name))
                    .cloned()
                    .collect::<Vec<_>>();
                for username in gone {
                    let presence = kith_common::Presence::Offline;
                    self.note_presence(PersonPresence { username, presence });
                }
                for person in reply.people {
                    self.note_presence(person);
                }
                Ok(())
            }
            // It is worth no second attempt.
            Err(Error::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn note_presence(&self, PersonPresence { username, presence }: PersonPresence) {
        let shared = &self.runner.shared;
        if presence == kith_common::Presence::Offline {
            lock(&shared.people).remove(&username);
        } else {
            lock(&shared.people).insert(username.clone(), presence);
        }
        shared.announcer().tell(Change::Presence { username, presence });
    }

    fn tell_typing(&mut self, request: TypingRequest) {
        let now = Instant::now();
        let last = self.typing_told.get(&request.conversation);
        if request.typing && last.is_some_and(|last| now.duration_since(*last) < limits::TYPING_REPEAT) {
            return;
        }
        if request.typing {
            self.typing_told.insert(request.conversation.clone(), now);
        } else if self.typing_told.remove(&request.conversation).is_none() {
            return;
        }
        self.sending.forget(self.connection, Request::Typing(request));
    }

    /// Whoever has said it doesn't type it any more.
    fn have_written(&mut self, events: &[LogEvent]) {
        for event in events {
            let who = (event.conversation.clone(), event.sender.clone());
            if self.typing.remove(&who).is_some() {
                self.told_to_stop(who);
            } else if event.sender == self.runner.options.me.username {
                self.typing_told.remove(&event.conversation);
            }
        }
    }

    fn stop_typing(&mut self) {
        let now = Instant::now();
        let over: Vec<_> = self
            .typing
            .iter()
            .filter(|(_, until)| **until <= now)
            .map(|(who, _)| who.clone())
            .collect();
        for who in over {
            self.typing.remove(&who);
            self.told_to_stop(who);
        }
    }

    fn nobody_types(&mut self) {
        for (who, _) in core::mem::take(&mut self.typing) {
            self.told_to_stop(who);
        }
    }

    fn told_to_stop(&self, (conversation, username): (String, String)) {
        self.runner.shared.announcer().tell(Change::Typing {
            conversation,
            username,
            typing: false,
        });
    }
}
