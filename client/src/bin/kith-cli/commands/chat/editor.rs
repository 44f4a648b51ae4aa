//! The line at the bottom that is typed into, with a line above it that says how things stand. All else is printed above both
//! and leaves alone what is being typed.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc as threads};
use std::thread;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{ColorMode, Config, Context, ExternalPrinter, Helper};
use tokio::sync::mpsc;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::command::COMMANDS;
use crate::failure::{Exit, Failure};
use crate::limits;
use crate::terminal::printable;
use crate::window::{self, Modes};

/// What stands in front of what is typed, besides the line above it.
const PROMPT: &str = "> ";

/// Moves the cursor nowhere, but has the editor draw its lines anew: up, and the line break that it adds.
const REDRAW: &str = "\u{1b}[A\n";

/// What happens at the keyboard.
pub(super) enum Typed {
    /// A line is complete.
    Line(String),
    /// Something is being typed that isn't a command.
    Typing,
    /// Ctrl+C, Ctrl+D or the end of the terminal.
    End,
    /// The terminal fails.
    Failed(String),
}

/// The keyboard and the screen of a chat.
pub(super) struct Editor {
    typed: mpsc::Receiver<Typed>,
    go_on: threads::Sender<()>,
    shared: Arc<Mutex<Shared>>,
    /// To the thread that prints. It has no limit, for the chat may not wait for it: while a line is being taken, that thread
    /// waits for the chat.
    prints: Option<threads::Sender<String>>,
    printed: threads::Receiver<Infallible>,
    /// How the terminal was before.
    modes: Modes,
    plain: bool,
    /// A line is being read.
    reading: bool,
}

