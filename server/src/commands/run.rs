use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::Context as _;
use kith_server::{listen, logging, run};
use tokio_util::sync::CancellationToken;

use super::{Data, invite};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// Address and port to listen on instead of the one in kith.toml
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let data = arguments.data.dir();
    let config = arguments.data.config(arguments.listen)?;
    let log = &config.log;
    let _written_at_the_end = logging::start(&data.logs(log), log.level.into(), log.files)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let address = config.listen;
        // The port first: a second server must not touch the data of the first one.
        let listener = listen::bind(address).with_context(|| {
            format!("can't listen on {address} (another server running? choose another with --listen)")
        })?;
        let address = listener.local_addr()?;
        let settings = config.clone();
        let ready = run::prepare(&data, config).await?;
        let pins = ready.identity().pins();
        let link = invite::link(&settings, address.port(), pins.first().copied());
        // Nobody may be left to read this, which is no reason not to serve.
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "Listening on {address}");
        for pin in pins {
            let _ = writeln!(out, "Fingerprint {pin}");
        }
        let _ = writeln!(out, "Clients connect to {link}");
        drop(out);
        let stop = CancellationToken::new();
        tokio::spawn(cancel_on_signal(stop.clone()));
        ready.run(listener, stop).await?;
        anyhow::Ok(())
    });
    // Nothing is left that matters; a stuck file system must not keep the process.
    runtime.shutdown_background();
    result
}

async fn cancel_on_signal(stop: CancellationToken) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            tracing::warn!(target: "server", "signals can't be caught; the server ends without saying goodbye");
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
    #[cfg(not(unix))]
    let _ = tokio::signal::ctrl_c().await;
    stop.cancel();
}
