mod line;

use std::io::{self, IsTerminal as _};
use std::pin::pin;

use jiff::tz::TimeZone;
use kith_client::{Account, Change, Log, Logs, Progress, Status};
use kith_common::LogEvent;

use crate::args::Place;
use crate::failure::{Failure, note};
use crate::limits;
use crate::opened::Opened;
use crate::output::Output;
use crate::signals::stopped;
use line::Reader;

/// Prints what was missed, and then, unless `once`, what comes in, until a signal ends it. With `read` the senders are told
/// that it was read.
pub(crate) async fn listen(place: &Place, once: bool, read: bool, output: &Output) -> Result<(), Failure> {
    Opened::with(place, async |opened| {
        let logs = opened.account.logs.clone();
        let mut listener = Listener {
            opened,
            logs,
            read,
            output,
        };
        let result = match once {
            true => listener.catch_up().await,
            false => {
                let mut stopped = pin!(stopped());
                tokio::select! {
                    failure = listener.follow() => Err(failure),
                    signal = &mut stopped => {
                        if at_terminal() {
                            // The terminal has written `^C`; what the shell says next belongs on a line of its own.
                            eprintln!();
                        }
                        signal
                    }
                }
            }
        };
        // Whatever happened, what was printed isn't printed again.
        let kept = listener.opened.keep_logs(&listener.logs);
        result.and(kept)
    })
    .await
}

struct Listener<'a> {
    opened: &'a mut Opened,
    /// How far each log was printed.
    logs: Logs,
    read: bool,
    output: &'a Output,
}

impl Listener<'_> {
    /// Prints what was missed. Without a connection that is what this machine holds, and the failure comes after it.
    async fn catch_up(&mut self) -> Result<(), Failure> {
        let online = self.opened.online().await;
        self.show_new().await?;
        online
    }

    /// Prints all that is new, over as many connections as it takes.
    async fn follow(&mut self) -> Failure {
        match self.try_follow().await {
            Ok(()) => Failure::from(kith_client::EngineError::Closed),
            Err(failure) => failure,
        }
    }

    async fn try_follow(&mut self) -> Result<(), Failure> {
        self.catch_up().await?;
        self.greet();
        let mut lost = false;
        while let Some(changes) = self.opened.changes.next().await {
            for change in changes {
                match change {
                    Change::Status(Status::Online) => {
                        self.opened.keep_session()?;
                        if core::mem::take(&mut lost) {
                            note("connected again");
                        }
                    }
                    Change::Status(Status::Offline {
                        reason: Some(error), ..
                    }) if !core::mem::replace(&mut lost, true) => {
                        note(&format!("{error}; trying again until it works"));
                    }
                    Change::Status(
                        status @ (Status::SessionEnded | Status::Refused(_) | Status::Failed(_)),
                    ) => {
                        // The event that says why may be among what is new.
                        self.show_new().await?;
                        return Err(self.opened.ended(status));
                    }
                    Change::Pins(_) => self.opened.keep_session()?,
                    Change::Outbox {
                        id,
                        progress: Progress::Failed(error),
                    } => note(&format!(
                        "not sent: {} (see kith-cli outbox, {id})",
                        error.message
                    )),
                    _ => {}
                }
            }
            match self.show_new().await {
                // The next connection brings it.
                Err(failure) if failure.is_unreachable() => {}
                shown => shown?,
            }
        }
        Ok(())
    }

    /// Tells a person at a terminal that silence means that nothing has come.
    fn greet(&self) {
        if at_terminal() {
            let Account { username, server, .. } = &self.opened.account;
            note(&format!("listening as {username} at {server}; Ctrl+C ends"));
        }
    }

    /// Prints what is held and wasn't printed yet, log by log, and notes it as printed.
    async fn show_new(&mut self) -> Result<(), Failure> {
        for log in self.opened.engine.logs() {
            self.logs.begins_at(&log.id, log.first);
            let before = self.logs.number(&log.id);
            while self.logs.number(&log.id) < log.newest {
                let after = self.logs.number(&log.id);
                let events = self.opened.engine.events(&log.id, after, limits::EVENTS).await?;
                for event in &events {
                    self.show(event, &log)?;
                }
                if self.logs.number(&log.id) == after {
                    break;
                }
                self.opened.keep_logs(&self.logs)?;
            }
            let now = self.logs.number(&log.id);
            if self.read && now > before && log.id != self.opened.account.account {
                self.opened.engine.mark_read(&log.id, now).await?;
            }
        }
        Ok(())
    }

    /// Prints an event, and notes it as printed.
    fn show(&mut self, event: &LogEvent, log: &Log) -> Result<(), Failure> {
        let reader = Reader {
            name: &self.opened.account.username,
            others: &log.others,
        };
        self.output
            .result(event, line::written(event, &reader, &TimeZone::system()))?;
        self.logs.read(event);
        Ok(())
    }
}

/// Whether a person watches.
fn at_terminal() -> bool {
    io::stdout().is_terminal() && io::stderr().is_terminal()
}
