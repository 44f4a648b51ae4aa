use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tungstenite::handshake::server::create_response_with_body;

use super::Connection;
use crate::config::{Config, WebOrigin};
use crate::server::Server;
use crate::websocket::SUBPROTOCOL;

/// `GET /ws`: the connection goes on as a WebSocket that speaks the protocol (RFC 6455, section 4.2).
///
/// A page of any other site could open a WebSocket here from within somebody's browser, so the page's origin is looked at: only
/// the server's own and those that the operator allows may. Programs that are no browsers have the native protocol.
pub(super) async fn upgrade(
    State(server): State<Arc<Server>>,
    Extension(connection): Extension<Connection>,
    mut request: Request,
) -> Response {
    let Ok(mut response) = create_response_with_body(&request, Body::empty) else {
        let headers = [
            (header::CONNECTION, "Upgrade"),
            (header::UPGRADE, "websocket"),
            (HeaderName::from_static("sec-websocket-version"), "13"),
        ];
        let text = "This is for WebSockets (RFC 6455, version 13, over HTTP/1.1) that speak kith/1.\n";
        // HTTP/2 knows no such header (RFC 9113, section 8.2.2).
        return if request.version() < axum::http::Version::HTTP_2 {
            (StatusCode::UPGRADE_REQUIRED, headers, text).into_response()
        } else {
            (StatusCode::BAD_REQUEST, text).into_response()
        };
    };
    if !is_allowed(&server.config, &request) {
        tracing::warn!(
            target: "connection",
            user = "-",
            address = connection.peer.address.to_string(),
            origin = ?request.headers().get(header::ORIGIN),
            "refused: a WebSocket of a foreign page"
        );
        let text = "This server takes WebSockets only from its own pages, and from those of `origins` under [web] in \
            its kith.toml.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    if offers_ours(request.headers()) {
        let name = header::SEC_WEBSOCKET_PROTOCOL;
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(SUBPROTOCOL));
    }
    let _ = connection.upgrade.set(hyper::upgrade::on(&mut request));
    response
}

/// Whether a page of the request's origin may connect here.
fn is_allowed(config: &Config, request: &Request) -> bool {
    let Some(origin) = only(request.headers(), &header::ORIGIN).and_then(|text| text.parse().ok()) else {
        return false;
    };
    // An absolute URI says more than the header (RFC 9112, section 3.2.2).
    let authority = request.uri().authority().map(Authority::as_str);
    let host = authority.or_else(|| only(request.headers(), &header::HOST));
    let own = host.and_then(|host| format!("https://{host}").parse::<WebOrigin>().ok());
    own.is_some_and(|own| own == origin) || config.web.origins.contains(&origin)
}

/// The header's value, where there is just one of it.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok()
}

fn offers_ours(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut offered = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','));
    offered.any(|name| name.trim() == SUBPROTOCOL)
}
