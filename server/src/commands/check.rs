use std::net::SocketAddr;

use anyhow::bail;
use jiff::Timestamp;
use kith_server::check::{Finding, Verdict, check};
use kith_server::config::{Config, Flags};

use super::{Data, environment, with_store};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// Address and port that the server will listen on, if not the one in kith.toml
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let flags = Flags {
        listen: arguments.listen,
    };
    let database = |config: &Config| vec![check_database(&arguments.data, config)];
    let findings = check(
        &arguments.data.dir(),
        environment(),
        &flags,
        Timestamp::now(),
        database,
    );
    for finding in &findings {
        println!("{finding}");
    }
    let failed = findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Fail)
        .count();
    if failed > 0 {
        bail!("{failed} of {} things are not in order", findings.len());
    }
    Ok(())
}

fn check_database(data: &Data, config: &Config) -> Finding {
    let accounts = with_store(data, config, async |store| Ok(store.accounts().await?.len()));
    match accounts {
        Ok(count) => Finding::ok(format!("database: opens, {count} accounts")),
        Err(error) => Finding::fail(
            format!("database: {error:#}"),
            "put it back from a backup, or see server.log",
        ),
    }
}
