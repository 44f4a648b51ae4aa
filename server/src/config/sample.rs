use std::path::PathBuf;

use toml::Value;

use super::{LinkHost, Registration};

/// What `setup` was told and `kith.toml` is to remember.
#[derive(Clone, Debug, Default)]
pub struct SetupChoices {
    /// The host of invite links.
    pub host: Option<LinkHost>,
    /// Who may make an account.
    pub registration: Registration,
    /// Where the certificates lie, if not in `certs`.
    pub certs: Option<PathBuf>,
}

/// The text of a new `kith.toml`: every key with what it means and its default.
///
/// What was chosen is set; everything else stands there commented out, so that a later version's better default
/// reaches those who never cared.
pub fn sample(choices: &SetupChoices) -> String {
    let mut text = TEMPLATE.to_owned();
    let mut set = |line: &str, key: &str, value: String| {
        let chosen = format!("{key} = {}", Value::String(value));
        text = text.replacen(line, &chosen, 1);
    };
    if let Some(host) = &choices.host {
        set(HOST, "host", host.to_string());
    }
    if choices.registration != Registration::default() {
        set(REGISTRATION, "registration", choices.registration.to_string());
    }
    if let Some(certs) = &choices.certs {
        set(CERTS, "directory", certs.to_string_lossy().into_owned());
    }
    text
}

const HOST: &str = "#host = \"chat.example.org\"";
const REGISTRATION: &str = "#registration = \"invite\"";
const CERTS: &str = "#directory = \"certs\"";

/// A description begins with `# `; a key at its default begins with `#` and no space.
const TEMPLATE: &str = r##"# The configuration of this Kith server.
#
# A line like `#key = value` shows a default: take the # away to change it. The server reads this file when it starts.
# Every key can also come from the environment, which wins over this file: KITH_LISTEN, KITH_LIMITS__IN_FLIGHT, ….
# Paths are relative to the directory of this file. Sizes are in bytes. `kith-server check` tells what is wrong.

# Address and port to listen on. [::] means every address of this machine, IPv4 as well.
#listen = "[::]:7443"

# The name or address that invite links carry, with :port if people reach another port than the one above.
# Default: the name of this machine.
#host = "chat.example.org"

# Who may make an account: "open" (everyone), "invite" (who has an invite) or "closed" (nobody).
#registration = "invite"

# Where accounts and messages are kept: "sqlite" (the file kith.db) or "postgres://user:password@host/name".
#database = "sqlite"

[tls]
# Where setup put its CA and certificate. The server renews that certificate by itself.
#directory = "certs"
# Your own certificate instead: the chain (PEM, the server's certificate first) …
#certificate = "/etc/letsencrypt/live/chat.example.org/fullchain.pem"
# … and its private key (PEM). Changed files are picked up without a restart.
#key = "/etc/letsencrypt/live/chat.example.org/privkey.pem"
# Accept TLS 1.2 too, for programs that know no TLS 1.3.
#tls12 = false

[log]
# Directory of server.log and the days before it.
#directory = "logs"
# The least important kind of line that is written: "error", "warn", "info", "debug" or "trace".
#level = "info"
# How many daily files are kept.
#files = 14
# Write a line for every message that is passed on: who to whom, never what.
#routing = true

[passwords]
# Work factor of bcrypt, 10 to 15; each step doubles the time of a login.
#bcrypt_cost = 12
# Threads that check passwords; 0 means half of the cores.
#threads = 0
# Logins that may wait for such a thread.
#queue = 256

[web]
# The folder of the web app's files, which `cargo xtask web` makes, instead of the app that is built into the server.
#directory = "web"
# Origins of other pages that may connect to /ws, like "https://chat.example.org". The server's own pages always may.
#origins = []
# Tell browsers to come back by https only (HSTS), where your certificate is a public one. It holds for this name on all ports.
#hsts = true

[limits]
# Connections at a time, in all.
#connections = 20000
# Connections from one address that have not logged in yet.
#connections_before_login_per_address = 1000
# Connections of one account that are logged in at a time.
#sessions_per_account = 256
# Seconds for a TLS handshake.
#handshake_seconds = 10
# Seconds that a connection may stay without a login.
#login_seconds = 600
# Seconds for a request that has begun to be complete; after a login larger ones may take longer at 16 KiB/s or more.
#frame_seconds = 30
# What may wait to be sent to one device before it has to catch up by itself.
#queue_bytes = 1048576
# Requests of one device that may be under way at a time.
#in_flight = 256
# Memory for large requests (files inside a message) of all devices together.
#large_frame_bytes = 134217728

