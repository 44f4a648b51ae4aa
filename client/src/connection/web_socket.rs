//! The line of a browser: a WebSocket, shown as the stream of lines that the rest of the client knows.
//!
//! One text message is one frame. What is written is cut at its newlines, and each message that comes gets one behind it.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;

use gloo_events::EventListener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{CloseEvent, Event, MessageEvent, WebSocket};

use crate::runtime::time::{Sleep, sleep, timeout};
use crate::{Error, ServerAddress, Trust, limits};

/// The subprotocol of kith/1 (RFC 6455, section 1.9).
const SUBPROTOCOL: &str = "kith.v1";

/// The close code that a browser gives for a line that was cut (RFC 6455, section 7.1.5).
const CUT: u16 = 1006;

/// Connects to a server. The browser verifies it, and shows nothing of its certificates.
pub(super) async fn connect(
    server: &ServerAddress,
    _trust: &Trust,
) -> Result<(Line, Vec<kith_common::Pin>), Error> {
    let unreachable = |reason: &str| Error::Unreachable {
        server: server.clone(),
        reason: reason.to_owned(),
    };
    let url = format!("wss://{server}/ws");
    let socket =
        WebSocket::new_with_str(&url, SUBPROTOCOL).map_err(|error| Error::Local(reason_of(&error)))?;
    let (heard, happenings) = mpsc::unbounded_channel();
    let listeners = ["open", "message", "close"].map(|event| {
        let heard = heard.clone();
        EventListener::new(&socket, event, move |event| {
            // Whoever listened may have gone.
            let _ = heard.send(Happening::of(event));
        })
    });
    let mut line = Line {
        socket,
        happenings,
        incoming: Vec::new(),
        taken: 0,
        outgoing: Vec::new(),
        full: None,
        _listeners: listeners,
    };
    // The browser does all of it: name, address, TLS and WebSocket.
    let patience = limits::DIAL + limits::HANDSHAKE;
    match timeout(patience, line.happenings.recv()).await {
        Ok(Some(Happening::Opened)) => Ok((line, Vec::new())),
        Ok(_) if is_offline() => Err(unreachable("this device is offline")),
        // Scripts aren't told more, so that they can't look around in a network.
        Ok(_) => Err(unreachable("the browser doesn't say why")),
        Err(_) => Err(unreachable("no answer in time")),
    }
}

/// A WebSocket that is open, or was.
pub(super) struct Line {
    socket: WebSocket,
    happenings: mpsc::UnboundedReceiver<Happening>,
    /// The message that is being read, and how much of it was.
    incoming: Vec<u8>,
    taken: usize,
    /// What was written of a line that isn't complete.
    outgoing: Vec<u8>,
    /// When to look again whether the browser has sent enough of what it was given.
    full: Option<Pin<Box<Sleep>>>,
    _listeners: [EventListener; 3],
}

enum Happening {
    Opened,
    Text(String),
    Closed { code: u16, reason: String },
    Nonsense,
}

impl Happening {
    fn of(event: &Event) -> Self {
        if let Some(message) = event.dyn_ref::<MessageEvent>() {
            message.data().as_string().map_or(Self::Nonsense, Self::Text)
        } else if let Some(closed) = event.dyn_ref::<CloseEvent>() {
            Self::Closed {
                code: closed.code(),
                reason: closed.reason(),
            }
        } else {
            Self::Opened
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.taken >= self.incoming.len() {
            let text = match ready!(self.happenings.poll_recv(context)) {
                Some(Happening::Text(text)) => text,
                Some(Happening::Closed { code: CUT, .. }) => {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                Some(Happening::Closed { reason, .. }) if !reason.is_empty() => {
                    return Poll::Ready(Err(io::Error::other(reason)));
                }
                Some(Happening::Nonsense) => {
                    return Poll::Ready(Err(io::Error::other("it sent something else than text")));
                }
                Some(Happening::Closed { .. } | Happening::Opened) | None => return Poll::Ready(Ok(())),
            };
            self.incoming = text.into_bytes();
            self.incoming.push(b'\n');
            self.taken = 0;
        }
        let rest = self.incoming.get(self.taken..).unwrap_or_default();
        let piece = rest.get(..buffer.remaining()).unwrap_or(rest);
        buffer.put_slice(piece);
        self.taken += piece.len();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // A browser takes whatever it is given into its memory, and tells only how much is left of that.
        while self.socket.buffered_amount() > limits::SOCKET_BUFFER {
            let full = self
                .full
                .get_or_insert_with(|| Box::pin(sleep(limits::SOCKET_LOOK)));
            ready!(full.as_mut().poll(context));
            self.full = None;
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.outgoing.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = core::mem::take(&mut self.outgoing);
                let text = str::from_utf8(line.trim_ascii_end()).map_err(io::Error::other)?;
                self.socket
                    .send_with_str(text)
                    .map_err(|error| io::Error::other(reason_of(&error)))?;
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The browser first sends what it holds.
        self.socket
            .close()
            .map_err(|error| io::Error::other(reason_of(&error)))?;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // It may be closed already.
        let _ = self.socket.close();
    }
}

fn is_offline() -> bool {
    web_sys::window().is_some_and(|window| !window.navigator().on_line())
}

fn reason_of(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => error.message().into(),
        None => "the browser refuses it".to_owned(),
    }
}
