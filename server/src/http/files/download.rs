//! `GET /files/ID`: a file, or a part of it.
//!
//! It is a stranger's file in the origin of the app: it is sent as something to be saved, of a type in which nothing runs, and in a sandbox.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use kith_common::{ErrorCode, FileBody, FileHash, FileName, MediaType, WireError};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::task::JoinHandle;

use super::answers::Refusal;
use super::ranges::{Wanted, wanted};
use super::{Holder, holder, holder_of, place};
use crate::http::is_held;
use crate::server::Server;
use crate::store::{NewBlob, StoreError};
use crate::tickets::Purpose;
use crate::transfers::Transfer;
use crate::uploads::store_error;

/// Bytes that are read at once; while they are sent, the next are read.
const READ: u64 = 256 * 1024;

/// After so many bytes it is asked again whether the file is still there for who fetches it.
const LOOK_AGAIN: u64 = 16 * 1024 * 1024;

/// Nothing in a file may load, run or show anything.
const CONTENT_SECURITY_POLICY: &str = "sandbox; default-src 'none'";

/// Types under which a browser shows pictures, plays sound and videos, and runs nothing. Others are just bytes.
const SHOWN: [&str; 19] = [
    "audio/aac",
    "audio/flac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/opus",
    "audio/wav",
    "audio/webm",
    "audio/x-m4a",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "video/mp4",
    "video/ogg",
    "video/quicktime",
    "video/webm",
];

/// What may stand in `filename*` as it is (RFC 8187, section 3.2.1).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// `GET`, and `HEAD` without the bytes.
pub(super) async fn get(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    match answer(&server, &id, &parts.method, &parts.uri, &parts.headers).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn answer(
    server: &Arc<Server>,
    id: &str,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let holder = if headers.contains_key(header::AUTHORIZATION) {
        let is_good = |purpose: &Purpose| matches!(purpose, Purpose::Download(file) if file == id);
        holder(server, headers, is_good).await?
    } else {
        // An address may be seen by others, so it is good for less.
        let is_good = |purpose: &Purpose| {
            method == Method::GET && matches!(purpose, Purpose::Media(file) if file == id)
        };
        let ticket = uri.query().and_then(|query| query.strip_prefix("ticket="));
        holder_of(server, ticket, is_good).await?
    };
    let (body, blob) = find(server, &holder, id).await?;
    let tag = format!("\"{}\"", FileHash(blob.hash));
    let mut response = if is_held(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        send(server, holder, &blob, method, wanted(headers, blob.size, &tag)).await?
    };
    describe(response.headers_mut(), &body, &tag);
    Ok(response)
}

/// What is known of a file that was sent to whoever asks.
async fn find(server: &Server, holder: &Holder, id: &str) -> Result<(FileBody, NewBlob), Refusal> {
    let refusal = |error: StoreError| match error {
        StoreError::NotFound => Refusal::no_file(),
        error => store_error(&error).into(),
    };
    let body = server.store.announced_blob(holder.account.id, id).await;
    let blob = server.store.blob(id).await;
    let (body, blob) = (body.map_err(refusal)?, blob.map_err(refusal)?);
    let body = serde_json::from_slice(&body).map_err(|_| Refusal::no_file())?;
    Ok((body, blob))
}

async fn send(
    server: &Arc<Server>,
    holder: Holder,
    blob: &NewBlob,
    method: &Method,
    wanted: Wanted,
) -> Result<Response, Refusal> {
    let (status, range) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0..blob.size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Beyond => {
            let size = HeaderValue::try_from(format!("bytes */{}", blob.size));
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            size.map(|size| response.headers_mut().insert(header::CONTENT_RANGE, size))
                .ok();
            return Ok(response);
        }
    };
    let mut response = if method == Method::HEAD {
        status.into_response()
    } else {
        let place = place(server, &holder)?;
        let file = open(server, &holder, blob, range.start).await?;
        if range.start == 0 {
            let (user, file, size) = (&*holder.account.username, &*blob.id, range.end);
            tracing::info!(target: "transfer", user, file, size, "file fetched");
        }
        let body = stream(
            server.clone(),
            holder,
            place,
            blob.id.clone(),
            file,
            range.clone(),
        );
        (status, body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, (range.end - range.start).into());
    if status == StatusCode::PARTIAL_CONTENT
        && let Some(last) = range.end.checked_sub(1)
        && let Ok(part) = HeaderValue::try_from(format!("bytes {}-{last}/{}", range.start, blob.size))
    {
        headers.insert(header::CONTENT_RANGE, part);
    }
    Ok(response)
}

async fn open(server: &Server, holder: &Holder, blob: &NewBlob, start: u64) -> Result<File, Refusal> {
    let opened = async {
        let mut file = server.blobs.open_whole(&blob.id).await?;
        // What is known of a file that was just opened is in memory: this waits for nothing.
        if file.metadata()?.len() != blob.size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.seek(SeekFrom::Start(start))?;
        io::Result::Ok(file)
    };
    opened.await.map_err(|error| {
        let (user, file) = (&*holder.account.username, &*blob.id);
        tracing::error!(target: "error", user, file, %error, "a file could not be read");
        WireError::new(ErrorCode::Storage, "the server could not read the file").into()
    })
}

/// A file on its way to a connection.
struct Sending {
    server: Arc<Server>,
    holder: Holder,
    id: String,
    _place: Transfer,
    /// What is being read, and what is to be read after it.
    reading: JoinHandle<io::Result<(File, Bytes)>>,
    left: u64,
    looked: u64,
}

fn stream(
    server: Arc<Server>,
    holder: Holder,
    place: Transfer,
    id: String,
    file: File,
    range: Range<u64>,
) -> Body {
    let length = range.end - range.start;
    let first = length.min(READ);
    let sending = Sending {
        server,
        holder,
        id,
        _place: place,
        reading: read(file, first),
        left: length - first,
        looked: 0,
    };
    Body::from_stream(stream::try_unfold(Some(sending), |sending| async move {
        match sending {
            Some(sending) => sending.next().await.map(Some),
            None => Ok(None),
        }
    }))
}

impl Sending {
    /// The next bytes; what reads on while they are sent, if there are more.
    async fn next(mut self) -> io::Result<(Bytes, Option<Self>)> {
        let (file, bytes) = (&mut self.reading).await.map_err(io::Error::other)??;
        if self.left == 0 {
            return Ok((bytes, None));
        }
        self.looked += bytes.len() as u64;
        if self.looked >= LOOK_AGAIN {
            self.looked = 0;
            self.look_again().await?;
        }
        if self.server.shutdown.is_cancelled() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let next = self.left.min(READ);
        self.left -= next;
        self.reading = read(file, next);
        Ok((bytes, Some(self)))
    }

    /// The file may have been deleted, the session may have ended.
    async fn look_again(&self) -> io::Result<()> {
        let store = &self.server.store;
        let looked = async {
            store.owner_of(self.holder.device).await?;
            store.announced_blob(self.holder.account.id, &self.id).await
        };
        looked.await.map(drop).map_err(|error| {
            let (user, file) = (&*self.holder.account.username, &*self.id);
            tracing::info!(target: "transfer", user, file, %error, "a file is fetched no further");
            io::Error::other(error)
        })
    }
}

fn read(mut file: File, length: u64) -> JoinHandle<io::Result<(File, Bytes)>> {
    tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        (&mut file).take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == length {
            Ok((file, bytes.into()))
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    })
}

