//! A server from its parts: started, run until it is told to stop, and stopped without losing anything.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::blobs::{Blobs, Found};
use crate::bulk::Bulk;
use crate::certs::{CertsError, Machine};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, DataDir};
use crate::http::{WebApp, WebAppError};
use crate::hub::Hub;
use crate::limiter::Limiter;
use crate::listen;
use crate::passwords::{HashError, Passwords};
use crate::presence;
use crate::random::{Random, SystemRandomness};
use crate::secrets::{PepperError, Peppers};
use crate::server::{Server, cores};
use crate::store::{AccountState, OpenError, Store, WriterTask};
use crate::tickets::Tickets;
use crate::tls::{self, Identity, Reloader, Source, Surroundings};
use crate::transfers::Transfers;
use crate::uploads::{self, Uploads};

/// How often the certificate's files are looked at.
const CERTIFICATE_EVERY: Duration = Duration::from_secs(10);

/// How often the database is asked what an administrator's command has changed.
const ACCOUNTS_EVERY: Duration = Duration::from_secs(1);

/// How far back it is asked, in milliseconds: longer than a transaction may wait for the lock.
const ACCOUNTS_WINDOW: i64 = 30_000;

/// How often uploads are looked for that are to be given up.
const UPLOADS_EVERY: Duration = Duration::from_secs(60);

/// Time for connections to take their leave, and for what is queued to be written.
const LEAVE: Duration = Duration::from_secs(3);
const WRITE: Duration = Duration::from_millis(1500);

