use kith_client::{Account, Progress, Status};
use serde_json::json;

use crate::args::Place;
use crate::failure::Failure;
use crate::opened::Opened;
use crate::output::Output;

/// Shows the account, its conversations, and what waits.
pub(crate) async fn status(place: &Place, output: &Output) -> Result<(), Failure> {
    Opened::with(place, async |opened| {
        opened.online_if_possible().await?;
        opened.send_leftovers().await?;
        let engine = &opened.engine;
        let online = engine.status() == Status::Online;
        let (mut waiting, mut refused) = (0, 0);
        for item in engine.outbox().await? {
            match item.progress {
                Progress::Failed(_) => refused += 1,
                _ => waiting += 1,
            }
        }
        let conversations = engine.conversations().await?;
        let Account { username, server, .. } = &opened.account;
        let list: Vec<_> = conversations
            .iter()
            .map(|one| {
                let last = one.last.as_ref().map(|message| message.number);
                json!({"conversation": one.id, "with": one.others, "unread": one.unread, "last": last})
            })
            .collect();
        let json = json!({
            "username": username, "server": server.to_string(), "online": online, "waiting": waiting,
            "refused": refused, "conversations": list
        });
        let state = if online { "connected" } else { "not connected" };
        let mut lines = vec![format!("{username} at {server}, {state}")];
        lines.extend(conversations.iter().map(|one| {
            let unread = match one.unread {
                0 => "nothing unread".to_owned(),
                count => format!("{count} unread"),
            };
            format!("with {}: {unread}", one.others.join(", "))
        }));
        if waiting + refused > 0 {
            lines.push(format!(
                "outbox: {waiting} waiting, {refused} refused (kith-cli outbox)"
            ));
        }
        output.result(&json, lines)
    })
    .await
}
