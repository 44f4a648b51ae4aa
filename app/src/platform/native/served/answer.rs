//! What the webview is answered: all of a file, or the part that it asks for (RFC 9110, section 14).

use std::io;
use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http_body_util::StreamBody;
use http_range_header::parse_range_header;
use hyper::body::Frame;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::Served;
use super::content::Reading;

/// Bytes as they are read.
pub(super) type Body = StreamBody<BoxStream<'static, io::Result<Frame<Bytes>>>>;

/// What is said with every answer. Nothing of it is kept by the webview, and whatever it is, it is no page that could run anything.
const ALWAYS: [(header::HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::ACCEPT_RANGES, "bytes"),
];

impl Served {
    /// Answers a request.
    pub(super) async fn answer<B>(&self, request: &Request<B>) -> Response<Body> {
        let mut answer = match self.found(request).await {
            Ok(answer) => answer,
            Err(status) => empty(status),
        };
        for (name, value) in ALWAYS {
            answer.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        answer
    }

    async fn found<B>(&self, request: &Request<B>) -> Result<Response<Body>, StatusCode> {
        if request.method() != Method::GET {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        let secret = request.uri().path().strip_prefix('/').unwrap_or_default();
        let entry = self.find(secret).ok_or(StatusCode::NOT_FOUND)?;
        let size = entry.size;
        let (status, range) = match wanted(request.headers(), size) {
            Some(Ok(range)) => (StatusCode::PARTIAL_CONTENT, range),
            Some(Err(Beyond)) => {
                let mut answer = empty(StatusCode::RANGE_NOT_SATISFIABLE);
                put(&mut answer, header::CONTENT_RANGE, &format!("bytes */{size}"));
                return Ok(answer);
            }
            None => (StatusCode::OK, 0..size),
        };
        let length = range.end - range.start;
        let reading = entry.open(secret, range.start).await;
        // It was deleted, or the server doesn't give it.
        let reading = reading.map_err(|_| StatusCode::BAD_GATEWAY)?;
        let mut answer = Response::new(body(reading, length));
        *answer.status_mut() = status;
        put(&mut answer, header::CONTENT_TYPE, &entry.media);
        put(&mut answer, header::CONTENT_LENGTH, &length.to_string());
        if status == StatusCode::PARTIAL_CONTENT {
            let told = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
            put(&mut answer, header::CONTENT_RANGE, &told);
        }
        Ok(answer)
    }
}

/// A part is asked for that the file doesn't have.
#[derive(Debug, PartialEq)]
struct Beyond;

/// Which part of a file of this size is asked for; none where it is all of it. Several at once, and what is no range, mean all of it.
fn wanted(headers: &HeaderMap, size: u64) -> Option<Result<Range<u64>, Beyond>> {
    let asked = headers.get(header::RANGE)?.to_str().ok()?;
    if asked.contains(',') {
        return None;
    }
    let asked = parse_range_header(asked).ok()?;
    Some(match asked.validate(size).as_deref() {
        Ok([range]) => Ok(*range.start()..range.end().saturating_add(1)),
        _ => Err(Beyond),
    })
}

/// So many bytes of what is read.
fn body(reading: Reading, length: u64) -> Body {
    let pieces = stream::try_unfold((reading, length), |(mut reading, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let mut piece = reading.next().await?;
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left - piece.len() as u64;
        Ok(Some((Frame::data(piece), (reading, left))))
    });
    StreamBody::new(pieces.boxed())
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(StreamBody::new(stream::empty().boxed()));
    *answer.status_mut() = status;
    put(&mut answer, header::CONTENT_LENGTH, "0");
    answer
}

fn put(answer: &mut Response<Body>, name: header::HeaderName, value: &str) {
    // All of them are plain text.
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for() {
        let of = |range: &str| {
            let headers = HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]);
            wanted(&headers, 10)
        };
        for (range, expected) in [
            ("bytes=0-", 0..10),
            ("bytes=3-3", 3..4),
            ("bytes=4-99", 4..10),
            ("bytes=-2", 8..10),
        ] {
            assert_eq!(of(range), Some(Ok(expected)), "{range}");
        }
        assert_eq!(of("bytes=10-"), Some(Err(Beyond)));
        for nonsense in ["bytes=0-1,3-4", "lines=0-1", "bytes=", "x", "bytes=5-2"] {
            assert_eq!(of(nonsense), None, "{nonsense}");
        }
        assert_eq!(wanted(&HeaderMap::new(), 10), None);
    }
}
