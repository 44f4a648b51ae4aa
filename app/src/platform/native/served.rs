//! Addresses under which the webview finds files: those of a small HTTP server of the program's own, which only this machine reaches.
//!
//! WebKitGTK gives films and sound to GStreamer, which fetches them over HTTP and knows no scheme that a program makes up. So there is a
//! port on 127.0.0.1. Every program of this machine can connect to it, and finds nothing there without the address: it is as hard to
//! guess as a key. It is given to the webview alone, and good until it is let go or its account is logged out.

mod answer;
mod content;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use kith_client::{Engine, EngineError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

use super::{RUNTIME, beside};
pub(super) use content::Content;
use content::{Entry, Recent};

/// Most connections of the webview at once. Others wait.
const CONNECTIONS: usize = 64;

/// How long a connection may take to say what it wants, and be kept without wanting anything.
const SILENCE: Duration = Duration::from_secs(30);

/// Largest head of a request, in bytes.
const HEAD: usize = 16 * 1024;

/// Random bytes in an address.
const SECRET: usize = 32;

/// What there is.
struct Served {
    /// By the secret part of its address.
    entries: Mutex<HashMap<String, Arc<Entry>>>,
    /// Small files that were fetched, by the same.
    recent: Mutex<Recent>,
}

static SERVED: LazyLock<Served> = LazyLock::new(Served::new);

/// The port, once somebody listens there.
static PORT: OnceCell<u16> = OnceCell::const_new();

/// An address for a file of this device, or for bytes, until it is [let go](let_go).
///
/// # Errors
/// Nothing can be served; the file can't be read.
pub(super) async fn offer(content: Content, media: &str) -> Result<String, EngineError> {
    let media = media.to_owned();
    beside(async move {
        let entry = Entry::new(content, media).await?;
        SERVED.add(entry).await
    })
    .await
}

/// An address for a file that was received, of any size: its bytes are fetched from the server as they are wanted.
///
/// # Errors
/// Nothing can be served; the server doesn't give the file.
pub(super) async fn sent(engine: &Engine, file: &str) -> Result<String, EngineError> {
    let (engine, file) = (engine.clone(), file.to_owned());
    beside(async move {
        // The address that it had was no good.
        SERVED.forget(|entry| entry.is_of(&engine, Some(&file)));
        let (entry, bytes) = Entry::sent(&engine, file).await?;
        let address = SERVED.add(entry).await?;
        if let Some(bytes) = bytes {
            SERVED.remember(secret_of(&address), bytes);
        }
        Ok(address)
    })
    .await
}

/// An address isn't good any more.
pub(super) fn let_go(address: &str) {
    SERVED.remove(secret_of(address));
}

/// No file of an account is found any more.
pub(super) fn forget(engine: &Engine) {
    SERVED.forget(|entry| entry.is_of(engine, None));
}

impl Served {
    fn new() -> Self {
        Self {
            entries: Mutex::default(),
            recent: Mutex::new(Recent::new()),
        }
    }

    async fn add(&'static self, entry: Entry) -> Result<String, EngineError> {
        self.forget(Entry::is_over);
        let port = PORT.get_or_try_init(|| self.listen()).await?;
        let mut secret = [0; SECRET];
        getrandom::fill(&mut secret).map_err(|error| EngineError::File(error.to_string()))?;
        let secret = URL_SAFE_NO_PAD.encode(secret);
        let address = format!("http://127.0.0.1:{port}/{secret}");
        lock(&self.entries).insert(secret, Arc::new(entry));
        Ok(address)
    }

    /// Begins to listen. It goes on until the program ends.
    async fn listen(&'static self) -> Result<u16, EngineError> {
        let unserved = |error: std::io::Error| EngineError::File(error.to_string());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .map_err(unserved)?;
        let port = listener.local_addr().map_err(unserved)?.port();
        RUNTIME.spawn(async move {
            let room = Arc::new(Semaphore::new(CONNECTIONS));
            // The room is never closed.
            while let Ok(place) = Arc::clone(&room).acquire_owned().await {
                match listener.accept().await {
                    Ok((stream, _)) => drop(RUNTIME.spawn(self.serve(stream, place))),
                    // There are too many files open, say. It goes by.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        });
        Ok(port)
    }

    async fn serve(&'static self, stream: TcpStream, _place: OwnedSemaphorePermit) {
        let service = service_fn(|request| async move { Ok::<_, Infallible>(self.answer(&request).await) });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(SILENCE)
            .max_buf_size(HEAD);
        // Whoever asks hears of it.
        let _ = http.serve_connection(TokioIo::new(stream), service).await;
    }

    fn find(&self, secret: &str) -> Option<Arc<Entry>> {
        lock(&self.entries).get(secret).cloned()
    }

    fn remember(&self, secret: &str, bytes: bytes::Bytes) {
        let entries = lock(&self.entries);
        // It may have been let go while it was fetched.
        if entries.contains_key(secret) {
            lock(&self.recent).insert(secret.to_owned(), bytes);
        }
    }

    fn remove(&self, secret: &str) {
        let mut entries = lock(&self.entries);
        entries.remove(secret);
        lock(&self.recent).remove(secret);
    }

    fn forget(&self, is_gone: impl Fn(&Entry) -> bool) {
        let mut entries = lock(&self.entries);
        let gone: Vec<String> = entries
            .iter()
            .filter(|(_, entry)| is_gone(entry))
            .map(|(secret, _)| secret.clone())
            .collect();
        for secret in gone {
            entries.remove(&secret);
            lock(&self.recent).remove(&secret);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What of an address is secret. Nothing is found by what isn't an address of this program.
fn secret_of(address: &str) -> &str {
    address.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
