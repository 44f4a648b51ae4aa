mod line;

use std::convert::Infallible;
use std::io::{self, IsTerminal as _};
use std::pin::pin;

use jiff::tz::TimeZone;
use kith_client::{Account, Backoff, Error, Logs, Place as Standing, Push};
use kith_common::LogEvent;

use crate::account::Opened;
use crate::args::Place;
use crate::failure::{Exit, Failure, note};
use crate::output::Output;
use line::Reader;
pub(crate) use line::written_time;

/// Live events after which the read marks are kept, even though more are waiting.
const KEEP_EVERY: usize = 100;

/// Prints what was missed, and then, unless `once`, what comes in, until a signal ends it.
pub(crate) async fn listen(place: &Place, once: bool, output: &Output) -> Result<(), Failure> {
    if once {
        let mut listener = Listener::open(place, output).await?;
        let result = listener.catch_up().await.map_err(Failure::from);
        return listener.finish(result).await;
    }
    let mut stopped = pin!(stopped());
    let mut listener = tokio::select! {
        listener = Listener::open(place, output) => listener?,
        signal = &mut stopped => return signal,
    };
    let result = tokio::select! {
        failure = listener.follow() => Err(failure),
        signal = &mut stopped => {
            if at_terminal() {
                // The terminal has written `^C`; what the shell says next belongs on a line of its own.
                eprintln!();
            }
            signal
        }
    };
    listener.finish(result).await
}

struct Listener<'a> {
    opened: Opened,
    logs: Logs,
    output: &'a Output,
}

/// What interrupts a listener.
enum Trouble {
    /// Something that may be better a little later.
    Passing(Error),
    Final(Failure),
}

impl<'a> Listener<'a> {
    async fn open(place: &Place, output: &'a Output) -> Result<Self, Failure> {
        let opened = Opened::open(place).await?;
        let logs = opened.account.logs.clone();
        Ok(Self { opened, logs, output })
    }

    /// Keeps the read marks, whatever happened.
    async fn finish(self, result: Result<(), Failure>) -> Result<(), Failure> {
        let kept = self.opened.keep_logs(&self.logs);
        self.opened.session.close().await;
        result.and(kept)
    }

    /// Prints all that is new, over as many connections as it takes.
    async fn follow(&mut self) -> Failure {
        let mut backoff = Backoff::new();
        loop {
            let error = match self.follow_one(&mut backoff).await {
                Trouble::Passing(error) => error,
                Trouble::Final(failure) => return failure,
            };
            let wait = match error.retry_after() {
                Some(wait) => wait,
                None => backoff.wait(getrandom::u32().unwrap_or(u32::MAX)),
            };
            note(&format!("{error} (next try in {:.0?})", wait));
            tokio::time::sleep(wait).await;
        }
    }

    /// Prints all that is new, until something interrupts it.
    async fn follow_one(&mut self, backoff: &mut Backoff) -> Trouble {
        match self.try_follow(backoff).await {
            Ok(never) => match never {},
            Err(trouble) => trouble,
        }
    }

    async fn try_follow(&mut self, backoff: &mut Backoff) -> Result<Infallible, Trouble> {
        self.opened.session.reconnect().await?;
        self.catch_up().await?;
        *backoff = Backoff::new();
        self.greet();
        let mut unkept = 0;
        loop {
            let push = match self.opened.pushes.waiting() {
                Some(push) if unkept < KEEP_EVERY => push,
                waiting => {
                    if unkept > 0 {
                        self.opened.keep_logs(&self.logs)?;
                        unkept = 0;
                    }
                    match waiting {
                        Some(push) => push,
                        None => self.opened.pushes.next().await,
                    }
                }
            };
            match push {
                Push::Event(event)
                    if self.logs.place(&event.conversation, event.number) == Standing::Beyond =>
                {
                    self.catch_up().await?;
                }
                Push::Event(event) => {
                    self.show(&event)?;
                    unkept += 1;
                }
                Push::Notice(_) => {}
                Push::Behind => self.catch_up().await?,
                Push::SessionEnded => {
                    self.opened.forget_token()?;
                    let message =
                        "this session was ended from another device; log in again with `kith-cli login`";
                    return Err(Trouble::Final(Failure::new(Exit::NotLoggedIn, message)));
                }
                Push::Lost(error) => return Err(error.into()),
            }
        }
    }

    /// Tells a person at a terminal that silence means that nothing has come.
    fn greet(&self) {
        if at_terminal() {
            let Account { username, server, .. } = &self.opened.account;
            note(&format!("listening as {username} at {server}; Ctrl+C ends"));
        }
    }

    /// Prints what was missed, and keeps the read marks page by page.
    async fn catch_up(&mut self) -> Result<(), Trouble> {
        let mut missed = self.opened.session.missed(self.logs.held());
        while let Some(page) = missed.next().await? {
            self.logs.note_page(&page, &self.opened.account.username);
            for event in &page.events {
                self.show(event)?;
            }
            self.opened.keep_logs(&self.logs)?;
        }
        Ok(())
    }

    /// Prints an event that is the next of its log, and notes it as read.
    fn show(&mut self, event: &LogEvent) -> Result<(), Failure> {
        if self.logs.place(&event.conversation, event.number) == Standing::Next {
            if let Some((conversation, with)) = line::opened_conversation(event) {
                self.logs.note_other(&conversation, &with);
            }
            let reader = Reader {
                name: &self.opened.account.username,
                others: self.logs.others(&event.conversation),
            };
            self.output
                .result(event, line::written(event, &reader, &TimeZone::system()))?;
            self.logs.read(event);
        }
        Ok(())
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        if error.is_passing() {
            Self::Passing(error)
        } else {
            Self::Final(error.into())
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Final(failure)
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Passing(error) => error.into(),
            Trouble::Final(failure) => failure,
        }
    }
}

/// Whether a person watches.
fn at_terminal() -> bool {
    io::stdout().is_terminal() && io::stderr().is_terminal()
}

/// Waits for the signal to stop.
async fn stopped() -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::new(Exit::Local, format!("can't wait for signals: {error}"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.map_err(failed),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(failed)
}
