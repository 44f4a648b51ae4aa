//! Who is connected, and what of the committed events goes to whom.
//!
//! An event is encoded once, whoever gets it. Nothing here waits: a connection that can't keep up loses its place
//! in the queue (`link.rs`) and finds the events in the log.

mod encode;
mod link;
mod presence;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use dashmap::DashMap;
use kith_common::{DeviceId, Notice, Presence};

pub(crate) use encode::{EditBody, MessageBody, ReactionBody, SeedHead, log_event, seed_file, seed_message};
pub(crate) use link::encode_reply;
pub use link::{Item, Link};

use encode::native_line;
pub use presence::Stir;
use presence::Stirred;

use crate::store::{AccountId, Announcement, Observer, Origin, Stored};

/// The connections that are logged in.
pub struct Hub {
    accounts: DashMap<AccountId, Vec<Present>>,
    /// Connections an account may have at a time.
    per_account: usize,
    /// Whether a line is logged for what is routed.
    log_routing: bool,
    /// Whose presence is to be looked at.
    stirred: Stirred,
}

/// One connection of an account.
#[derive(Clone)]
struct Present {
    device: DeviceId,
    link: Arc<Link>,
    /// How it shows itself.
    presence: Presence,
}

/// The account has as many connections as it may have.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the account has too many connections")]
pub struct TooMany;

impl Hub {
    /// A hub with nobody there.
    pub fn new(per_account: usize, log_routing: bool) -> Self {
        Self {
            accounts: DashMap::new(),
            per_account,
            log_routing,
            stirred: Stirred::default(),
        }
    }

    /// From now on the connection gets what the account is to see; `first` is run before any of it.
    ///
    /// # Errors
    /// The account has too many connections.
    pub fn join(
        &self,
        account: AccountId,
        device: DeviceId,
        link: Arc<Link>,
        first: impl FnOnce(),
    ) -> Result<(), TooMany> {
        let mut present = self.accounts.entry(account).or_default();
        if present.len() >= self.per_account {
            return Err(TooMany);
        }
        first();
        present.push(Present {
            device,
            link,
            presence: Presence::Offline,
        });
        Ok(())
    }

    /// Whether the account may have another connection.
    pub fn has_room(&self, account: AccountId) -> bool {
        self.accounts
            .get(&account)
            .is_none_or(|present| present.len() < self.per_account)
    }

    /// The connection is gone, or logged out.
    pub fn leave(&self, account: AccountId, origin: Origin) {
        self.remove(account, |one| one.link.origin() == origin);
    }

    /// Ends those of the account's sessions that `which` says, by device and connection: their connections are told, and are
    /// guests again.
    pub fn end_sessions(&self, account: AccountId, which: impl Fn(DeviceId, Origin) -> bool) {
        let ended = self.remove(account, |one| which(one.device, one.link.origin()));
        for link in ended {
            link.end_session();
            link.notify(&Notice::SessionEnded);
        }
    }

    /// Takes connections of the account out and returns their links.
    fn remove(&self, account: AccountId, which: impl Fn(&Present) -> bool) -> Vec<Arc<Link>> {
        let (mut removed, mut was_seen) = (Vec::new(), false);
        if let Some(mut present) = self.accounts.get_mut(&account) {
            present.retain(|one| {
                let goes = which(one);
                if goes {
                    removed.push(one.link.clone());
                    was_seen |= one.presence != Presence::Offline;
                }
                !goes
            });
        }
        self.accounts.remove_if(&account, |_, present| present.is_empty());
        if was_seen {
            self.stirred.account(account);
        }
        removed
    }

    /// The account's devices that have a connection.
    pub fn connected_devices(&self, account: AccountId) -> Vec<DeviceId> {
        self.accounts
            .get(&account)
            .map_or_else(Vec::new, |all| all.iter().map(|one| one.device).collect())
    }

    /// Whether the account has a connection.
    pub fn is_connected(&self, account: AccountId) -> bool {
        self.accounts.contains_key(&account)
    }

    /// Tells all connections of these accounts that said `hello`, but for one. To one that is behind it comes with what it
    /// will ask for.
    pub fn tell(&self, accounts: &[AccountId], except: Option<Origin>, notice: &Notice) {
        self.each(accounts, notice, |link, line| {
            if Some(link.origin()) != except {
                link.deliver(vec![Item::Event(line)]);
            }
        });
    }

    /// The same for what nobody misses: a connection that is short of room isn't sent it, and isn't behind for it.
    pub fn hint(&self, accounts: &[AccountId], notice: &Notice) {
        self.each(accounts, notice, |link, line| link.hint(Item::Event(line)));
    }

    fn each(&self, accounts: &[AccountId], notice: &Notice, put: impl Fn(&Link, Bytes)) {
        let line = Bytes::from(notice.encode());
        for present in accounts.iter().filter_map(|account| self.accounts.get(account)) {
            for one in present.iter().filter(|one| one.link.is_native()) {
                put(&one.link, line.clone());
            }
        }
    }

    /// One line for each run of messages of one connection into one conversation in a commit.
    fn log(&self, events: &[Stored], links: &HashMap<Origin, Arc<Link>>) {
        let mut runs: HashMap<(Origin, &str), (u32, &Stored)> = HashMap::new();
        for event in events
            .iter()
            .filter(|event| event.log.kind != crate::store::LogKind::Account)
        {
            runs.entry((event.origin, &event.log.public_id))
                .or_insert((0, event))
                .0 += 1;
        }
        for ((origin, conversation), (count, newest)) in runs {
            tracing::info!(
                target: "routing",
                user = &*newest.sender.username,
                address = links.get(&origin).map_or("-", |link| link.address()),
                to = to(newest),
                conversation,
                count,
                "routed"
            );
        }
    }
}

/// Whom an event went to, for the log: a name, or how many.
fn to(event: &Stored) -> String {
    let mut others = event
        .audience
        .iter()
        .filter(|reader| reader.account != event.sender.id);
    match (others.next(), others.count()) {
        (None, _) => "-".to_owned(),
        (Some(one), 0) => one.username.to_string(),
        (Some(_), more) => format!("{} people", more + 1),
    }
}

impl Observer for Hub {
    fn committed(&self, events: &[Stored]) {
        // Gathered by connection, so that each one's queue is locked and its task woken once a commit.
        let mut deliveries: HashMap<Origin, (Arc<Link>, Vec<Item>)> = HashMap::new();
        let mut origins: HashMap<Origin, Arc<Link>> = HashMap::new();
        for event in events {
            let mut native = None;
            for reader in event.audience.iter() {
                let Some(present) = self.accounts.get(&reader.account) else {
                    continue;
                };
                for one in present.iter() {
                    if one.link.origin() == event.origin {
                        origins.entry(event.origin).or_insert_with(|| one.link.clone());
                        continue;
                    }
                    let item = if one.link.is_native() {
                        Item::Event(native.get_or_insert_with(|| native_line(event)).clone())
                    } else if event.kind.is_seed() {
                        Item::Seed(Box::new(event.clone()))
                    } else {
                        continue;
                    };
                    let (_, items) = deliveries
                        .entry(one.link.origin())
                        .or_insert_with(|| (one.link.clone(), Vec::new()));
                    items.push(item);
                }
            }
        }
        for (link, items) in deliveries.into_values() {
            link.deliver(items);
        }
        if self.log_routing {
            self.log(events, &origins);
        }
    }

    fn announced(&self, changes: &[Announcement]) {
        for change in changes {
            self.tell(&change.audience, change.except, &change.notice);
        }
    }
}
