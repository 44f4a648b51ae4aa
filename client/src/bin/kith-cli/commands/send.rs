use std::io::{self, IsTerminal as _, Read as _};

use kith_common::{Username, limits};

use crate::account::Opened;
use crate::args::Place;
use crate::failure::{Exit, Failure, note};
use crate::output::Output;

/// Sends a message: the words of the command line, or else standard input.
pub(crate) async fn send(
    place: &Place,
    to: Username,
    words: &[String],
    output: &Output,
) -> Result<(), Failure> {
    let text = match words {
        [] => read_input()?,
        [dash] if dash == "-" => read_input()?,
        words => words.join(" "),
    };
    if text.trim().is_empty() {
        return Err(Failure::usage("there is nothing to send"));
    }
    let opened = Opened::open(place).await?;
    let sent = opened.session.send(&to, text).await?;
    opened.keep_sent(&sent, &to)?;
    opened.session.close().await;
    output.result(&sent, [format!("Sent to {to}.")])
}

fn read_input() -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        note("type the message, and end it with Ctrl+D on a line of its own");
    }
    let mut text = String::new();
    let most = limits::MESSAGE_BYTES as u64 + 1;
    io::stdin()
        .lock()
        .take(most)
        .read_to_string(&mut text)
        .map_err(|error| {
            Failure::new(
                Exit::Local,
                format!("can't read the text from standard input: {error}"),
            )
        })?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.len() > limits::MESSAGE_BYTES {
        let message = format!(
            "a message has at most {} bytes; send it as a file",
            limits::MESSAGE_BYTES
        );
        return Err(Failure::usage(message));
    }
    Ok(text.to_owned())
}
