//! From what the command line and the profile say to a connection.

use kith_client::{
    Account, Error, Found, Guest, KnownServer, Logs, Profile, Pushes, ServerAddress, Session, Store, Target,
    Trust, TrustError,
};
use kith_common::{ErrorCode, InviteLink, Pin, SentReply, Username, limits};

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

/// A session, and the account that it belongs to.
pub(crate) struct Opened {
    pub(crate) session: Session,
    pub(crate) pushes: Pushes,
    pub(crate) account: Account,
    store: Store,
    /// The account's name in the profile.
    name: String,
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
    pub(crate) async fn login(self, user: &Username, password: String) -> Result<Opened, Failure> {
        let Self {
            guest,
            store,
            server,
            mut trusted,
        } = self;
        let (session, pushes) = guest.login(user, password, Some(device_name())).await?;
        let login = session.login().clone();
        if !session.pins().is_empty() {
            trusted.pins = session.pins().to_vec();
        }
        let token = Some(session.token().to_owned());
        let (name, account) = store.change(|profile| {
            let name = profile.name_for(&server, &login.username);
            let before = profile
                .accounts
                .remove(&name)
                .filter(|before| before.account == login.account);
            let account = Account {
                server: server.clone(),
                username: login.username,
                account: login.account,
                device: login.device,
                token,
                logs: before.map(|before| before.logs).unwrap_or_default(),
            };
            profile.servers.insert(server, trusted);
            profile.accounts.insert(name.clone(), account.clone());
            profile.last = Some(name.clone());
            (name, account)
        })?;
        Ok(Opened {
            session,
            pushes,
            account,
            store,
            name,
        })
    }
}

impl Opened {
    /// Resumes the session of the account that the command line names, or else the one used last.
    pub(crate) async fn open(place: &Place) -> Result<Self, Failure> {
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
        let token = account.token.clone().ok_or_else(|| logged_out(&account))?;
        let link_pin = place.server.as_ref().and_then(|link| link.pin);
        let trust = choose_trust(&profile, place, &account.server, link_pin)?.trust()?;
        let (session, pushes) = match Session::resume(target(&account.server, trust), token).await {
            Ok(opened) => opened,
            Err(error) => {
                if error.is_refused(ErrorCode::SessionEnded) {
                    forget_token(&store, &name)?;
                }
                return Err(error.into());
            }
        };
        store.change(|profile| {
            profile.last = Some(name.clone());
            if !session.pins().is_empty() {
                let known = profile.servers.entry(account.server.clone()).or_default();
                known.pins = session.pins().to_vec();
            }
        })?;
        Ok(Self {
            session,
            pushes,
            account,
            store,
            name,
        })
    }

    /// Remembers what was read.
    pub(crate) fn keep_logs(&self, logs: &Logs) -> Result<(), Failure> {
        Ok(self.store.change(|profile| {
            if let Some(account) = profile.accounts.get_mut(&self.name) {
                account.logs.merge(logs);
            }
        })?)
    }

    /// Remembers that one's own message needn't be shown as missed.
    pub(crate) fn keep_sent(&self, sent: &SentReply, to: &Username) -> Result<(), Failure> {
        let mut logs = self.account.logs.clone();
        logs.read_number(&sent.conversation, sent.number);
        logs.note_other(&sent.conversation, to.as_str());
        self.keep_logs(&logs)
    }

    /// Forgets the session's secret, once it is worth nothing.
    pub(crate) fn forget_token(&self) -> Result<(), Failure> {
        forget_token(&self.store, &self.name)
    }
}

fn forget_token(store: &Store, name: &str) -> Result<(), Failure> {
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
