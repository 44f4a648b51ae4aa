use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use kith_common::Pin;
use serde::Serialize;

use crate::server::Server;

/// What a page has to know before anybody logs in.
#[derive(Serialize)]
struct About {
    /// Name and version of the program.
    server: &'static str,
    /// What the operator calls it: the host that links carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    /// Who may register: `open`, `invite` or `closed`.
    registration: &'static str,
    /// Who vouches for the certificate.
    certificate: Issuer,
    /// What the operator's terminal shows, where browsers don't know who vouches.
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Issuer {
    /// A CA that browsers know.
    Public,
    /// The server's own CA, or another one that has to be installed.
    Own,
}

/// `GET /about.json`
pub(super) async fn about(State(server): State<Arc<Server>>) -> Response {
    let pin = server.identity.pins().first().map(Pin::to_string);
    let about = About {
        server: crate::PROGRAM,
        host: server.config.host.as_ref().map(ToString::to_string),
        registration: server.config.registration.as_str(),
        certificate: if pin.is_none() {
            Issuer::Public
        } else {
            Issuer::Own
        },
        fingerprint: pin,
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    match serde_json::to_string(&about) {
        Ok(text) => (headers, text + "\n").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// `GET /ca.crt`: the certificate of the CA that is to be installed for a browser to trust this server, where there is one.
pub(super) async fn authority(State(server): State<Arc<Server>>) -> Response {
    let Some(certificate) = server.identity.authority() else {
        let text = "Browsers know who vouches for this server's certificate: there is nothing to install.\n";
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, "application/x-x509-ca-cert"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, certificate).into_response()
}
