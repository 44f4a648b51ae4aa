use jiff::tz::TimeZone;
use kith_client::{Pending, Progress, Write};
use serde_json::json;

use crate::args::{Outbox, Place};
use crate::failure::{Exit, Failure};
use crate::form::{what_waits, written_time};
use crate::opened::Opened;
use crate::output::Output;
use crate::progress::TransferBar;

/// Lists what waits to be sent and what was refused, or does something with it.
pub(crate) async fn outbox(place: &Place, action: Option<Outbox>, output: &Output) -> Result<(), Failure> {
    Opened::with(place, async |opened| match action.unwrap_or(Outbox::List) {
        Outbox::List => list(opened, output).await,
        Outbox::Retry { id } => {
            let item = find(opened, id).await?;
            match item.progress {
                Progress::Failed(_) => opened.engine.retry(id).await?,
                _ => opened.engine.resume(id).await?,
            }
            if let Write::File { name, .. } = &item.write {
                opened.bar = Some(TransferBar::start(name));
            }
            let again = opened.again(id).await;
            opened.bar = None;
            again?;
            output.done(&format!("Number {id} is sent."))
        }
        Outbox::Discard { id } => {
            let item = find(opened, id).await?;
            opened.discard(id).await?;
            let what = what_waits(&opened.engine, &item.write);
            output.done(&format!("Thrown away: {what}."))
        }
    })
    .await
}

async fn list(opened: &Opened, output: &Output) -> Result<(), Failure> {
    for item in opened.engine.outbox().await? {
        let Pending {
            id,
            progress,
            time,
            write,
        } = &item;
        let what = what_waits(&opened.engine, write);
        let (state, reason) = match progress {
            Progress::Failed(error) => ("refused", Some(&*error.message)),
            Progress::Paused => ("paused", None),
            _ => ("waiting", None),
        };
        let json = json!({"id": id, "time": time, "what": what, "state": state, "reason": reason});
        let time = written_time(*time, &TimeZone::system());
        let line = match reason {
            Some(reason) => format!("{id:>4}  {time} {what}: refused, {reason}"),
            None => format!("{id:>4}  {time} {what}: {state}"),
        };
        output.result(&json, [line])?;
    }
    Ok(())
}

async fn find(opened: &Opened, id: u64) -> Result<Pending, Failure> {
    let mut items = opened.engine.outbox().await?.into_iter();
    items
        .find(|item| item.id == id)
        .ok_or_else(|| Failure::new(Exit::Refused, format!("there is no {id} in the outbox")))
}
