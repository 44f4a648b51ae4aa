use kith_common::{ContactAction, ContactsReply};
use serde_json::json;

use crate::args::{Contacts, Place};
use crate::failure::Failure;
use crate::limits;
use crate::opened::{Opened, Outcome};
use crate::output::Output;

/// Lists or changes contacts and blocks.
pub(crate) async fn contacts(
    place: &Place,
    action: Option<Contacts>,
    output: &Output,
) -> Result<(), Failure> {
    let (action, waiting, user, done) = match action.unwrap_or(Contacts::List) {
        Contacts::List => return list(place, output).await,
        Contacts::Add { user, waiting } => (ContactAction::Add, waiting, user, "is among your contacts"),
        Contacts::Remove { user, waiting } => (
            ContactAction::Remove,
            waiting,
            user,
            "is not among your contacts any more",
        ),
        Contacts::Block { user, waiting } => (ContactAction::Block, waiting, user, "is blocked"),
        Contacts::Unblock { user, waiting } => {
            (ContactAction::Unblock, waiting, user, "is not blocked any more")
        }
    };
    Opened::with(place, async |opened| {
        let id = opened.engine.change_contact(action, &user).await?;
        let what = format!("this change of your contacts ({user})");
        match opened.outcome(id, &what, &waiting, limits::OUTCOME).await? {
            Outcome::Sent(_) => output.done(&format!("{user} {done}.")),
            Outcome::Waits(id) => output.result(
                &json!({"queued": id}),
                [format!(
                    "It waits in the outbox ({id}): {user} {done} once it is sent."
                )],
            ),
        }
    })
    .await
}

async fn list(place: &Place, output: &Output) -> Result<(), Failure> {
    Opened::with(place, async |opened| {
        opened.online_if_possible().await?;
        let contacts = opened.engine.contacts();
        let reply = ContactsReply {
            contacts: contacts.contacts.into_iter().collect(),
            blocked: contacts.blocked.into_iter().collect(),
        };
        let blocked = reply.blocked.iter().map(|name| format!("{name} (blocked)"));
        output.result(&reply, reply.contacts.iter().cloned().chain(blocked))
    })
    .await
}