fn describe(headers: &mut HeaderMap, body: &FileBody, tag: &str) {
    let mut set = |name: HeaderName, value: Result<HeaderValue, _>| {
        if let Ok(value) = value {
            headers.insert(name, value);
        }
    };
    set(header::ETAG, HeaderValue::from_str(tag));
    set(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_str(&disposition(&body.file_name)),
    );
    set(
        header::CONTENT_TYPE,
        HeaderValue::from_str(shown_type(body.details.media_type.as_ref())),
    );
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Only after asking whether one still may.
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(CONTENT_SECURITY_POLICY),
    );
}

fn shown_type(said: Option<&MediaType>) -> &str {
    let shown = said.map(MediaType::as_str).filter(|kind| SHOWN.contains(kind));
    shown.unwrap_or("application/octet-stream")
}

/// As something to be saved under this name (RFC 6266, section 4.3): in full for who reads `filename*`, and what ASCII can say of it for others.
fn disposition(name: &FileName) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ' | '(' | ')');
    let fallback: String = name
        .as_str()
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    let full = utf8_percent_encode(name.as_str(), PLAIN);
    format!("attachment; filename=\"{fallback}\"; filename*=UTF-8''{full}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_nothing_but_a_name() {
        for (name, expected) in [
            ("a.txt", "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt"),
            (
                "a\"; x=\"b.html",
                "attachment; filename=\"a__ x__b.html\"; filename*=UTF-8''a%22%3B%20x%3D%22b.html",
            ),
            (
                "日.pdf",
                "attachment; filename=\"_.pdf\"; filename*=UTF-8''%E6%97%A5.pdf",
            ),
        ] {
            let name = FileName::try_from(name.to_owned()).unwrap();
            assert_eq!(disposition(&name), expected);
        }
    }

    #[test]
    fn nothing_that_runs_keeps_its_type() {
        let of = |text: &str| {
            let kind = MediaType::try_from(text.to_owned()).unwrap();
            shown_type(Some(&kind)).to_owned()
        };
        assert_eq!(of("Video/MP4"), "video/mp4");
        for kind in [
            "text/html",
            "image/svg+xml",
            "application/pdf",
            "text/javascript",
            "application/xhtml+xml",
        ] {
            assert_eq!(of(kind), "application/octet-stream");
        }
        assert_eq!(shown_type(None), "application/octet-stream");
    }
}