# How often something may happen: `burst` times at once, then so many per minute.
# Failed logins from one address. Many people may share one, so this is generous.
#login_failures_per_address = { burst = 200, per_minute = 60 }
# Failed logins to one account from one address.
#login_failures_per_account_and_address = { burst = 10, per_minute = 2 }
# Failed logins to one account from addresses it never logged in from; its owner is not locked out by strangers.
#login_failures_per_account = { burst = 60, per_minute = 2 }
# New accounts from one address.
#registrations_per_address = { burst = 200, per_minute = 20 }
# Messages, files, edits, deletions, reactions and new profiles from one device.
#messages_per_session = { burst = 20000, per_minute = 120000 }
# What one device says of somebody typing or being there.
#signals_per_session = { burst = 60, per_minute = 120 }

[files]
# The largest file that can be uploaded.
#largest_bytes = 10737418240
# What the files of one account may take together: all that it has sent and not deleted, and its uploads.
#account_bytes = 21474836480
# The same for all accounts together; 0 means as much as the disk takes.
#server_bytes = 0
# What has to stay free on the disk, so that messages still can be stored when files have filled the rest.
#free_bytes = 536870912
# Uploads of one account that are under way, or complete and not sent yet.
#uploads_per_account = 64
# After so many hours without a byte an upload is given up.
#upload_hours = 168
# Transfers of one account that run at a time, up and down, and of all accounts together.
#transfers_per_account = 32
#transfers = 512
# New uploads of one account.
#opened_per_account = { burst = 200, per_minute = 60 }
"##;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, TlsSettings, WebSettings};

    /// The sample with every commented key taken in, the optional ones too.
    fn uncommented() -> String {
        let is_key = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line.contains(" = ");
        sample(&SetupChoices::default())
            .lines()
            .map(|line| {
                if is_key(line) {
                    line.trim_start_matches('#')
                } else {
                    line
                }
            })
            .fold(String::new(), |text, line| text + line + "\n")
    }

    #[test]
    fn the_sample_and_all_that_it_shows_are_the_defaults() {
        assert_eq!(
            toml::from_str(&sample(&SetupChoices::default())),
            Ok(Config::default())
        );
        let mut shown: Config = toml::from_str(&uncommented()).unwrap();
        // These four have no default: the sample shows an example.
        assert!(shown.host.take().is_some());
        assert!(shown.tls.certificate.take().is_some());
        assert!(shown.tls.key.take().is_some());
        assert!(shown.web.directory.take().is_some());
        assert_eq!(shown, Config::default());
    }

    #[test]
    fn the_sample_has_every_key() {
        let shown: toml::Table = toml::from_str(&uncommented()).unwrap();
        let full = Config {
            host: "chat.example".parse().ok(),
            tls: TlsSettings {
                certificate: Some(PathBuf::new()),
                key: Some(PathBuf::new()),
                ..TlsSettings::default()
            },
            web: WebSettings {
                directory: Some(PathBuf::new()),
                ..WebSettings::default()
            },
            ..Config::default()
        };
        let full = toml::Table::try_from(&full).unwrap();
        assert_eq!(keys(&shown), keys(&full));
    }

    fn keys(table: &toml::Table) -> Vec<String> {
        table
            .iter()
            .flat_map(|(key, value)| match value {
                Value::Table(inner) => keys(inner).iter().map(|inner| format!("{key}.{inner}")).collect(),
                _ => vec![key.clone()],
            })
            .collect()
    }

    #[test]
    fn what_was_chosen_is_set() {
        let config: Config = toml::from_str(&sample(&SetupChoices {
            host: "chat.example:443".parse().ok(),
            registration: Registration::Open,
            certs: Some(PathBuf::from("../a \"b\"\\c")),
        }))
        .unwrap();
        assert_eq!(
            config.host.map(|host| host.to_string()).as_deref(),
            Some("chat.example:443")
        );
        assert_eq!(config.registration, Registration::Open);
        assert_eq!(config.tls.directory, PathBuf::from("../a \"b\"\\c"));
    }
}
