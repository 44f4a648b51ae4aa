//! HTTP on the same port: the web app, the way from a request into a WebSocket, and a few facts for who isn't logged in.

mod about;
mod files;
mod prefixed;
mod upgrade;
mod web_app;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::get;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tower::ServiceExt as _;

use crate::limiter::Guest;
use crate::server::Server;
use crate::session::{self, Peer, Transport};
use crate::websocket::WebSocket;
use prefixed::Prefixed;

use web_app::is_held;
pub use web_app::{WebApp, WebAppError};

/// Time for a request's head to arrive.
const HEAD: Duration = Duration::from_secs(15);

/// What a client may send over HTTP/2 before it is taken in, for a request and for a connection. It is told of more once half of it is
/// used up, so a busy server or a long line allows so many uploads of half a window a second; and so much memory a connection may take.
const WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 2 * 1024 * 1024;

/// The longest head of a request, in bytes.
const HEAD_BYTES: usize = 16 * 1024;

/// What a page from here may do: load what is from here, and nothing that stands inside it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    font-src 'self'; img-src 'self' blob:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What no page from here has any use for.
const PERMISSIONS_POLICY: &str = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
    magnetometer=(), microphone=(), midi=(), payment=(), usb=()";

/// How long a browser is to come back by https only: half a year.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=15552000";

const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS_POLICY),
];

/// The connection that a request came on.
#[derive(Clone)]
struct Connection {
    peer: Peer,
    /// Where a request leaves word that the connection goes on as a WebSocket.
    upgrade: Arc<OnceLock<OnUpgrade>>,
}

/// What is answered to which request.
pub fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/about.json", get(about::about))
        .route("/ca.crt", get(about::authority))
        .route("/ws", get(upgrade::upgrade))
        .merge(files::routes())
        .fallback(get(web_app::file))
        .layer(middleware::map_response_with_state(server.clone(), secure))
        .with_state(server)
}

/// Serves HTTP on a connection until it ends, or as a WebSocket from when a request asks for it. `received` is what was
/// read from it already.
pub async fn serve<S: Transport + 'static>(
    server: Arc<Server>,
    router: Router,
    stream: S,
    received: Vec<u8>,
    peer: Peer,
    guest: Guest,
) {
    // A task of its own, over when it is done: an idle WebSocket needs less room.
    let stream = Prefixed::new(received.into(), stream);
    let requests = server
        .bulk
        .handle()
        .spawn(requests(server.clone(), router, stream, peer));
    if let Ok(Some(mut stream)) = requests.await {
        stream.move_here();
        let address = peer.address.to_string();
        tracing::info!(target: "connection", user = "-", address, protocol = "ws", "upgraded");
        session::serve(server, WebSocket::new(stream), peer, guest, &[]).await;
    }
}

/// Answers requests. Returns the connection where it goes on as a WebSocket.
async fn requests<S: Transport + 'static>(
    server: Arc<Server>,
    router: Router,
    mut stream: Prefixed<S>,
    peer: Peer,
) -> Option<Prefixed<S>> {
    stream.move_here();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEAD)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEAD_BYTES as u32);
    let connection = Connection {
        peer,
        upgrade: Arc::default(),
    };
    let upgrade = connection.upgrade.clone();
    let service = router.map_request(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(connection.clone());
        request
    });
    {
        let stream = TokioIo::new(stream);
        let connection = builder.serve_connection_with_upgrades(stream, TowerToHyperService::new(service));
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = server.shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(target: "connection", %error, "an HTTP connection ended");
        }
    }
    let upgraded = upgrade.get()?.clone().await.ok()?;
    let parts = auto::upgrade::downcast::<TokioIo<Prefixed<S>>>(upgraded).ok()?;
    let mut stream = parts.io.into_inner();
    stream.put_back(parts.read_buf);
    Some(stream)
}

/// Adds what every answer says to a browser.
async fn secure(State(server): State<Arc<Server>>, mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        // What is stricter stays.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    // A browser that had to be told to trust the certificate would ignore it (RFC 6797, section 8.1).
    if server.config.web.hsts && server.identity.pins().is_empty() {
        let value = HeaderValue::from_static(STRICT_TRANSPORT_SECURITY);
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}
