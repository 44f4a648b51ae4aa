//! `chat`: a conversation at the terminal.

mod command;
mod editor;
mod view;

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::pin::pin;

use kith_client::{Change, EngineError, Error, Pending, Progress, Status};
use kith_common::{ErrorCode, Presence, Username};

use super::files::{LocalFile, look_at};
use crate::args::Place;
use crate::failure::{Exit, Failure};
use crate::form::{State, what_waits};
use crate::opened::Opened;
use crate::output::Output;
use crate::signals::stopped;
use command::{COMMANDS, Command};
use editor::{Editor, Typed};
use view::View;

/// Chats with somebody until the person or a signal ends it.
pub(crate) async fn chat(place: &Place, to: Username, output: &Output) -> Result<(), Failure> {
    if output.is_json() || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        let message = "chat is for a person at a terminal; programs use `send` and `listen --json`";
        return Err(Failure::usage(message));
    }
    Opened::with(place, async |opened| {
        opened.online_if_possible().await?;
        expect_person(opened, &to).await?;
        opened.engine.set_presence(Presence::Online).await;
        let mut chat = Chat::open(opened, to).await?;
        let result = chat.run().await;
        chat.close(result)
    })
    .await
}

/// Sees that there is somebody of this name, as far as that can be known now.
async fn expect_person(opened: &Opened, to: &Username) -> Result<(), Failure> {
    match opened.engine.fetch_profile(to.as_str()).await {
        Err(EngineError::Network(Error::Refused(error))) if error.code == ErrorCode::NotFound => {
            Err(error.into())
        }
        _ => Ok(()),
    }
}

struct Chat<'a> {
    opened: &'a mut Opened,
    to: Username,
    /// None until the conversation is there.
    view: Option<View>,
    editor: Editor,
    connection: Status,
    typing: bool,
    waiting: usize,
}

/// Whether the chat goes on.
enum Next {
    GoOn,
    End,
}

impl<'a> Chat<'a> {
    /// Shows the last messages and begins to read.
    async fn open(opened: &'a mut Opened, to: Username) -> Result<Self, Failure> {
        let connection = opened.engine.status();
        let mut lines = vec![format!(
            "Chat with {to}. /help lists what else can be typed; /quit, Ctrl+C or Ctrl+D end it."
        )];
        let mut view = opened.engine.conversation_with(to.as_str()).map(View::of);
        match &mut view {
            Some(view) => lines.extend(view.news(&opened.engine, &[]).await?),
            None => lines.push(format!("There are no messages with {to} yet.")),
        }
        Ok(Self {
            view,
            editor: Editor::start(&lines)?,
            connection,
            typing: false,
            waiting: 0,
            opened,
            to,
        })
    }

    async fn run(&mut self) -> Result<(), Failure> {
        let mut stopped = pin!(stopped());
        self.show_news(&[]).await?;
        self.count_waiting().await?;
        loop {
            self.show_status();
            let next = tokio::select! {
                typed = self.editor.next() => self.take_typed(typed).await?,
                changes = self.opened.changes.next() => match changes {
                    Some(changes) => self.take_changes(changes).await?,
                    None => Next::End,
                },
                signal = &mut stopped => return signal,
            };
            if let Next::End = next {
                return Ok(());
            }
        }
    }

    /// Gives the terminal back. What was shown needn't be printed by `listen`, if nothing is missing before it.
    fn close(self, result: Result<(), Failure>) -> Result<(), Failure> {
        self.editor.end();
        if let Some(view) = &self.view {
            let mut logs = self.opened.account.logs.clone();
            let log = self
                .opened
                .engine
                .logs()
                .into_iter()
                .find(|log| log.id == view.conversation);
            if let Some(log) = log
                && view.oldest() <= logs.number(&log.id).max(log.first.saturating_sub(1)) + 1
            {
                logs.begins_at(&log.id, log.newest + 1);
                let kept = self.opened.keep_logs(&logs);
                return result.and(kept);
            }
        }
        result
    }

    async fn take_typed(&mut self, typed: Typed) -> Result<Next, Failure> {
        match typed {
            Typed::End => return Ok(Next::End),
            Typed::Failed(error) => {
                return Err(Failure::new(
                    Exit::Local,
                    format!("can't use the terminal: {error}"),
                ));
            }
            Typed::Typing => {
                if let Some(view) = &self.view {
                    self.opened.engine.typing(&view.conversation, true).await;
                }
                return Ok(Next::GoOn);
            }
            Typed::Line(line) => match Command::read(&line) {
                Ok(Command::Quit) => return Ok(Next::End),
                Ok(command) => {
                    if let Err(failure) = self.carry_out(command).await {
                        self.editor.print([
                            format!("   !  {}", failure.message()),
                            format!("   !  you typed: {line}"),
                        ]);
                    }
                }
                Err(sentence) => self.editor.print([format!("   !  {sentence}")]),
            },
        }
        self.editor.go_on();
        Ok(Next::GoOn)
    }

