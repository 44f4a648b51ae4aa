use std::io::Read as _;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use kith_common::Username;
use kith_server::blobs::Blobs;
use kith_server::config::Config;
use kith_server::passwords::{NewPassword, Passwords};
use kith_server::random::SystemRandomness;
use kith_server::secrets::Peppers;
use kith_server::store::{AccountState, Store, StoreError};

use super::{Data, with_store};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List all accounts
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Set a new password, read from KITH_NEW_PASSWORD or the terminal; all sessions of the account end
    Passwd(One),
    /// Switch an account off; all its sessions end
    Disable(One),
    /// Switch an account on again
    Enable(One),
    /// End an account for good: what it wrote is erased, its name stays taken
    Delete {
        #[command(flatten)]
        one: One,
        /// Don't ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(clap::Args)]
pub(crate) struct One {
    #[command(flatten)]
    data: Data,
    /// The user name
    name: Username,
}

pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::List { data } => {
            let config = data.config(None)?;
            with_store(data, &config, list)
        }
        Command::Passwd(one) => {
            let new = read_password(one)?;
            change(one, async |store, config| passwd(store, config, one, new).await)?;
            done(one, "has a new password; all its sessions have ended")
        }
        Command::Disable(one) => {
            change(one, async |store, _| {
                Ok(store.set_enabled(&one.name.key(), false).await?)
            })?;
            done(one, "is switched off")
        }
        Command::Enable(one) => {
            change(one, async |store, _| {
                Ok(store.set_enabled(&one.name.key(), true).await?)
            })?;
            done(one, "is switched on")
        }
        Command::Delete { one, yes } => {
            if !yes {
                bail!(
                    "this erases all that {} ever wrote; say it again with --yes",
                    one.name
                );
            }
            change(one, async |store, _| delete(store, one).await)?;
            done(one, "has ended")
        }
    }
}

fn change(one: &One, work: impl AsyncFnOnce(&Store, &Config) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let config = one.data.config(None)?;
    let result = with_store(&one.data, &config, async |store| work(store, &config).await);
    result.map_err(|error| match error.downcast_ref() {
        Some(StoreError::NotFound) => anyhow::anyhow!("there is no user {}", one.name),
        _ => error,
    })
}

fn done(one: &One, what: &str) -> anyhow::Result<()> {
    println!("{} {what}", one.name);
    Ok(())
}

async fn list(store: &Store) -> anyhow::Result<()> {
    let accounts = store.accounts().await?;
    println!(
        "{:<32} {:<8} {:<6} {:<20} {:<20}",
        "USER", "STATE", "ADMIN", "CREATED", "LAST SEEN"
    );
    for account in accounts {
        let state = match account.state {
            AccountState::Active => "active",
            AccountState::Disabled => "disabled",
            AccountState::Deleted => "deleted",
        };
        let admin = if account.admin { "yes" } else { "" };
        let (created, seen) = (day(account.created_at), day(account.last_seen_at));
        println!(
            "{:<32} {state:<8} {admin:<6} {created:<20} {seen:<20}",
            account.username
        );
    }
    Ok(())
}

fn day(milliseconds: i64) -> String {
    if milliseconds == 0 {
        return "never".to_owned();
    }
    Timestamp::from_millisecond(milliseconds).map_or_else(|_| "?".to_owned(), |time| format!("{time:.0}"))
}

fn read_password(one: &One) -> anyhow::Result<NewPassword> {
    let password = match std::env::var("KITH_NEW_PASSWORD") {
        Ok(password) => password,
        Err(_) => {
            eprintln!("New password for {} (read to the end of the line):", one.name);
            let mut text = String::new();
            std::io::stdin()
                .take(8192)
                .read_to_string(&mut text)
                .context("reading the password failed")?;
            text.lines().next().unwrap_or_default().to_owned()
        }
    };
    Ok(NewPassword::new(&password, one.name.as_str())?)
}

async fn passwd(store: &Store, config: &Config, one: &One, new: NewPassword) -> anyhow::Result<()> {
    let peppers = Peppers::load(&one.data.dir().pepper())?;
    let cost = config.passwords.bcrypt_cost;
    let passwords = Passwords::new(peppers, cost, 1, 1, Arc::new(SystemRandomness::new()))?;
    let hashed = passwords.hash(new).await?;
    Ok(store
        .reset_password(&one.name.key(), hashed.hash, hashed.pepper)
        .await?)
}

async fn delete(store: &Store, one: &One) -> anyhow::Result<()> {
    let files = store.delete_account(&one.name.key()).await?;
    let blobs = Blobs::open(one.data.dir().blobs(), Arc::new(SystemRandomness::new()), 0)?;
    for id in files {
        blobs.delete(&id).await?;
    }
    Ok(())
}
