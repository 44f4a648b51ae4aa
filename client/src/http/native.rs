//! HTTP/1.1 of a native program, over TLS that trusts as the chat's connection does.

use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, Response, header};
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{HttpError, TUS, Way};
use crate::connection::connect_for;
use crate::{Error, ServerAddress, Trust, limits};

/// A connection for one request after the other. It ends when it is dropped.
pub(crate) struct Line {
    requests: SendRequest<Pieces>,
    host: String,
    /// Drives the connection.
    _driver: JoinSet<()>,
}

impl Line {
    /// Connects.
    pub(crate) async fn open(server: &ServerAddress, trust: &Trust) -> Result<Self, Error> {
        let (stream, _) = connect_for(server, trust, "http/1.1").await?;
        keep_little_unsent(stream.get_ref().0);
        let (requests, connection) = handshake(TokioIo::new(stream)).await.map_err(|e| lost(&e))?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // Whoever asks hears of it.
            let _ = connection.await;
        });
        Ok(Self {
            requests,
            host: server.to_string(),
            _driver: driver,
        })
    }

    /// How many bytes of an upload are there.
    pub(crate) async fn offset(&mut self, way: &Way) -> Result<u64, HttpError> {
        let head = self.request(Method::HEAD, way).header("Tus-Resumable", TUS);
        let answer = self.ask(head, Pieces::none()).await?;
        offset(&answer).ok_or_else(|| HttpError::lost("it doesn't say how far the upload is"))
    }

    /// Sends bytes of an upload from an offset on. Returns how many are there.
    pub(crate) async fn send(&mut self, way: &Way, from: u64, pieces: Pieces) -> Result<u64, HttpError> {
        let patch = self
            .request(Method::PATCH, way)
            .header("Tus-Resumable", TUS)
            .header("Upload-Offset", from)
            .header(header::CONTENT_TYPE, "application/offset+octet-stream");
        let answer = self.ask(patch, pieces).await?;
        offset(&answer).ok_or_else(|| HttpError::lost("it doesn't say how far the upload is"))
    }

    /// Gives an upload up.
    pub(crate) async fn delete(&mut self, way: &Way) -> Result<(), HttpError> {
        let delete = self.request(Method::DELETE, way).header("Tus-Resumable", TUS);
        self.ask(delete, Pieces::none()).await.map(drop)
    }

    /// Asks for a file from an offset on, of which this is the tag. Returns from where on the bytes come.
    pub(crate) async fn fetch(
        &mut self,
        way: &Way,
        from: u64,
        tag: &str,
    ) -> Result<(u64, Download), HttpError> {
        let mut get = self.request(Method::GET, way);
        if from > 0 {
            get = get
                .header(header::RANGE, format!("bytes={from}-"))
                .header(header::IF_RANGE, tag);
        }
        let answer = self.ask(get, Pieces::none()).await?;
        let from = if answer.status() == 206 { from } else { 0 };
        Ok((from, Download(answer.into_body())))
    }

    fn request(&self, method: Method, way: &Way) -> hyper::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(&way.url)
            .header(header::HOST, &self.host)
            .header(header::AUTHORIZATION, format!("Bearer {}", way.ticket))
    }

    async fn ask(
        &mut self,
        request: hyper::http::request::Builder,
        pieces: Pieces,
    ) -> Result<Response<Incoming>, HttpError> {
        let request = request.body(pieces).map_err(|error| HttpError::lost(&error))?;
        self.requests
            .ready()
            .await
            .map_err(|e| HttpError::Line(lost(&e)))?;
        let answer = self.requests.send_request(request).await;
        let answer = answer.map_err(|e| HttpError::Line(lost(&e)))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status().as_u16();
        let mut body = Download(answer.into_body());
        let mut said = Vec::new();
        while let Ok(Some(piece)) = body.next().await {
            said.extend_from_slice(&piece);
            if said.len() > limits::REFUSAL {
                break;
            }
        }
        Err(HttpError::of(status, &said))
    }
}

/// Bytes that come.
pub(crate) struct Download(Incoming);

impl Download {
    /// The next of them; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match poll_fn(|context| Pin::new(&mut self.0).poll_frame(context)).await {
                Some(Ok(frame)) => {
                    // What else may come in a frame is of no interest.
                    if let Ok(piece) = frame.into_data() {
                        return Ok(Some(piece));
                    }
                }
                Some(Err(error)) => return Err(lost(&error)),
                None => return Ok(None),
            }
        }
    }
}

/// Bytes that go, as they are put into a channel. If it ends too early, the request breaks.
pub(crate) struct Pieces {
    pieces: Option<mpsc::Receiver<Bytes>>,
    left: u64,
    moved: Box<dyn FnMut(u64) + Send>,
}

impl Pieces {
    /// So many bytes from a channel; it is told how many have left.
    pub(crate) fn new(
        pieces: mpsc::Receiver<Bytes>,
        left: u64,
        moved: impl FnMut(u64) + Send + 'static,
    ) -> Self {
        Self {
            pieces: Some(pieces),
            left,
            moved: Box::new(moved),
        }
    }

    fn none() -> Self {
        Self {
            pieces: None,
            left: 0,
            moved: Box::new(drop),
        }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let next = match &mut self.pieces {
            Some(pieces) => ready!(pieces.poll_recv(context)),
            None => None,
        };
        Poll::Ready(match next {
            Some(piece) => {
                let size = piece.len() as u64;
                self.left = self.left.saturating_sub(size);
                (self.moved)(size);
                Some(Ok(Frame::data(piece)))
            }
            None if self.left > 0 => Some(Err(io::ErrorKind::UnexpectedEof.into())),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

fn offset<T>(answer: &Response<T>) -> Option<u64> {
    answer.headers().get("Upload-Offset")?.to_str().ok()?.parse().ok()
}

/// What hyper says is meant for programmers; what is behind it, sometimes for people.
fn lost(error: &hyper::Error) -> Error {
    let reason = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    Error::Lost(reason)
}

/// What the system has taken and not sent goes down with a line, and looks as if it had been sent.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn keep_little_unsent(stream: &tokio::net::TcpStream) {
    // A system that can't shows a little too much as sent.
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(limits::UNSENT);
}

/// Other systems have no such setting, or none that can be reached.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn keep_little_unsent(_stream: &tokio::net::TcpStream) {}
