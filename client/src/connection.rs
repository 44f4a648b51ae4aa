//! A connection to a server, verified and greeted, before anybody's login.

#[cfg(not(target_arch = "wasm32"))]
mod dial;
mod driver;
mod pushes;
#[cfg(not(target_arch = "wasm32"))]
mod tls;
#[cfg(target_arch = "wasm32")]
mod web_socket;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kith_common::{HelloReply, HelloRequest, PROTOCOL, Pin, Request};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};

use crate::runtime::{Held, task};
use crate::{Error, ServerAddress, Trust, limits};

use driver::{Job, Outgoing, Shared};
pub(crate) use pushes::PushQueue;
pub use pushes::{Push, Pushes};
#[cfg(not(target_arch = "wasm32"))]
use tls::connect;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use tls::connect_for;
#[cfg(target_arch = "wasm32")]
use web_socket::connect;

/// A handle on a connection. Clones share it; requests from all of them may be under way at once.
///
/// The connection ends with [`Connection::close`] or when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Connection {
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
    last_id: Arc<AtomicU64>,
    hello: Arc<HelloReply>,
    chain: Arc<[Pin]>,
}

impl Connection {
    /// Connects to a server, verifies it and says `hello`. `program` is this program's name and version, for the
    /// server's log.
    ///
    /// # Errors
    /// The server can't be reached, isn't trusted or doesn't speak kith/1.
    pub async fn open(server: &ServerAddress, trust: &Trust, program: &str) -> Result<(Self, Pushes), Error> {
        let pushes = PushQueue::default();
        let connection = Self::open_into(server, trust, program, pushes.clone()).await?;
        Ok((connection, Pushes(pushes)))
    }

    /// As [`Connection::open`], with the pushes going where those of an earlier connection went.
    pub(crate) async fn open_into(
        server: &ServerAddress,
        trust: &Trust,
        program: &str,
        pushes: PushQueue,
    ) -> Result<Self, Error> {
        let (stream, chain) = connect(server, trust).await?;
        Self::greet(stream, chain.into(), program, pushes).await
    }

    async fn greet<S>(stream: S, chain: Arc<[Pin]>, program: &str, pushes: PushQueue) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Held + 'static,
    {
        let (jobs, queue) = mpsc::channel(limits::REQUEST_QUEUE);
        let shared = Arc::new(Shared::default());
        // The task's owners are the handles: it ends with the last of them.
        task::spawn(driver::drive(
            stream,
            queue,
            jobs.downgrade(),
            Arc::clone(&shared),
            pushes,
        ));
        let mut connection = Self {
            jobs,
            shared,
            last_id: Arc::new(AtomicU64::new(0)),
            hello: Arc::new(unannounced()),
            chain,
        };
        let hello = Request::Hello(HelloRequest {
            version: Some(PROTOCOL.to_owned()),
            client: Some(program.to_owned()),
        });
        let hello: HelloReply = connection.call(&hello).await?;
        if hello.version != PROTOCOL {
            return Err(Error::Protocol(format!("it speaks {:?}", hello.version)));
        }
        connection.hello = Arc::new(hello);
        Ok(connection)
    }

    /// What the server said of itself in reply to `hello`.
    pub fn hello(&self) -> &HelloReply {
        &self.hello
    }

    /// The pins of the certificates that the server presented and that were verified, its own first. None in a browser,
    /// which doesn't show them.
    pub fn chain(&self) -> &[Pin] {
        &self.chain
    }

    /// Whether requests can still be sent.
    pub fn is_open(&self) -> bool {
        self.shared.end.get().is_none()
    }

    /// Sends a request and waits for its reply. Dropping the future doesn't call the request back.
    ///
    /// # Errors
    /// The server refuses, the connection ends or the reply isn't what this request's reply should be.
    pub async fn call<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        let reply = self.request(request).await?;
        serde_json::from_str(reply.get()).map_err(|error| Error::Protocol(error.to_string()))
    }

    /// Sends a request and waits for its reply, as JSON.
    ///
    /// # Errors
    /// The server refuses or the connection ends.
    pub async fn request(&self, request: &Request) -> Result<Box<RawValue>, Error> {
        // Boxed, so that it is there once and not in every caller: a browser has to fetch it.
        let asked: core::pin::Pin<Box<dyn Future<Output = _> + Send + '_>> = Box::pin(self.ask(request));
        asked.await
    }

    async fn ask(&self, request: &Request) -> Result<Box<RawValue>, Error> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let line = encode(id, request)?;
        let (size, limit) = (line.len(), self.hello.limits.frame);
        if size > limit {
            return Err(Error::TooLarge { size, limit });
        }
        let (reply, answer) = oneshot::channel();
        let reply = Some(reply);
        let job = Job::Request(Outgoing { id, line, reply });
        self.jobs.send(job).await.map_err(|_| self.end())?;
        answer.await.map_err(|_| self.end())?
    }

    /// Ends the connection for all its handles, and waits until the server was told.
    pub async fn close(&self) {
        if self.jobs.send(Job::Close).await.is_ok() {
            self.jobs.closed().await;
        }
    }

    fn end(&self) -> Error {
        self.shared.end.get().cloned().unwrap_or(Error::Closed)
    }
}

/// A request as a line, with its id.
fn encode(id: u64, request: &Request) -> Result<Vec<u8>, Error> {
    let mut line = format!("{{\"id\":{id}").into_bytes();
    let start = line.len();
    serde_json::to_writer(&mut line, request).map_err(|error| Error::Local(error.to_string()))?;
    // A request serialises as an object with at least its `action`: its brace becomes the comma after the id.
    if let Some(brace) = line.get_mut(start) {
        *brace = b',';
    }
    line.push(b'\n');
    Ok(line)
}

/// What is assumed of a server until it has answered `hello`.
fn unannounced() -> HelloReply {
    HelloReply {
        version: PROTOCOL.to_owned(),
        server: String::new(),
        registration: String::new(),
        capabilities: Vec::new(),
        limits: kith_common::Limits::default(),
        pins: Vec::new(),
    }
}
