//! `/files`: the bytes of files, up by tus 1.0 and down by `GET`, each request with a ticket from the protocol.

mod answers;
mod download;
mod ranges;
mod tus;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::routing::{head, options};
use futures_util::StreamExt as _;
use kith_common::{DeviceId, ErrorCode, WireError};

use crate::server::Server;
use crate::store::{Account, StoreError};
use crate::tickets::Purpose;
use crate::transfers::{TooManyTransfers, Transfer};
use answers::Refusal;

/// What a client that was refused still sends is thrown away up to here, so that it can read why: a connection that is closed with
/// bytes unread is reset, which may take the answer away (RFC 1122, section 4.2.2.13).
const LINGER_BYTES: usize = 8 * 1024 * 1024;
const LINGER: std::time::Duration = std::time::Duration::from_secs(5);

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/files", options(tus::options).post(tus::create))
        .route(
            "/files/{id}",
            // First, for a GET would answer it too.
            head(look)
                .get(download::get)
                .options(tus::options)
                .patch(tus::append)
                .delete(tus::terminate)
                .post(tus::overridden),
        )
}

/// `HEAD` asks for the length of a file or, in tus, how far an upload is; the version in its header tells which.
async fn look(state: State<Arc<Server>>, id: Path<String>, request: Request) -> Response {
    if request.headers().contains_key(tus::VERSION_HEADER) {
        tus::look(state, id, request).await
    } else {
        download::get(state, id, request).await
    }
}

/// In whose name a request comes.
struct Holder {
    account: Arc<Account>,
    device: DeviceId,
}

/// Who shows a ticket in the header, if it is good for this.
async fn holder(
    server: &Server,
    headers: &HeaderMap,
    is_good: impl Fn(&Purpose) -> bool,
) -> Result<Holder, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none());
    let text = value.and_then(|value| value.to_str().ok());
    let ticket = text.and_then(|text| {
        let (scheme, ticket) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| ticket.trim())
    });
    holder_of(server, ticket, is_good).await
}

/// The same for a ticket that stood elsewhere.
async fn holder_of(
    server: &Server,
    ticket: Option<&str>,
    is_good: impl Fn(&Purpose) -> bool,
) -> Result<Holder, Refusal> {
    let ticket = ticket.and_then(|text| server.tickets.read(text, server.clock.now()));
    let Some(ticket) = ticket.filter(|ticket| is_good(&ticket.purpose)) else {
        return Err(Refusal::no_ticket());
    };
    match server.store.owner_of(ticket.device).await {
        Ok(account) => Ok(Holder {
            account,
            device: ticket.device,
        }),
        Err(StoreError::NotFound) => Err(Refusal::no_ticket()),
        Err(error) => Err(crate::uploads::store_error(&error).into()),
    }
}

/// A place for one more transfer.
fn place(server: &Server, holder: &Holder) -> Result<Transfer, Refusal> {
    server
        .transfers
        .start(holder.account.id)
        .map_err(|error| match error {
            TooManyTransfers::OfAccount => {
                let error = WireError {
                    retry_after: Some(1),
                    ..WireError::new(ErrorCode::RateLimited, error.to_string())
                };
                Refusal::with(StatusCode::TOO_MANY_REQUESTS, error)
            }
            TooManyTransfers::OfAll => WireError::new(ErrorCode::Busy, error.to_string()).into(),
        })
}

/// Reads on for a while, beside the answer.
fn linger(server: &Server, body: Body) {
    let mut body = body.into_data_stream();
    let stopping = server.shutdown.clone();
    server.uploads.tasks.spawn(async move {
        let mut left = LINGER_BYTES;
        let reading = async {
            while let Some(Ok(bytes)) = body.next().await
                && bytes.len() < left
            {
                left -= bytes.len();
            }
        };
        tokio::select! {
            _ = tokio::time::timeout(LINGER, reading) => {}
            () = stopping.cancelled() => {}
        }
    });
}
