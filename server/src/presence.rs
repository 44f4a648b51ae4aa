//! Tells people who is there.
//!
//! One task tells it, so that what somebody hears of another comes in the order in which it was. Changes that follow
//! each other quickly are told as one.

use std::collections::HashMap;
use std::sync::Arc;

use kith_common::{Notice, PersonPresence, Presence};

use crate::hub::Stir;
use crate::server::Server;
use crate::store::{AccountId, StoreError};

/// Tells of every change until the server stops.
pub async fn announce(server: Arc<Server>) {
    // How those who aren't offline were told to be; no longer than the list of who is connected.
    let mut told = HashMap::new();
    loop {
        let stirred = tokio::select! {
            stirred = server.hub.stirred() => stirred,
            () = server.shutdown.cancelled() => return,
        };
        for stir in stirred {
            let outcome = match stir {
                Stir::Account(account) => tell_change(&server, &mut told, account).await,
                Stir::Pair(whom, by) => tell_sight(&server, &told, whom, by).await,
            };
            if let Err(error) = outcome {
                tracing::error!(target: "error", %error, "people could not be told who is there");
            }
        }
    }
}

async fn tell_change(
    server: &Server,
    told: &mut HashMap<AccountId, Presence>,
    account: AccountId,
) -> Result<(), StoreError> {
    let before = told.get(&account).copied().unwrap_or_default();
    if server.hub.presence(account) == before {
        return Ok(());
    }
    let by = server.store.presence_seen_by(account).await?;
    let username = server.store.account(account).await?.username.to_string();
    // Not before the queries, so that it is true when it is told.
    let presence = server.hub.presence(account);
    if presence == Presence::Offline {
        told.remove(&account);
    } else {
        told.insert(account, presence);
    }
    if presence != before {
        tell(server, &by, username, presence);
    }
    Ok(())
}

/// Somebody has come to see another's presence, or sees it no more.
async fn tell_sight(
    server: &Server,
    told: &HashMap<AccountId, Presence>,
    whom: AccountId,
    by: AccountId,
) -> Result<(), StoreError> {
    // Offline is what everybody is taken for.
    let Some(presence) = told.get(&whom).copied() else {
        return Ok(());
    };
    let is_seen = server.store.presence_seen_by(whom).await?.contains(&by);
    let username = server.store.account(whom).await?.username.to_string();
    tell(
        server,
        &[by],
        username,
        if is_seen { presence } else { Presence::Offline },
    );
    Ok(())
}

fn tell(server: &Server, by: &[AccountId], username: String, presence: Presence) {
    let notice = Notice::Presence(PersonPresence { username, presence });
    server.hub.tell(by, None, &notice);
}
