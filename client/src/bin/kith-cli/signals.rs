//! The signals that end a command that would otherwise go on for ever.

use crate::failure::{Exit, Failure};

/// Waits for the signal to stop.
pub(crate) async fn stopped() -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::new(Exit::Local, format!("can't wait for signals: {error}"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};

        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.map_err(failed),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(failed)
}
