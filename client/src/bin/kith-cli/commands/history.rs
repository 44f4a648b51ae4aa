use jiff::tz::TimeZone;
use kith_client::{Message, Older};
use kith_common::Username;

use crate::args::Place;
use crate::failure::Failure;
use crate::form::{JsonMessage, written_message};
use crate::opened::Opened;
use crate::output::Output;

/// Prints earlier messages, the oldest first.
pub(crate) async fn history(
    place: &Place,
    with: Username,
    limit: u32,
    before: Option<u64>,
    output: &Output,
) -> Result<(), Failure> {
    Opened::with(place, async |opened| {
        opened.online_if_possible().await?;
        // What waited belongs to it.
        opened.send_leftovers().await?;
        let conversation = opened.conversation(&with).await?;
        let (messages, missing) = pages(opened, &conversation, limit, before).await?;
        let zone = TimeZone::system();
        for message in &messages {
            let json = JsonMessage::of(&opened.engine, &conversation, message);
            output.result(&json, [written_message(message, &zone)])?;
        }
        match missing {
            None => Ok(()),
            Some(failure) => Err(failure.after("older messages could not be fetched")),
        }
    })
    .await
}

/// So many messages in order, and why there aren't more, where there are.
async fn pages(
    opened: &Opened,
    conversation: &str,
    limit: u32,
    mut before: Option<u64>,
) -> Result<(Vec<Message>, Option<Failure>), Failure> {
    let mut pages = Vec::new();
    let mut left = limit;
    let mut missing = None;
    while left > 0 {
        let page = opened.engine.messages(conversation, before, left).await?;
        left = left.saturating_sub(u32::try_from(page.messages.len()).unwrap_or(u32::MAX));
        before = page.messages.first().map(|message| message.number).or(before);
        let empty = page.messages.is_empty();
        pages.push(page.messages);
        match page.older {
            Older::More if !empty => {}
            Older::OutOfReach(error) => {
                missing = Some((*error).into());
                break;
            }
            _ => break,
        }
    }
    pages.reverse();
    Ok((pages.concat(), missing))
}
