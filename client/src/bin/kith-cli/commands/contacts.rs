use kith_common::ContactAction;

use crate::account::Opened;
use crate::args::{Contacts, Place};
use crate::failure::Failure;
use crate::output::Output;

/// Lists or changes contacts and blocks.
pub(crate) async fn contacts(
    place: &Place,
    action: Option<Contacts>,
    output: &Output,
) -> Result<(), Failure> {
    let (action, user, done) = match action.unwrap_or(Contacts::List) {
        Contacts::List => return list(place, output).await,
        Contacts::Add { user } => (ContactAction::Add, user, "is among your contacts"),
        Contacts::Remove { user } => (ContactAction::Remove, user, "is not among your contacts any more"),
        Contacts::Block { user } => (ContactAction::Block, user, "is blocked"),
        Contacts::Unblock { user } => (ContactAction::Unblock, user, "is not blocked any more"),
    };
    let opened = Opened::open(place).await?;
    opened.session.change_contact(action, &user).await?;
    opened.session.close().await;
    output.done(&format!("{user} {done}."))
}

async fn list(place: &Place, output: &Output) -> Result<(), Failure> {
    let opened = Opened::open(place).await?;
    let reply = opened.session.contacts().await?;
    opened.session.close().await;
    let blocked = reply.blocked.iter().map(|name| format!("{name} (blocked)"));
    output.result(&reply, reply.contacts.iter().cloned().chain(blocked))
}
