//! What a person at a terminal sees while something takes long.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::terminal::printable;

/// What is done within this time shows nothing.
const DELAY: Duration = Duration::from_millis(400);

const TICK: Duration = Duration::from_millis(120);

/// Says that something is going on, if it takes a while. It is gone when it is dropped.
pub(crate) struct Spinner(ProgressBar);

impl Spinner {
    pub(crate) fn start(what: &str) -> Self {
        let bar = ProgressBar::hidden().with_style(style("{spinner} {msg} {elapsed}"));
        bar.set_message(printable(what));
        if io::stderr().is_terminal() {
            let late = bar.clone();
            tokio::spawn(async move {
                tokio::time::sleep(DELAY).await;
                if !late.is_finished() {
                    late.set_draw_target(ProgressDrawTarget::stderr());
                    late.enable_steady_tick(TICK);
                }
            });
        }
        Self(bar)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Says how much of something is done. It is gone when it is dropped.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn start(length: u64) -> Self {
        let target = match io::stderr().is_terminal() {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(length), target);
        Self(bar.with_style(style("{bar:30} {pos}/{len} {msg}")))
    }

    pub(crate) fn advance(&self, by: u64, what: &str) {
        self.0.set_message(printable(what));
        self.0.inc(by);
    }

    pub(crate) fn grow(&self, by: u64) {
        self.0.inc_length(by);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Says how far a file is, for as long as it is under way.
pub(crate) struct TransferBar(ProgressBar);

impl TransferBar {
    pub(crate) fn start(what: &str) -> Self {
        let bar = ProgressBar::hidden().with_style(style(
            "{bar:30} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta} {msg}",
        ));
        bar.set_message(printable(what));
        if io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        Self(bar)
    }

    pub(crate) fn reach(&self, done: u64, total: u64) {
        // What was there before this program began didn't come at this rate.
        if self.0.length() != Some(total) {
            self.0.set_length(total);
            self.0.set_position(done);
            self.0.reset_eta();
        }
        self.0.set_position(done);
    }
}

impl Drop for TransferBar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // What can't be read looks as the library has it.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