    async fn carry_out(&mut self, command: Command) -> Result<(), Failure> {
        let engine = self.opened.engine.clone();
        let id = match command {
            Command::Nothing | Command::Quit => return Ok(()),
            Command::Help => {
                self.help();
                return Ok(());
            }
            Command::Older => {
                let lines = match &mut self.view {
                    Some(view) => view.older(&engine).await?,
                    None => vec!["There is nothing older.".to_owned()],
                };
                self.editor.print(lines);
                return Ok(());
            }
            Command::Retry(id) => return Ok(engine.retry(id).await?),
            Command::Discard(id) => {
                engine.discard(id).await?;
                self.editor.print([format!("   -  thrown away: {id}")]);
                return Ok(());
            }
            Command::Say(text) => engine.send(&self.to, text, None).await?,
            Command::File(path) => {
                let path = PathBuf::from(path);
                let LocalFile { name, details, .. } = look_at(&path, None)?;
                engine.send_file(&self.to, name, path, details, None).await?
            }
            Command::Reply(number, text) => engine.send(&self.to, text, Some(number)).await?,
            Command::Edit(Some(number), text) => engine.edit(self.conversation()?, number, text).await?,
            Command::Edit(None, text) => {
                let me = &engine.me().username;
                let last = self.view.as_ref().and_then(|view| view.last_of(me));
                let nothing = || Failure::usage("there is no message of yours on the screen");
                let number = last.ok_or_else(nothing)?.number;
                engine.edit(self.conversation()?, number, text).await?
            }
            Command::Delete(number) => engine.delete(self.conversation()?, number).await?,
            Command::React(number, reaction) => {
                let me = &engine.me().username;
                let there = self
                    .view
                    .as_ref()
                    .is_some_and(|view| view.has_reaction(number, &reaction, me));
                engine
                    .react(self.conversation()?, number, reaction, !there)
                    .await?
            }
        };
        if self.connection != Status::Online {
            self.tell_of(id, "waits until the server is back").await?;
        }
        Ok(())
    }

    fn help(&self) {
        let line = |(name, takes, does): &(&str, &str, &str)| {
            let command = format!("{name} {takes}");
            format!("  {command:<18} {does}")
        };
        let mut lines: Vec<String> = COMMANDS.iter().map(line).collect();
        lines.push("All else is sent; what begins with a slash is sent with two.".to_owned());
        self.editor.print(lines);
    }

    fn conversation(&self) -> Result<&str, Failure> {
        let view = self.view.as_ref();
        let nothing = || Failure::usage("there are no messages yet");
        view.map(|view| &*view.conversation).ok_or_else(nothing)
    }

    async fn take_changes(&mut self, changes: Vec<Change>) -> Result<Next, Failure> {
        let mut numbers = Vec::new();
        let mut look = false;
        for change in changes {
            match change {
                Change::Messages {
                    conversation,
                    numbers: changed,
                } if self.is_shown(&conversation) => {
                    numbers.extend(changed);
                    look = true;
                }
                Change::Reload | Change::Conversations | Change::Messages { .. } => look = true,
                Change::Typing {
                    conversation,
                    username,
                    typing,
                } if self.is_shown(&conversation) && username.eq_ignore_ascii_case(self.to.as_str()) => {
                    self.typing = typing;
                }
                Change::Outbox { id, progress } => {
                    self.count_waiting().await?;
                    if let Progress::Failed(error) = progress {
                        let what = format!("not sent: {} (/retry {id}, /discard {id})", error.message);
                        self.tell_of(id, &what).await?;
                    }
                }
                Change::Pins(_) => self.opened.keep_session()?,
                Change::Status(status) => {
                    if let Status::SessionEnded | Status::Refused(_) | Status::Failed(_) = status {
                        return Err(self.opened.ended(status));
                    }
                    self.connection = status;
                    if self.connection == Status::Online {
                        self.opened.keep_session()?;
                    }
                }
                _ => {}
            }
        }
        if look {
            self.show_news(&numbers).await?;
        }
        Ok(Next::GoOn)
    }

    fn is_shown(&self, conversation: &str) -> bool {
        self.view
            .as_ref()
            .is_some_and(|view| view.conversation == conversation)
    }

    /// Prints what is new, and tells the other one that it was read.
    async fn show_news(&mut self, changed: &[u64]) -> Result<(), Failure> {
        let engine = &self.opened.engine;
        if self.view.is_none() {
            self.view = engine.conversation_with(self.to.as_str()).map(View::of);
        }
        let Some(view) = &mut self.view else {
            return Ok(());
        };
        let lines = view.news(engine, changed).await?;
        engine.mark_read(&view.conversation, view.newest()).await?;
        self.editor.print(lines);
        Ok(())
    }

    async fn count_waiting(&mut self) -> Result<(), Failure> {
        let items = self.opened.engine.outbox().await?;
        let waits = |item: &&Pending| item.progress == Progress::Waiting;
        self.waiting = items.iter().filter(waits).count();
        Ok(())
    }

    /// Says something about what lies in the outbox.
    async fn tell_of(&mut self, id: u64, what: &str) -> Result<(), Failure> {
        let items = self.opened.engine.outbox().await?;
        let Some(item) = items.iter().find(|item| item.id == id) else {
            return Ok(());
        };
        let named = what_waits(&self.opened.engine, &item.write);
        self.editor.print([format!("   -  {named}: {what}")]);
        Ok(())
    }

    /// The line above what is typed: the other one, one's own last message, the connection.
    fn show_status(&self) {
        let engine = &self.opened.engine;
        let mut parts = vec![match (self.typing, engine.presence(self.to.as_str())) {
            (true, _) => format!("{} is typing", self.to),
            (_, Presence::Online) => format!("{} is there", self.to),
            (_, Presence::Away) => format!("{} is away", self.to),
            (_, Presence::Offline) => self.to.to_string(),
        }];
        if let Some(view) = &self.view
            && let Some(last) = view.last_of(&engine.me().username)
        {
            let state = State::of(engine, &view.conversation, last.number);
            parts.push(format!("{} is {}", last.number, state.word()));
        }
        if self.waiting > 0 {
            parts.push(format!("{} waiting", self.waiting));
        }
        match &self.connection {
            Status::Online => {}
            Status::Offline {
                reason: Some(error), ..
            } => parts.push(format!("offline: {error}")),
            _ => parts.push("connecting".to_owned()),
        }
        self.editor.set_status(&parts.join(" · "));
    }
}
