//! How `/files` says no.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kith_common::{ErrorCode, WireError, encode_error};

use super::tus::{VERSION, VERSION_HEADER, VERSIONS_HEADER};
use crate::uploads::Failure;

/// Why a request isn't done: a status for HTTP, and what the protocol would say.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: WireError,
}

impl Refusal {
    pub(super) fn with(status: StatusCode, error: WireError) -> Self {
        Self { status, error }
    }

    pub(super) fn new(status: StatusCode, code: ErrorCode, message: &str) -> Self {
        Self::with(status, WireError::new(code, message))
    }

    /// A header is missing or makes no sense.
    pub(super) fn header(name: &str, message: &str) -> Self {
        let error = WireError::field(ErrorCode::BadRequest, name, message);
        Self::with(StatusCode::BAD_REQUEST, error)
    }

    pub(super) fn no_ticket() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            ErrorCode::NotLoggedIn,
            "this wants a ticket that is good for it and not over; ask for one with `upload` or `download`",
        )
    }

    pub(super) fn no_upload() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            ErrorCode::NotFound,
            "you have no such upload, or it was given up",
        )
    }

    pub(super) fn no_file() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            ErrorCode::NotFound,
            "there is no such file, or it wasn't sent to you",
        )
    }
}

impl From<WireError> for Refusal {
    fn from(error: WireError) -> Self {
        let status = match error.code {
            ErrorCode::TooLarge | ErrorCode::Quota => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::TooManyUploads | ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::Storage => StatusCode::INSUFFICIENT_STORAGE,
            ErrorCode::Busy => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::NotFound => StatusCode::NOT_FOUND,
            ErrorCode::Forbidden => StatusCode::FORBIDDEN,
            ErrorCode::Conflict => StatusCode::CONFLICT,
            ErrorCode::BadRequest => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self { status, error }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let text = failure.to_string();
        match failure {
            Failure::Refused(error) => error.into(),
            Failure::Gone => Self::no_upload(),
            Failure::SessionEnded => Self::no_ticket(),
            Failure::Checksum => {
                // tus 1.0, "Checksum".
                let status = StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST);
                Self::new(status, ErrorCode::BadRequest, &text)
            }
            Failure::Excess => Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge, &text),
            Failure::Cut | Failure::Silent => {
                Self::new(StatusCode::REQUEST_TIMEOUT, ErrorCode::Timeout, &text)
            }
            Failure::TakenOver => Self::new(StatusCode::CONFLICT, ErrorCode::Conflict, &text),
            Failure::Stopping => Self::new(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Busy, &text),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = encode_error(None, &self.error);
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 6750, section 3.
            let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if self.status == StatusCode::PRECONDITION_FAILED {
            headers.insert(VERSIONS_HEADER, HeaderValue::from_static(VERSION));
        }
        if let Some(seconds) = self.error.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
