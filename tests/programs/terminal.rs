//! A person at a terminal: a shell on a pseudoterminal, which util-linux's `script` provides.

use std::path::Path;
use std::process::Stdio;

use kith_tests::{PATIENCE, program};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// What the shell shows when it waits for a command.
const PROMPT: &str = "$ ";

/// What a terminal sends for Ctrl+C.
const INTERRUPT: &str = "\u{3}";

/// A shell in which `kith-cli` is on the path, and a home folder of its own.
pub(crate) struct Terminal {
    _child: Child,
    input: ChildStdin,
    output: ChildStdout,
    /// The pseudoterminal.
    device: String,
    shown: String,
    /// How far the test has looked.
    seen: usize,
}

impl Terminal {
    /// Opens a shell in this folder, which is also its home.
    pub(crate) async fn open(folder: &Path) -> Self {
        Self::open_on(folder, "dumb").await
    }

    /// The same on a terminal of this kind.
    pub(crate) async fn open_on(folder: &Path, kind: &str) -> Self {
        let programs = program("kith-cli", "KITH_CLI_BIN");
        let programs = programs.parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap();
        let path = std::env::join_paths([programs].into_iter().chain(std::env::split_paths(&path)));
        let mut child = Command::new("script")
            .args([
                "--quiet",
                "--flush",
                "--echo",
                "always",
                "--command",
                "sh",
                "/dev/null",
            ])
            .env_clear()
            .env("PATH", path.unwrap())
            .env("HOME", folder)
            .env("TERM", kind)
            .env("TZ", "UTC")
            .env("PS1", PROMPT)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut terminal = Self {
            input: child.stdin.take().unwrap(),
            output: child.stdout.take().unwrap(),
            _child: child,
            device: String::new(),
            shown: String::new(),
            seen: 0,
        };
        terminal.wait_for(&[PROMPT]).await;
        terminal.enter("tty").await;
        terminal.wait_for(&[&format!("\n{PROMPT}")]).await;
        let device = terminal.shown.lines().find(|line| line.starts_with("/dev/"));
        terminal.device = device.expect("the shell has a terminal").to_owned();
        terminal.shown = PROMPT.to_owned();
        terminal.seen = PROMPT.len();
        terminal
    }

    /// Types a command and answers what it asks: the first contact with `yes`, new passwords with this one. Waits until
    /// the shell is ready again, or until the command shows `until`.
    pub(crate) async fn run(&mut self, command: &str, password: &str, until: Option<&str>) {
        self.enter(command).await;
        let done = until.map_or_else(|| format!("\n{PROMPT}"), str::to_owned);
        let asked = [&*done, "Type yes to go on: ", "characters): ", "The same again: "];
        loop {
            match self.wait_for(&asked).await {
                0 => return,
                1 => self.enter("yes").await,
                _ => {
                    self.until_hidden().await;
                    self.enter(password).await;
                }
            }
        }
    }

    /// Presses Ctrl+C and waits for the shell.
    pub(crate) async fn interrupt(&mut self) {
        self.press(INTERRUPT).await;
        self.wait_for(&[&format!("\n{PROMPT}")]).await;
    }

    /// Types these keys, and no Enter after them.
    pub(crate) async fn press(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).await.unwrap();
    }

    /// All that was shown, to the character.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Waits until one of these is shown that was not there before; returns which.
    pub(crate) async fn wait_for(&mut self, expected: &[&str]) -> usize {
        loop {
            let rest = self.shown.get(self.seen..).unwrap_or_default();
            let found = expected
                .iter()
                .enumerate()
                .filter_map(|(which, text)| Some((rest.find(text)? + text.len(), which)))
                .min();
            if let Some((end, which)) = found {
                self.seen += end;
                return which;
            }
            let mut bytes = vec![0; 4096];
            let read = timeout(PATIENCE, self.output.read(&mut bytes)).await;
            let read = read.unwrap_or_else(|_| panic!("{expected:?} isn't shown:\n{}", self.shown));
            let read = read.unwrap();
            assert!(read > 0, "the shell has ended:\n{}", self.shown);
            let text = String::from_utf8(bytes[..read].to_vec()).unwrap();
            self.shown.push_str(&text.replace('\r', ""));
        }
    }

    /// All that was shown, without the prompt that waits at the end.
    pub(crate) fn transcript(&self) -> &str {
        self.shown.trim_end().trim_end_matches(PROMPT.trim()).trim_end()
    }

    /// Waits until what is typed isn't shown. The question for a password comes a moment before that.
    async fn until_hidden(&self) {
        let look = async || {
            let mut stty = Command::new("stty");
            let output = stty
                .args(["--all", "--file", &self.device])
                .output()
                .await
                .unwrap();
            let settings = String::from_utf8(output.stdout).unwrap();
            settings.split_whitespace().any(|setting| setting == "-echo")
        };
        let hidden = async { while !look().await {} };
        timeout(PATIENCE, hidden)
            .await
            .expect("the password would be shown");
    }

    /// Types a line.
    pub(crate) async fn enter(&mut self, text: &str) {
        self.input
            .write_all(format!("{text}\n").as_bytes())
            .await
            .unwrap();
    }
}
