use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kith_common::InviteLink;
use kith_server::certs::Machine;
use kith_server::config::{LinkHost, Registration};
use kith_server::random::SystemRandomness;
use kith_server::setup::{Options, Paint, qr, set_up};
use kith_server::tls::Surroundings;

use super::{Data, environment, invite, with_store};

/// How long the administrator's invite is valid.
const ADMIN_INVITE: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// A name or address that clients reach the server by; the first one stands in invite links
    #[arg(long = "host", value_name = "NAME|IP")]
    hosts: Vec<LinkHost>,
    /// Who may make an account: open (everyone), invite (with an invite; the default) or closed (nobody)
    #[arg(long, value_name = "POLICY")]
    registration: Option<Registration>,
    /// Where certificates and keys are kept instead of DIR/certs
    #[arg(long, value_name = "DIR")]
    certs: Option<PathBuf>,
    /// Make a new server certificate, also with new --host names; clients that pinned the server go on working
    #[arg(long)]
    renew: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let options = Options {
        data: arguments.data.dir(),
        hosts: arguments.hosts.clone(),
        registration: arguments.registration,
        certs: arguments.certs.clone(),
        renew: arguments.renew,
    };
    let random = Arc::new(SystemRandomness::new());
    let surroundings = Surroundings {
        now: Timestamp::now,
        machine: Machine::detect,
        random,
    };
    let made = set_up(&options, environment(), &surroundings)?;
    print!("{made}");
    let (host, port) = made.link_address.clone();
    let (pin, code) = (made.certificate.pin(), None);
    let link = InviteLink {
        host,
        port,
        pin,
        code,
    };
    println!("clients connect to {link}");
    let link = with_store(&arguments.data, &made.config, async |store| {
        // Whoever administrates makes further invites; the first one can only come from here.
        if store.has_admin().await? {
            return Ok(None);
        }
        invite::make(&arguments.data, &made.config, store, true, ADMIN_INVITE)
            .await
            .map(Some)
    })?;
    if let Some(link) = link {
        print_invite(&link);
    }
    Ok(())
}

fn print_invite(link: &InviteLink) {
    println!();
    println!("Invite for the administrator, for one use within 24 hours; keep it to yourself:");
    println!("  {link}");
    println!("In a terminal, with the link in quotes: kith-cli register NAME --invite 'LINK'");
    let paint = if std::io::stdout().is_terminal() {
        Paint::Ansi
    } else {
        Paint::Plain
    };
    if let Some(code) = qr(&link.to_string(), paint) {
        println!("{code}");
    }
}
