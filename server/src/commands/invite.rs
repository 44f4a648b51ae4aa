use std::time::Duration;

use anyhow::Context as _;
use kith_common::{InviteLink, Pin};
use kith_server::clock::{Clock as _, SystemClock};
use kith_server::config::Config;
use kith_server::handlers::register::code_hash;
use kith_server::random::{self, SystemRandomness};
use kith_server::store::Store;
use kith_server::tls::Source;

use super::{Data, with_store};

/// The longest that an invite may be valid.
const LONGEST_HOURS: u64 = 24 * 365;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// Whoever uses the invite becomes an administrator
    #[arg(long)]
    admin: bool,
    /// For how many hours the invite is valid
    #[arg(long, value_name = "HOURS", default_value_t = 72, value_parser = clap::value_parser!(u64).range(1..=LONGEST_HOURS))]
    hours: u64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let config = arguments.data.config(None)?;
    let valid = Duration::from_secs(arguments.hours * 60 * 60);
    let link = with_store(&arguments.data, &config, async |store| {
        make(&arguments.data, &config, store, arguments.admin, valid).await
    })?;
    println!("{link}");
    Ok(())
}

/// Makes an invite and the link to hand over.
pub(crate) async fn make(
    data: &Data,
    config: &Config,
    store: &Store,
    admin: bool,
    valid: Duration,
) -> anyhow::Result<InviteLink> {
    let code = random::text::<16>(&SystemRandomness::new())?;
    let expires = SystemClock.now() + i64::try_from(valid.as_millis()).unwrap_or(i64::MAX);
    store.add_invite(code_hash(&code), admin, None, expires).await?;
    let pair = Source::of(config, &data.dir())
        .read()
        .context("the certificate can't be read")?;
    Ok(InviteLink {
        code: Some(code),
        ..link(config, config.listen.port(), pair.pin())
    })
}

/// The link that says where the server is, for whoever needs no invite.
pub(super) fn link(config: &Config, listening: u16, pin: Option<Pin>) -> InviteLink {
    let (host, port) = config.link_address(listening, machine_name);
    InviteLink {
        host,
        port,
        pin,
        code: None,
    }
}

fn machine_name() -> String {
    hostname::get().map_or_else(
        |_| "localhost".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}
