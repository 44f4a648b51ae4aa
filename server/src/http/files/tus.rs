//! The server's side of tus 1.0 (<https://tus.io/protocols/resumable-upload>), with creation, creation-with-upload,
//! creation-defer-length, termination, expiration and checksum.

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use kith_common::{ErrorCode, WireError, limits};

use super::answers::Refusal;
use super::{Holder, holder, linger, place};
use crate::server::Server;
use crate::store::{StoreError, Upload};
use crate::tickets::Purpose;
use crate::uploads::{self, Checksum, Claim, Failure, Incoming, Opening, Received, store_error, too_large};

pub(super) const VERSION: &str = "1.0.0";
pub(super) const VERSION_HEADER: HeaderName = HeaderName::from_static("tus-resumable");
pub(super) const VERSIONS_HEADER: HeaderName = HeaderName::from_static("tus-version");
const EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const ALGORITHMS: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const METHOD_OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

const EXTENSIONS: &str =
    "creation,creation-with-upload,creation-defer-length,termination,expiration,checksum";

/// What bytes of an upload are called.
const OCTETS: &str = "application/offset+octet-stream";

/// `OPTIONS`: what is spoken here. It needs no ticket.
pub(super) async fn options(State(server): State<Arc<Server>>) -> Response {
    let largest = HeaderValue::from(server.config.files.largest_bytes);
    let headers = [
        (VERSION_HEADER, HeaderValue::from_static(VERSION)),
        (VERSIONS_HEADER, HeaderValue::from_static(VERSION)),
        (EXTENSION, HeaderValue::from_static(EXTENSIONS)),
        (ALGORITHMS, HeaderValue::from_static("sha1,sha256")),
        (MAX_SIZE, largest),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// `POST /files` opens an upload; its body may be the first bytes of it.
pub(super) async fn create(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let opened = async {
        let holder = uploader(&server, &headers).await?;
        let opening = Opening {
            size: new_size(&headers)?,
            metadata: metadata(&headers)?,
            client: None,
        };
        let checksum = checksum(&headers)?;
        let upload = uploads::open(&server, &holder.account, opening).await?;
        log(&holder, &upload, "upload opened");
        Ok::<_, Refusal>((holder, upload, checksum))
    };
    let (holder, upload, checksum) = match opened.await {
        Ok(opened) => opened,
        Err(refusal) => {
            linger(&server, body);
            return refusal.into_response();
        }
    };
    let location = HeaderValue::try_from(format!("/files/{}", upload.id));
    let mut response = if content_type(&headers) == Some(OCTETS) && upload.hash.is_none() {
        match server.uploads.claim(&upload.id).await {
            Some(claim) => {
                let received = take(&server, holder, upload, claim, checksum, &headers, body).await;
                answer(received, StatusCode::CREATED)
            }
            None => locked().into_response(),
        }
    } else {
        let (offset, expires_at) = (upload.stored, upload.expires_at);
        let received = Received {
            offset,
            expires_at,
            hash: upload.hash,
        };
        answer(Ok(received), StatusCode::CREATED)
    };
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// `PATCH /files/ID` goes on with an upload.
pub(super) async fn append(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let ready = async {
        let holder = uploader(&server, &headers).await?;
        if content_type(&headers) != Some(OCTETS) {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                ErrorCode::BadRequest,
                "the bytes of an upload are application/offset+octet-stream",
            ));
        }
        let offset = number(&headers, &OFFSET)?;
        let offset = offset.ok_or_else(|| Refusal::header("Upload-Offset", "missing Upload-Offset"))?;
        let checksum = checksum(&headers)?;
        let claim = server.uploads.claim(&id).await.ok_or_else(locked)?;
        let mut upload = find(&server, &holder, &id).await?;
        if offset != upload.stored {
            let message = format!("{} bytes are there; go on from them", upload.stored);
            let error = WireError::field(ErrorCode::Conflict, "Upload-Offset", message);
            return Err(Refusal::with(StatusCode::CONFLICT, error));
        }
        if let Some(size) = number(&headers, &LENGTH)? {
            set_size(&server, &mut upload, size).await?;
        }
        Ok((holder, upload, claim, checksum))
    };
    match ready.await {
        Ok((holder, upload, claim, checksum)) => {
            let received = take(&server, holder, upload, claim, checksum, &headers, body).await;
            answer(received, StatusCode::NO_CONTENT)
        }
        Err(refusal) => {
            linger(&server, body);
            refusal.into_response()
        }
    }
}

/// `HEAD /files/ID`: how far an upload is.
pub(super) async fn look(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let found = async {
        let holder = uploader(&server, &parts.headers).await?;
        // Whoever asks doesn't send: what the connection before brought is to be counted first.
        let _claim = server.uploads.claim(&id).await.ok_or_else(locked)?;
        find(&server, &holder, &id).await
    };
    let upload = match found.await {
        Ok(upload) => upload,
        Err(refusal) => return refusal.into_response(),
    };
    let received = Received {
        offset: upload.stored,
        expires_at: upload.expires_at,
        hash: upload.hash,
    };
    let mut response = answer(Ok(received), StatusCode::OK);
    let headers = response.headers_mut();
    match upload.size {
        Some(size) => headers.insert(LENGTH, size.into()),
        None => headers.insert(DEFER_LENGTH, HeaderValue::from_static("1")),
    };
    if let Ok(metadata) = HeaderValue::try_from(&upload.metadata)
        && !metadata.is_empty()
    {
        headers.insert(METADATA, metadata);
    }
    response
}

/// `DELETE /files/ID` gives an upload up.
pub(super) async fn terminate(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let done = async {
        let holder = uploader(&server, &parts.headers).await?;
        let upload = find(&server, &holder, &id).await?;
        match uploads::abandon(&server, holder.account.id, &id).await {
            Ok(()) => log(&holder, &upload, "upload given up by its owner"),
            Err(StoreError::NotFound) => return Err(Refusal::no_upload()),
            Err(StoreError::Busy) => return Err(locked()),
            Err(error) => return Err(store_error(&error).into()),
        }
        Ok(())
    };
    match done.await {
        Ok(()) => {
            let version = (VERSION_HEADER, HeaderValue::from_static(VERSION));
            (StatusCode::NO_CONTENT, [version]).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// `POST /files/ID` with `X-HTTP-Method-Override`, for who can send nothing else.
pub(super) async fn overridden(state: State<Arc<Server>>, id: Path<String>, request: Request) -> Response {
    let method = request.headers().get(&METHOD_OVERRIDE);
    match method.and_then(|method| method.to_str().ok()) {
        Some("PATCH") => append(state, id, request).await,
        Some("DELETE") => terminate(state, id, request).await,
        Some("HEAD") => look(state, id, request).await,
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

/// Receives the body.
async fn take(
    server: &Arc<Server>,
    holder: Holder,
    upload: Upload,
    claim: Claim,
    checksum: Option<Checksum>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Received, Refusal> {
    let announced = number(headers, &header::CONTENT_LENGTH)?.unwrap_or_default();
    let fits = upload
        .size
        .is_none_or(|size| announced <= size.saturating_sub(upload.stored));
    let transfer = place(server, &holder);
    let transfer = match transfer {
        Ok(transfer) if fits => transfer,
        Ok(_) => {
            linger(server, body);
            return Err(Failure::Excess.into());
        }
        Err(refusal) => {
            linger(server, body);
            return Err(refusal);
        }
    };
    if upload.hash.is_some() {
        return Ok(Received {
            offset: upload.stored,
            expires_at: upload.expires_at,
            hash: upload.hash,
        });
    }
    let incoming = Incoming {
        upload,
        claim,
        transfer,
        device: holder.device,
        user: holder.account.username.clone(),
        body: body.into_data_stream(),
        checksum,
    };
    Ok(Box::pin(uploads::receive(server.clone(), incoming)).await?)
}

fn answer(received: Result<Received, Refusal>, status: StatusCode) -> Response {
    let received = match received {
        Ok(received) => received,
        Err(refusal) => return refusal.into_response(),
    };
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(OFFSET, received.offset.into());
    let expires = Timestamp::from_millisecond(received.expires_at);
    let expires = expires.and_then(|time| DateTimePrinter::new().timestamp_to_rfc9110_string(&time));
    if let Some(expires) = expires.ok().and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(EXPIRES, expires);
    }
    response
}

/// Who uploads, if they speak this version of tus.
async fn uploader(server: &Server, headers: &HeaderMap) -> Result<Holder, Refusal> {
    if headers
        .get(VERSION_HEADER)
        .is_none_or(|version| version != VERSION)
    {
        let error = WireError::field(
            ErrorCode::BadRequest,
            "Tus-Resumable",
            "this server speaks tus 1.0.0",
        );
        return Err(Refusal::with(StatusCode::PRECONDITION_FAILED, error));
    }
    holder(server, headers, |purpose| *purpose == Purpose::Upload).await
}

async fn find(server: &Server, holder: &Holder, id: &str) -> Result<Upload, Refusal> {
    let found = server
        .store
        .upload(holder.account.id, id, server.clock.now())
        .await;
    found.map_err(|error| match error {
        StoreError::NotFound => Refusal::no_upload(),
        error => store_error(&error).into(),
    })
}

/// Takes the size that a client says only now.
async fn set_size(server: &Server, upload: &mut Upload, size: u64) -> Result<(), Refusal> {
    let limits = &server.config.files;
    match upload.size {
        Some(known) if known == size => return Ok(()),
        Some(_) => return Err(Refusal::header("Upload-Length", "the size was said before")),
        None if size < upload.stored => {
            return Err(Refusal::header("Upload-Length", "more bytes are there already"));
        }
        None if size > limits.largest_bytes => return Err(too_large(limits).into()),
        None => {}
    }
    let sized = server
        .store
        .size_upload(upload.account, upload.id.clone(), size, limits.room())
        .await;
    sized.map_err(|error| match error {
        StoreError::NotFound => Refusal::no_upload(),
        error => store_error(&error).into(),
    })?;
    upload.size = Some(size);
    Ok(())
}

/// The size of a new upload; `None` if it will be said later.
fn new_size(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let size = number(headers, &LENGTH)?;
    match (size, headers.get(&DEFER_LENGTH)) {
        (Some(size), None) => Ok(Some(size)),
        (None, Some(defer)) if defer == "1" => Ok(None),
        _ => Err(Refusal::header(
            "Upload-Length",
            "give either Upload-Length or Upload-Defer-Length: 1",
        )),
    }
}

fn metadata(headers: &HeaderMap) -> Result<String, Refusal> {
    let value = headers.get(&METADATA).map_or(Ok(""), HeaderValue::to_str);
    match value {
        Ok(text) if text.len() <= limits::UPLOAD_METADATA_BYTES => Ok(text.to_owned()),
        _ => Err(Refusal::header(
            "Upload-Metadata",
            "Upload-Metadata has at most 4096 characters of ASCII",
        )),
    }
}

fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, Refusal> {
    let Some(value) = headers.get(&CHECKSUM) else {
        return Ok(None);
    };
    let parsed = value.to_str().ok().and_then(|text| {
        let (algorithm, expected) = text.split_once(' ')?;
        let algorithm = match algorithm {
            // Against faults, not against people; tus demands it.
            "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            "sha256" => &digest::SHA256,
            _ => return None,
        };
        let expected = STANDARD.decode(expected.trim()).ok()?;
        (expected.len() == algorithm.output_len()).then(|| Checksum {
            context: digest::Context::new(algorithm),
            expected,
        })
    });
    let refusal = || {
        Refusal::header(
            "Upload-Checksum",
            "Upload-Checksum is `sha1` or `sha256`, a space, and the checksum in base64",
        )
    };
    parsed.map(Some).ok_or_else(refusal)
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::CONTENT_TYPE)?.to_str().ok()
}

/// A header that is a whole number.
fn number(headers: &HeaderMap, name: &HeaderName) -> Result<Option<u64>, Refusal> {
    let Some(value) = headers.get(name) else {
        return Ok(None);
    };
    let is_digits = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    let number = value
        .to_str()
        .ok()
        .filter(is_digits)
        .and_then(|text| text.parse().ok());
    // A database's numbers have a sign.
    match number {
        Some(number) if i64::try_from(number).is_ok() => Ok(Some(number)),
        _ => Err(Refusal::header(name.as_str(), "this is not a number of bytes")),
    }
}

fn locked() -> Refusal {
    Refusal::new(
        StatusCode::LOCKED,
        ErrorCode::Busy,
        "another request doesn't let go of this upload; try again",
    )
}

fn log(holder: &Holder, upload: &Upload, what: &str) {
    let (user, file) = (&*holder.account.username, &*upload.id);
    tracing::info!(target: "transfer", user, file, size = upload.size, "{what}");
}
