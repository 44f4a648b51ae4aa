//! From what the command line and the profile say to a connection.

use kith_client::{
    Account, Clock, Error, Found, Guest, Identity, KnownServer, Options, Profile, ServerAddress, Store,
    Target, Trust, TrustError,
};
use kith_common::{InviteLink, LoginReply, Pin, Username, limits};

use crate::args::Place;
use crate::failure::{Exit, Failure};
use crate::prompt;

/// Name and version of this program, as the server's log will have it.
const PROGRAM: &str = concat!("kith-cli/", env!("CARGO_PKG_VERSION"));

/// A server that was connected to and is trusted, with nobody logged in yet.
pub(crate) struct Contact {
    pub(crate) guest: Guest,
    store: Store,
    server: ServerAddress,
    trusted: KnownServer,
}

impl Contact {
    /// Connects to the server that the command line names, or else the invite, or else the one used last. At a first
    /// contact that nothing vouches for, the person at the terminal is asked, and the answer is remembered.
    pub(crate) async fn open(place: &Place, invite: Option<&InviteLink>) -> Result<Self, Failure> {
        if place.account.is_some() {
            return Err(Failure::usage("name the account as USER here, without --account"));
        }
        let store = Store::of_user()?;
        let profile = store.load()?;
        let server = match (place.server.as_ref().or(invite), profile.find(None, None)) {
            (Some(link), _) => ServerAddress::from(link),
            (None, Found::One(_, account)) => account.server.clone(),
            (None, _) => {
                return Err(Failure::usage(
                    "which server? Say --server HOST[:PORT] or --server LINK",
                ));
            }
        };
        let link_pin = place.server.as_ref().and_then(|link| link.pin);
        let link_pin = link_pin.or_else(|| invite.and_then(|link| link.pin));
        let mut trusted = choose_trust(&profile, place, &server, link_pin)?;
        let guest = match Guest::connect(target(&server, trusted.trust()?)).await {
            Err(Error::Trust(TrustError::Untrusted { pin })) => {
                prompt::confirm_key(server.to_string(), pin).await?;
                trusted.pins = vec![pin];
                store.change(|profile| profile.servers.insert(server.clone(), trusted.clone()))?;
                Guest::connect(target(&server, Trust::Pins(vec![pin]))).await?
            }
            result => result?,
        };
        Ok(Self {
            guest,
            store,
            server,
            trusted,
        })
    }

    /// The same, connected anew if the server grew tired while somebody typed a password.
    pub(crate) async fn still_open(mut self) -> Result<Self, Failure> {
        if !self.guest.is_open() {
            self.guest = Guest::connect(target(&self.server, self.trusted.trust()?)).await?;
        }
        Ok(self)
    }

    /// Logs in, and remembers the account, its token and the keys to pin.
    pub(crate) async fn login(
        self,
        user: &Username,
        password: String,
    ) -> Result<(Account, LoginReply), Failure> {
        let Self {
            guest,
            store,
            server,
            mut trusted,
        } = self;
        let (session, _) = guest.login(user, password, Some(device_name())).await?;
        let login = session.login().clone();
        if !session.pins().is_empty() {
            trusted.pins = session.pins().to_vec();
        }
        let token = session.token().to_owned();
        session.close().await;
        let account = store.change(|profile| {
            profile.servers.insert(server.clone(), trusted);
            profile.add(server, &login, token).1
        })?;
        Ok((account, login))
    }
}

/// The account that a command is about: the one that the command line names, or else the one used last.
pub(crate) struct Chosen {
    pub(crate) account: Account,
    pub(crate) trust: Trust,
    pub(crate) store: Store,
    /// The account's name in the profile.
    pub(crate) name: String,
}

impl Chosen {
    pub(crate) fn by(place: &Place) -> Result<Self, Failure> {
        let store = Store::of_user()?;
        let profile = store.load()?;
        let server = place.server.as_ref().map(ServerAddress::from);
        let (name, account) = match profile.find(place.account.as_deref(), server.as_ref()) {
            Found::One(name, account) => (name.to_owned(), account.clone()),
            Found::Several([one, other]) => {
                return Err(Failure::usage(format!(
                    "which account? Say --account {one} or --account {other}"
                )));
            }
            Found::None => return Err(unknown_account(place)),
        };
        let link_pin = place.server.as_ref().and_then(|link| link.pin);
        let trust = choose_trust(&profile, place, &account.server, link_pin)?.trust()?;
        Ok(Self {
            account,
            trust,
            store,
            name,
        })
    }

    /// What an engine needs to resume the account's session.
    pub(crate) fn options(&self) -> Result<Options, Failure> {
        let account = &self.account;
        Ok(Options {
            target: target(&account.server, self.trust.clone()),
            me: Identity {
                username: account.username.clone(),
                account: account.account.clone(),
                device: account.device,
            },
            token: account.token.clone().ok_or_else(|| logged_out(account))?,
            clock: Clock::system(),
        })
    }
}

/// Forgets a session's secret, which is worth nothing any more.
pub(crate) fn forget_token(store: &Store, name: &str) -> Result<(), Failure> {
    Ok(store.change(|profile| {
        if let Some(account) = profile.accounts.get_mut(name) {
            account.token = None;
        }
    })?)
}

/// What was said for this run, or else what a link brings, or else what is known of the server.
fn choose_trust(
    profile: &Profile,
    place: &Place,
    server: &ServerAddress,
    link_pin: Option<Pin>,
) -> Result<KnownServer, Failure> {
    let ca_file = match &place.ca {
        Some(path) => Some(std::path::absolute(path).map_err(|error| Failure::file(path, &error))?),
        None => None,
    };
    let pin = place.pin.or(link_pin.filter(|_| ca_file.is_none()));
    Ok(if pin.is_some() || ca_file.is_some() {
        let pins = pin.into_iter().collect();
        KnownServer { pins, ca_file }
    } else {
        profile.servers.get(server).cloned().unwrap_or_default()
    })
}

fn target(server: &ServerAddress, trust: Trust) -> Target {
    Target {
        server: server.clone(),
        trust,
        program: PROGRAM.to_owned(),
    }
}

fn unknown_account(place: &Place) -> Failure {
    let message = match &place.account {
        Some(name) => format!("{name} has not logged in here; run `kith-cli login USER --server HOST`"),
        None => "nobody has logged in here; run `kith-cli login USER --server HOST` (or register)".to_owned(),
    };
    Failure::new(Exit::NotLoggedIn, message)
}

fn logged_out(account: &Account) -> Failure {
    let Account { username, server, .. } = account;
    Failure::new(
        Exit::NotLoggedIn,
        format!("{username} is logged out; run `kith-cli login {username} --server {server}`"),
    )
}

/// What the person will know this device by in the list of sessions.
fn device_name() -> String {
    let host = hostname::get().ok().and_then(|host| host.into_string().ok());
    let name = host.map_or_else(|| "kith-cli".to_owned(), |host| format!("kith-cli on {host}"));
    name.chars()
        .filter(|c| !c.is_control())
        .take(limits::DEVICE_NAME_CHARS)
        .collect()
}