/// What the chat and the thread at the keyboard share.
#[derive(Default)]
struct Shared {
    status: String,
    /// A line was completed and is being wiped from the screen: nothing may be printed now.
    wiping: bool,
    /// Something is being printed, and nobody knows how far it has come.
    printing: bool,
    /// What is to be printed after that.
    waiting: Vec<String>,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Editor {
    /// Prints the first lines and begins to read.
    pub(super) fn start(lines: &[String]) -> Result<Self, Failure> {
        let failed =
            |error: ReadlineError| Failure::new(Exit::Local, format!("can't use the terminal: {error}"));
        let modes = Modes::of_terminal();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let config = Config::builder()
            // What stands above the prompt counts as its colours.
            .color_mode(ColorMode::Forced)
            .build();
        let history = MemHistory::with_config(&config);
        let mut editor =
            rustyline::Editor::<Watcher, MemHistory>::with_history(config, history).map_err(failed)?;
        let (keys, typed) = mpsc::channel(limits::LINES);
        let (go_on, may_go_on) = threads::channel();
        editor.set_helper(Some(Watcher {
            keys: keys.clone(),
            shared: Arc::clone(&shared),
        }));
        let (printer, plain): (Box<dyn ExternalPrinter + Send>, bool) = match editor.create_external_printer()
        {
            Ok(printer) => (Box::new(printer), false),
            // A terminal on which nothing can be moved.
            Err(_) => (Box::new(Below), true),
        };
        let mut out = io::stdout().lock();
        lines
            .iter()
            .try_for_each(|line| writeln!(out, "{}", printable(line)))
            .and_then(|()| out.flush())
            .map_err(|error| Failure::output(&error))?;
        drop(out);
        let theirs = Arc::clone(&shared);
        // It ends after the line that ends the chat; otherwise with the program, for nothing wakes it from reading.
        thread::Builder::new()
            .name("kith-keyboard".to_owned())
            .spawn(move || read(editor, &keys, &may_go_on, &theirs, plain))
            .map_err(|error| Failure::new(Exit::Local, error.to_string()))?;
        let (prints, to_print) = threads::channel();
        let (printing, printed) = threads::channel();
        let theirs = Arc::clone(&shared);
        // It ends when there is nothing more to print.
        thread::Builder::new()
            .name("kith-screen".to_owned())
            .spawn(move || {
                print_all(printer, &to_print, &theirs);
                drop::<threads::Sender<Infallible>>(printing);
            })
            .map_err(|error| Failure::new(Exit::Local, error.to_string()))?;
        Ok(Self {
            typed,
            go_on,
            shared,
            prints: Some(prints),
            printed,
            modes,
            plain,
            reading: true,
        })
    }

    /// What happens next at the keyboard. After a line nothing does until [`Editor::go_on`].
    pub(super) async fn next(&mut self) -> Typed {
        let typed = self.typed.recv().await.unwrap_or(Typed::End);
        self.reading = matches!(typed, Typed::Typing);
        typed
    }

    /// Reads the next line.
    pub(super) fn go_on(&mut self) {
        self.reading = true;
        // A thread that has ended reads no more.
        let _ = self.go_on.send(());
    }

    /// Prints lines above what is typed.
    pub(super) fn print(&self, lines: impl IntoIterator<Item = String>) {
        let text: String = lines.into_iter().map(|line| printable(&line) + "\n").collect();
        if !text.is_empty() {
            self.put(text);
        }
    }

    /// Says how things stand.
    pub(super) fn set_status(&self, status: &str) {
        let status = printable(status);
        {
            let mut shared = lock(&self.shared);
            if shared.status == status || self.plain {
                return;
            }
            shared.status = status;
        }
        self.put(REDRAW.to_owned());
    }

    fn put(&self, text: String) {
        if let Some(prints) = &self.prints {
            // A screen that is gone is noticed at the keyboard.
            let _ = prints.send(text);
        }
    }

    /// Gives the terminal back, in the middle of a line too.
    pub(super) fn end(mut self) {
        self.prints = None;
        // What was printed last should be seen, if it can be.
        let _ = self.printed.recv_timeout(limits::LAST_LINES);
        let end = match (self.modes.restore(), self.plain) {
            // The library asks for pastes in brackets, and would take that back when it has read its line.
            (true, false) => "\u{1b}[?2004l\r\n",
            (_, true) if self.reading => "\n",
            _ => return,
        };
        // Nobody is left to be told if this can't be written.
        let _ = write!(io::stdout(), "{end}").and_then(|()| io::stdout().flush());
    }
}

/// Prints what comes, above the line that is being typed.
///
/// The library takes one text at a time while it reads a line; the next one waits for it, and so does this thread. It may
/// hold no lock meanwhile.
fn print_all(
    mut printer: Box<dyn ExternalPrinter + Send>,
    texts: &threads::Receiver<String>,
    shared: &Mutex<Shared>,
) {
    for text in texts {
        {
            let mut shared = lock(shared);
            if shared.wiping {
                if text != REDRAW {
                    shared.waiting.push(text);
                }
                continue;
            }
            shared.printing = true;
        }
        let printed = printer.print(text);
        lock(shared).printing = false;
        if printed.is_err() {
            return;
        }
    }
}

/// Prints below what is typed, where above it isn't possible.
struct Below;

impl ExternalPrinter for Below {
    fn print(&mut self, text: String) -> rustyline::Result<()> {
        let mut out = io::stdout().lock();
        Ok(out.write_all(text.as_bytes()).and_then(|()| out.flush())?)
    }
}

/// Reads lines until there are no more.
fn read(
    mut editor: rustyline::Editor<Watcher, MemHistory>,
    keys: &mpsc::Sender<Typed>,
    go_on: &threads::Receiver<()>,
    shared: &Mutex<Shared>,
    plain: bool,
) {
    let prompt = if plain {
        PROMPT.to_owned()
    } else {
        format!("\n{PROMPT}")
    };
    loop {
        let typed = match editor.readline(&prompt) {
            Ok(line) => {
                if !line.trim().is_empty() {
                    // A line that isn't remembered can be typed again.
                    let _ = editor.add_history_entry(&*line);
                }
                wipe(&line, plain, shared);
                Typed::Line(line)
            }
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => {
                wipe("", plain, shared);
                Typed::End
            }
            Err(error) => Typed::Failed(error.to_string()),
        };
        let last = !matches!(typed, Typed::Line(_));
        if keys.blocking_send(typed).is_err() || last || go_on.recv().is_err() {
            return;
        }
    }
}

/// Takes a line that was completed from the screen, where it comes back as a message, and prints what waited for that.
fn wipe(line: &str, plain: bool, shared: &Mutex<Shared>) {
    let mut shared = lock(shared);
    let mut text = String::new();
    // Where something was just being printed the line may have moved: it is better seen twice than something else not at all.
    if !plain && !shared.printing {
        let columns = window::columns();
        let rows: usize = line
            .split('\n')
            .enumerate()
            .map(|(row, part)| {
                let indent = if row == 0 { PROMPT.len() } else { 0 };
                (indent + part.width()) / columns + 1
            })
            .sum();
        text = format!("\u{1b}[{}A\r\u{1b}[J", rows + 1);
    }
    for waiting in shared.waiting.drain(..) {
        text.push_str(&waiting);
    }
    shared.wiping = false;
    // Whoever can't see it can't be told.
    let _ = io::stdout()
        .write_all(text.as_bytes())
        .and_then(|()| io::stdout().flush());
}

/// Sees what is typed, and draws the line above it.
struct Watcher {
    keys: mpsc::Sender<Typed>,
    shared: Arc<Mutex<Shared>>,
}

impl Helper for Watcher {}

impl Completer for Watcher {
    type Candidate = String;

    fn complete(&self, line: &str, _: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let fits = |(name, takes, _): &(&str, &str, &str)| {
            let blank = if takes.is_empty() { "" } else { " " };
            name.starts_with(line).then(|| format!("{name}{blank}"))
        };
        Ok((
            0,
            COMMANDS
                .iter()
                .filter(|_| line.starts_with('/'))
                .filter_map(fits)
                .collect(),
        ))
    }
}

impl Hinter for Watcher {
    type Hint = String;

    fn hint(&self, line: &str, _: usize, _: &Context<'_>) -> Option<String> {
        if !line.is_empty() && !line.starts_with('/') {
            // What can't be told now is told with the next key.
            let _ = self.keys.try_send(Typed::Typing);
        }
        None
    }
}

impl Validator for Watcher {
    fn validate(&self, _: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        lock(&self.shared).wiping = true;
        Ok(ValidationResult::Valid(None))
    }
}

impl Highlighter for Watcher {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, default: bool) -> Cow<'b, str> {
        if !default {
            return Cow::Borrowed(prompt);
        }
        let status = cut(&lock(&self.shared).status, window::columns().saturating_sub(1));
        // Dim, as what isn't part of the chat.
        Cow::Owned(format!("\u{1b}[2m{status}\u{1b}[0m{prompt}"))
    }
}

/// As much of a text as fits into so many columns.
fn cut(text: &str, columns: usize) -> String {
    let mut width = 0;
    let fits = |c: &char| {
        width += c.width().unwrap_or_default();
        width <= columns
    };
    text.chars().take_while(fits).collect()
}
