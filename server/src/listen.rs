//! The one port: accepts connections, does TLS, and finds out what each wants to speak.
//!
//! ALPN says it (RFC 7301): `kith/1` is the native protocol, `h2` and `http/1.1` are HTTP. Where a client offers no ALPN,
//! its first byte does: a letter begins an HTTP request, anything else is the native protocol.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::task::TaskTracker;

use crate::http;
use crate::limiter::Guest;
use crate::platform;
use crate::server::Server;
use crate::session::{self, Peer, Transport};
use crate::wire::Wire;

/// Connections that the kernel holds for us while we are busy.
const BACKLOG: i32 = 4096;

/// How long data may stay unacknowledged before the kernel gives a connection up (RFC 5482).
pub const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// After so long without a byte the kernel asks whether the other end is still there, and how often.
const KEEPALIVE: Duration = Duration::from_secs(120);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// Pause after the system had no file descriptor or memory for a connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

const TLS_HANDSHAKE_RECORD: u8 = 0x16;

/// Opens the listening socket. An IPv6 address without restriction takes IPv4 connections too.
///
/// # Errors
/// The address isn't this machine's, or the port is taken.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    match listening_socket(address) {
        // A machine without IPv6 can still serve everything it has.
        Err(error) if address.ip().is_unspecified() && address.is_ipv6() && lacks_ipv6(&error) => {
            listening_socket(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port()))
        }
        result => result,
    }
}

fn lacks_ipv6(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::AddrNotAvailable
    ) || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

fn listening_socket(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // Restarting must not wait for old connections to be forgotten.
    socket.set_reuse_address(cfg!(unix))?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts connections until the server stops. Their tasks belong to `tasks`.
pub async fn accept(server: Arc<Server>, listener: TcpListener, tls: TlsAcceptor, tasks: TaskTracker) {
    let router = http::router(server.clone());
    let places = Arc::new(Semaphore::new(server.config.limits.connections));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = server.shutdown.cancelled() => return,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(target: "error", %error, "accepting a connection failed");
                tokio::time::sleep(EXHAUSTED_PAUSE).await;
                continue;
            }
        };
        let peer = Peer {
            address: address.ip().to_canonical(),
        };
        let (Ok(place), Some(guest)) = (
            places.clone().try_acquire_owned(),
            server.limiter.guest(peer.address),
        ) else {
            tracing::warn!(target: "connection", user = "-", address = peer.address.to_string(), "refused: too many connections");
            continue;
        };
        let (server, tls, router) = (server.clone(), tls.clone(), router.clone());
        tasks.spawn(async move {
            connection(server, router, stream, peer, tls, guest).await;
            drop(place);
        });
    }
}

async fn connection(
    server: Arc<Server>,
    router: Router,
    stream: TcpStream,
    peer: Peer,
    tls: TlsAcceptor,
    guest: Guest,
) {
    tune(&stream);
    // Boxed, and dropped when it is done: a handshake needs far more room than an idle session.
    let handshake = Box::pin(timeout(server.config.limits.handshake, handshake(stream, tls)));
    let stream = tokio::select! {
        stream = handshake => stream,
        () = server.shutdown.cancelled() => return,
    };
    let reason = match stream {
        Ok(Ok(stream)) => return speak(server, router, stream, peer, guest).await,
        Ok(Err(Refusal::Silent)) => return,
        Ok(Err(Refusal::Plaintext)) => "refused: no TLS".to_owned(),
        Ok(Err(Refusal::Tls(error))) => format!("TLS handshake failed: {error}"),
        Err(_) => "TLS handshake took too long".to_owned(),
    };
    tracing::warn!(target: "connection", user = "-", address = peer.address.to_string(), "{reason}");
}

enum Refusal {
    /// The other end went away without a word.
    Silent,
    Plaintext,
    Tls(io::Error),
}

/// A connection after its handshake. Boxed, because each function that it is handed to would keep room for all of it as
/// long as the connection lives.
type Secured = Box<TlsStream<Wire>>;

async fn handshake(mut stream: TcpStream, tls: TlsAcceptor) -> Result<Secured, Refusal> {
    let mut first = [0];
    match stream.peek(&mut first).await {
        Ok(1) => {}
        _ => return Err(Refusal::Silent),
    }
    if first == [TLS_HANDSHAKE_RECORD] {
        return tls
            .accept(Wire::new(stream))
            .await
            .map(Box::new)
            .map_err(Refusal::Tls);
    }
    // Somebody who speaks to us without TLS deserves to know why it doesn't work.
    let answer: &[u8] = if first == [b'{'] {
        b"{\"status\":\"error\",\"error\":{\"code\":\"malformed\",\"message\":\"this port speaks TLS only\"}}\n"
    } else if first.is_ascii() && first.iter().all(u8::is_ascii_alphabetic) {
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n\
          This port speaks TLS only: use https://\n"
    } else {
        b""
    };
    let _ = stream.write_all(answer).await;
    let _ = stream.shutdown().await;
    // To close with bytes unread resets the connection, which may take the answer away (RFC 1122, section 4.2.2.13).
    let mut rest = [0; 1024];
    while matches!(stream.read(&mut rest).await, Ok(1..)) {}
    Err(Refusal::Plaintext)
}

/// Finds out what the connection speaks, and serves it.
async fn speak(server: Arc<Server>, router: Router, mut stream: Secured, peer: Peer, guest: Guest) {
    let alpn = stream
        .get_ref()
        .1
        .alpn_protocol()
        .map(|name| String::from_utf8_lossy(name).into_owned());
    let protocol = alpn.as_deref().unwrap_or("-");
    tracing::info!(target: "connection", user = "-", address = peer.address.to_string(), protocol, "connected");
    let mut received = Vec::new();
    let is_http = match alpn.as_deref() {
        Some(kith_common::PROTOCOL) => false,
        Some(_) => true,
        None => {
            let first = Box::pin(timeout(
                server.config.limits.login,
                stream.read_buf(&mut received),
            ));
            let read = tokio::select! {
                read = first => read,
                () = server.shutdown.cancelled() => return,
            };
            if !matches!(read, Ok(Ok(1..))) {
                tracing::info!(target: "connection", user = "-", address = peer.address.to_string(), "disconnected");
                return;
            }
            received.first().is_some_and(u8::is_ascii_alphabetic)
        }
    };
    if is_http {
        Box::pin(http::serve(server, router, stream, received, peer, guest)).await;
    } else {
        // An idle session keeps nothing of it.
        drop(router);
        session::serve(server, stream, peer, guest, &received).await;
    }
}

impl Transport for Secured {
    fn unacknowledged(&self) -> Option<usize> {
        platform::unacknowledged(self.get_ref().0)
    }

    fn move_here(&mut self) {
        self.get_mut().0.move_here();
    }
}

/// Small messages at once, and no memory for those who have vanished. A socket that can't is served all the same.
fn tune(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(KEEPALIVE)
            .with_interval(KEEPALIVE_INTERVAL),
    );
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_user_timeout(Some(USER_TIMEOUT));
}
