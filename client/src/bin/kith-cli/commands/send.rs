use std::io::{self, IsTerminal as _, Read as _};

use kith_client::{Content, Engine, EngineError};
use kith_common::{SentReply, Username, limits as protocol};
use serde_json::json;

use crate::args::{Place, Waiting};
use crate::failure::{Exit, Failure, note};
use crate::limits;
use crate::opened::{Opened, Outcome, Sent};
use crate::output::Output;

/// Sends a message: the words of the command line, or else standard input.
pub(crate) async fn send(
    place: &Place,
    waiting: &Waiting,
    to: Username,
    words: &[String],
    reply_to: Option<u64>,
    output: &Output,
) -> Result<(), Failure> {
    let text = text(words)?;
    Opened::with(place, async |opened| {
        // Words are in the shell's history, and a program's output can be made again.
        opened.keep_refused = (words.is_empty() || words == ["-"]) && io::stdin().is_terminal();
        let id = opened.engine.send(&to, text.clone(), reply_to).await?;
        let what = format!("the message to {to}");
        match opened.outcome(id, &what, waiting, limits::OUTCOME).await? {
            Outcome::Waits(id) => queued(id, &what, output),
            Outcome::Sent(sent) => {
                let content = Content::Text(text);
                let reply = sent_reply(&opened.engine, &to, sent, &content).await?;
                output.result(&reply, [format!("Sent to {to}.")])
            }
        }
    })
    .await
}

/// Gives a message another text.
pub(crate) async fn edit(
    place: &Place,
    waiting: &Waiting,
    to: Username,
    number: u64,
    words: &[String],
    output: &Output,
) -> Result<(), Failure> {
    let text = text(words)?;
    let what = format!("the change of message {number} with {to}");
    let done = format!("Message {number} is changed.");
    in_conversation(
        place,
        waiting,
        &to,
        (&what, &done),
        output,
        async |engine, conversation| engine.edit(conversation, number, text).await,
    )
    .await
}

/// Erases messages and files.
pub(crate) async fn delete(
    place: &Place,
    waiting: &Waiting,
    to: Username,
    numbers: &[u64],
    output: &Output,
) -> Result<(), Failure> {
    for number in numbers {
        let what = format!("the deletion of message {number} with {to}");
        let done = format!("Message {number} is erased.");
        in_conversation(
            place,
            waiting,
            &to,
            (&what, &done),
            output,
            async |engine, conversation| engine.delete(conversation, *number).await,
        )
        .await?;
    }
    Ok(())
}

/// Puts a reaction on a message, or takes it back.
pub(crate) async fn react(
    place: &Place,
    waiting: &Waiting,
    to: Username,
    number: u64,
    (reaction, on): (String, bool),
    output: &Output,
) -> Result<(), Failure> {
    let what = format!("the reaction to message {number} with {to}");
    let done = match on {
        true => format!("Reacted to message {number} with {reaction}."),
        false => format!("Took back {reaction} from message {number}."),
    };
    in_conversation(
        place,
        waiting,
        &to,
        (&what, &done),
        output,
        async |engine, conversation| engine.react(conversation, number, reaction, on).await,
    )
    .await
}

async fn in_conversation(
    place: &Place,
    waiting: &Waiting,
    to: &Username,
    (what, done): (&str, &str),
    output: &Output,
    write: impl AsyncFnOnce(&Engine, &str) -> Result<u64, EngineError>,
) -> Result<(), Failure> {
    Opened::with(place, async |opened| {
        let conversation = opened.conversation(to).await?;
        let id = write(&opened.engine, &conversation).await?;
        match opened.outcome(id, what, waiting, limits::OUTCOME).await? {
            Outcome::Waits(id) => queued(id, what, output),
            Outcome::Sent(sent) => {
                let number = sent.map(|(_, number)| number);
                let reply = json!({"conversation": conversation, "number": number});
                output.result(&reply, [done.to_owned()])
            }
        }
    })
    .await
}

/// Says that something waits.
pub(super) fn queued(id: u64, what: &str, output: &Output) -> Result<(), Failure> {
    let line = format!("In the outbox ({id}): {what}. The next command that reaches the server sends it.");
    output.result(&json!({"queued": id}), [line])
}

/// What the server said of a message, read from the copy.
pub(super) async fn sent_reply(
    engine: &Engine,
    to: &Username,
    sent: Sent,
    content: &Content,
) -> Result<SentReply, Failure> {
    let gone = || {
        Failure::new(
            Exit::Refused,
            "it was sent, but its place isn't known: another program sent it",
        )
    };
    let message = match sent {
        Some((conversation, number)) => {
            let message = engine.message(&conversation, number).await?;
            message.map(|message| (conversation, message))
        }
        // Another program on the same outbox was faster, and knows the number. It is one of the last.
        None => {
            let conversation = engine.conversation_with(to.as_str()).ok_or_else(gone)?;
            let page = engine.messages(&conversation, None, limits::CHAT_PAGE).await?;
            let own = |message: &&kith_client::Message| {
                message.sender == engine.me().username && same(&message.content, content)
            };
            let message = page.messages.iter().rev().find(own).cloned();
            message.map(|message| (conversation, message))
        }
    };
    let (conversation, message) = message.ok_or_else(gone)?;
    Ok(SentReply {
        conversation,
        number: message.number,
        time: message.time,
        file: match message.content {
            Content::File { file, .. } => Some(file),
            _ => None,
        },
        hash: None,
    })
}

/// Whether it says the same, besides the id of a file.
fn same(one: &Content, other: &Content) -> bool {
    match (one, other) {
        (
            Content::File { name, size, .. },
            Content::File {
                name: other_name,
                size: other_size,
                ..
            },
        ) => (name, size) == (other_name, other_size),
        (one, other) => one == other,
    }
}

fn text(words: &[String]) -> Result<String, Failure> {
    let text = match words {
        [] => read_input()?,
        [dash] if dash == "-" => read_input()?,
        words => words.join(" "),
    };
    if text.trim().is_empty() {
        return Err(Failure::usage("there is nothing to send"));
    }
    if text.len() > protocol::MESSAGE_BYTES {
        return Err(too_long());
    }
    Ok(text)
}

fn read_input() -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        note("type the message, and end it with Ctrl+D on a line of its own");
    }
    let unreadable = |reason: String| {
        let message = format!("can't read the text from standard input: {reason}");
        Failure::new(Exit::Local, message)
    };
    let mut bytes = Vec::new();
    // A longer one is too long, however much longer.
    let most = protocol::MESSAGE_BYTES as u64 * 2;
    io::stdin()
        .lock()
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 == most {
        return Err(too_long());
    }
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it isn't UTF-8".to_owned()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn too_long() -> Failure {
    let most = protocol::MESSAGE_BYTES;
    Failure::usage(format!("a message has at most {most} bytes; send it as a file"))
}
