//! A program that a test speaks with through pipes.

use std::process::{ExitStatus, Stdio};

use kith_tests::PATIENCE;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// A running program; it is killed when the test ends before it.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let input = child.stdin.take().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, input, lines }
    }

    /// Writes to the program's standard input.
    pub(crate) async fn write(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).await.unwrap();
        self.input.flush().await.unwrap();
    }

    /// The next line that the program prints; `None` when there are no more.
    pub(crate) async fn next(&mut self) -> Option<String> {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        line.expect("the program printed nothing").unwrap()
    }

    /// The next line, as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        let line = self.next().await.expect("the program has ended");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    /// Asks the program to end (SIGTERM) and waits until it has. Returns what it still printed.
    pub(crate) async fn stop(mut self) -> (ExitStatus, Vec<String>) {
        let id = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        kill_process(id.unwrap(), Signal::TERM).unwrap();
        let mut lines = Vec::new();
        while let Some(line) = self.next().await {
            lines.push(line);
        }
        (self.child.wait().await.unwrap(), lines)
    }

    /// Waits until the program has ended by itself. Returns what it still printed.
    pub(crate) async fn end(mut self) -> (ExitStatus, Vec<String>) {
        let mut lines = Vec::new();
        while let Some(line) = self.next().await {
            lines.push(line);
        }
        (self.child.wait().await.unwrap(), lines)
    }
}
