//! Tells people who is there.
//!
//! One task tells it, so that what somebody hears of another comes in the order in which it was. Changes that follow
//! each other quickly are told as one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kith_common::{Notice, PersonPresence, Presence};

use crate::hub::Stir;
use crate::server::Server;
use crate::store::{AccountId, StoreError};

/// What was told of an account. Nothing told is the same as offline, which everybody is taken for.
#[derive(Clone, Default)]
struct Told {
    presence: Presence,
    /// Who has been told.
    to: HashSet<AccountId>,
}

/// Tells of every change until the server stops.
pub async fn announce(server: Arc<Server>) {
    // Of those who aren't offline; no longer than the list of who is connected.
    let mut told = HashMap::new();
    loop {
        let stirred = tokio::select! {
            stirred = server.hub.stirred() => stirred,
            () = server.shutdown.cancelled() => return,
        };
        for stir in stirred {
            if let Err(error) = tell_change(&server, &mut told, stir).await {
                tracing::error!(target: "error", %error, "people could not be told who is there");
            }
        }
    }
}

/// Makes true what others have been told of an account: nobody is told again what they were told last.
async fn tell_change(
    server: &Server,
    told: &mut HashMap<AccountId, Told>,
    stir: Stir,
) -> Result<(), StoreError> {
    let (Stir::Account(account) | Stir::Sight(account)) = stir;
    let before = told.get(&account).cloned().unwrap_or_default();
    let is_same = server.hub.presence(account) == before.presence;
    if is_same && (before.presence == Presence::Offline || stir == Stir::Account(account)) {
        return Ok(());
    }
    let seen_by: HashSet<_> = server
        .store
        .presence_seen_by(account)
        .await?
        .into_iter()
        .collect();
    let username = server.store.account(account).await?.username.to_string();
    // Not before the queries, so that it is true when it is told.
    let presence = server.hub.presence(account);
    let (changed, gone): (Vec<_>, Vec<_>) = if presence == Presence::Offline {
        told.remove(&account);
        (Vec::new(), before.to.into_iter().collect())
    } else {
        let is_news = |by: &AccountId| presence != before.presence || !before.to.contains(by);
        let changed = seen_by.iter().copied().filter(is_news).collect();
        let gone = before.to.difference(&seen_by).copied().collect();
        let to = seen_by;
        told.insert(account, Told { presence, to });
        (changed, gone)
    };
    tell(server, &changed, username.clone(), presence);
    tell(server, &gone, username, Presence::Offline);
    Ok(())
}

fn tell(server: &Server, by: &[AccountId], username: String, presence: Presence) {
    let notice = Notice::Presence(PersonPresence { username, presence });
    server.hub.tell(by, None, &notice);
}