/// Why a server did not start. Each is one sentence.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Certificate or key.
    #[error(transparent)]
    Certificate(#[from] CertsError),
    /// TLS itself.
    #[error("TLS can't start: {0}")]
    Tls(#[from] rustls::Error),
    /// The pepper.
    #[error(transparent)]
    Pepper(#[from] PepperError),
    /// Hashing.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database.
    #[error(transparent)]
    Database(#[from] OpenError),
    /// The web app.
    #[error(transparent)]
    WebApp(#[from] WebAppError),
    /// Threads.
    #[error("can't start threads: {0}")]
    Threads(io::Error),
    /// The folder of files.
    #[error("can't use the folder of files: {0}")]
    Blobs(#[from] io::Error),
}

/// A server that is ready to accept connections.
pub struct Ready {
    server: Arc<Server>,
    writer: WriterTask,
    certificate: Reloader,
}

/// Puts a server together.
///
/// # Errors
/// Something that it needs can't be used.
pub async fn prepare(data: &DataDir, config: Config) -> Result<Ready, StartError> {
    prepare_at(data, config, Arc::new(SystemClock)).await
}

/// The same with another clock for all but certificates.
///
/// # Errors
/// As [`prepare`].
pub async fn prepare_at(data: &DataDir, config: Config, clock: Arc<dyn Clock>) -> Result<Ready, StartError> {
    let random: Arc<dyn Random> = Arc::new(SystemRandomness::new());
    let surroundings = Surroundings {
        now: Timestamp::now,
        machine: Machine::detect,
        random: random.clone(),
    };
    let web_app = WebApp::open(data.web_app(&config.web).as_deref())?;
    let (identity, certificate) = Reloader::open(Source::of(&config, data), surroundings)?;
    let peppers = Peppers::load(&data.pepper())?;
    let tickets = Tickets::new(peppers.newest().1);
    let threads = config.passwords.threads_on(cores()).get();
    let (cost, queue) = (config.passwords.bcrypt_cost, config.passwords.queue);
    let passwords = Passwords::new(peppers, cost, threads, queue, random.clone())?;
    let hub = Arc::new(Hub::new(config.limits.sessions_per_account, config.log.routing));
    let url = String::from(config.database.clone());
    let (store, writer) = Store::open(&url, data.path(), clock.clone(), random.clone(), hub.clone()).await?;
    let server = Arc::new(Server {
        limiter: Limiter::new(&config.limits, &config.files, &clock),
        blobs: Blobs::open(data.blobs(), random.clone(), config.files.free_bytes)?,
        uploads: Uploads::new(),
        transfers: Transfers::new(&config.files),
        bulk: Bulk::start().map_err(StartError::Threads)?,
        tickets,
        large_frames: Arc::new(Semaphore::new(config.limits.large_frame_bytes / 1024)),
        identity,
        web_app,
        shutdown: CancellationToken::new(),
        origins: AtomicU64::new(1),
        config,
        store,
        hub,
        passwords,
        clock,
        random,
    });
    sweep_blobs(&server).await;
    Ok(Ready {
        server,
        writer,
        certificate,
    })
}

impl Ready {
    /// The certificate that is shown.
    pub fn identity(&self) -> &Identity {
        &self.server.identity
    }

    /// Serves until `stop` is cancelled; then tells the clients, finishes what is under way and returns within 5 s.
    ///
    /// # Errors
    /// TLS can't start.
    pub async fn run(self, listener: TcpListener, stop: CancellationToken) -> Result<(), StartError> {
        let Self {
            server,
            writer,
            certificate,
        } = self;
        let identity = server.identity.clone();
        let tls = TlsAcceptor::from(tls::server_config(identity, server.config.tls.tls12)?);
        let tasks = TaskTracker::new();
        let shutdown = server.shutdown.clone();
        tasks.spawn(certificate.keep_fresh(CERTIFICATE_EVERY, shutdown.clone()));
        tasks.spawn(watch_accounts(server.clone()));
        tasks.spawn(expire_uploads(server.clone()));
        tasks.spawn(presence::announce(server.clone()));
        tracing::info!(target: "server", version = env!("CARGO_PKG_VERSION"), "started");
        tokio::select! {
            () = listen::accept(server.clone(), listener, tls, tasks.clone()) => {}
            () = stop.cancelled() => {}
        }
        shutdown.cancel();
        tasks.close();
        let receiving = server.uploads.tasks.clone();
        receiving.close();
        let left = || tasks.len() + receiving.len();
        let ended = async {
            tasks.wait().await;
            receiving.wait().await;
        };
        if timeout(LEAVE, ended).await.is_err() {
            tracing::warn!(target: "server", left = left(), "some connections did not end in time");
        }
        // With the last handle the writer's queue closes; it writes what waits and ends.
        drop(server);
        if timeout(WRITE, writer.finished()).await.is_err() {
            tracing::warn!(target: "server", "the database was not closed in time; nothing acknowledged is lost");
        }
        tracing::info!(target: "server", "stopped");
        Ok(())
    }
}

/// Ends the sessions of accounts that another process (`kith-server user …`) has switched off or given a new password.
async fn watch_accounts(server: Arc<Server>) {
    let mut handled: HashSet<(i64, i64)> = HashSet::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(ACCOUNTS_EVERY) => {}
            () = server.shutdown.cancelled() => return,
        }
        let since = server.clock.now() - ACCOUNTS_WINDOW;
        let changed = match server.store.accounts_changed_since(since).await {
            Ok(changed) => changed,
            Err(error) => {
                tracing::error!(target: "error", %error, "asking for changed accounts failed");
                continue;
            }
        };
        handled.retain(|(_, at)| *at >= since);
        for (account, at) in changed {
            if !handled.insert((account.id.0, at)) || !server.hub.is_connected(account.id) {
                continue;
            }
            match server.store.revoked(account.id).await {
                Ok(revoked) => {
                    let is_off = account.state != AccountState::Active;
                    server
                        .hub
                        .end_sessions(account.id, |device, _| is_off || revoked.contains(&device));
                }
                Err(error) => tracing::error!(target: "error", %error, "asking for ended sessions failed"),
            }
        }
    }
}

/// Gives up uploads that nobody has gone on with for long.
async fn expire_uploads(server: Arc<Server>) {
    loop {
        uploads::expire(&server).await;
        tokio::select! {
            () = tokio::time::sleep(UPLOADS_EVERY) => {}
            () = server.shutdown.cancelled() => return,
        }
    }
}

/// Deletes files that a crash has left between their writing and the event that announces them, and makes the files of unfinished
/// uploads what the database says that they are.
async fn sweep_blobs(server: &Server) {
    let swept = async {
        let (store, blobs) = (&server.store, &server.blobs);
        let unfinished = store.unfinished_uploads().await.map_err(io::Error::other)?;
        let unfinished: HashSet<String> = unfinished.into_iter().collect();
        for chunk in blobs.list()?.chunks(500) {
            let ids: Vec<String> = chunk.iter().map(|found| found.id().to_owned()).collect();
            let known = store.known_blobs(&ids).await.map_err(io::Error::other)?;
            for found in chunk {
                let id = found.id();
                match found {
                    _ if !known.iter().any(|known| known == id) => {
                        blobs.delete(id).await?;
                        tracing::info!(target: "transfer", user = "-", file = id, "deleted a file that was never announced");
                    }
                    Found::Whole(_) if unfinished.contains(id) => blobs.take_back(id).await?,
                    Found::Part(_) if !unfinished.contains(id) => blobs.delete_part(id).await?,
                    Found::Whole(_) | Found::Part(_) => {}
                }
            }
        }
        io::Result::Ok(())
    };
    if let Err(error) = swept.await {
        tracing::warn!(target: "error", %error, "looking for left-over files failed");
    }
}
