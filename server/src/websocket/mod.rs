//! WebSocket (RFC 6455) as something that carries a session: text messages on the one side, lines on the other.
//!
//! Each message that comes in is read as one line, and each line that is written goes out as one message. So everything
//! that a session does is the same over TLS and over `/ws`: framing, limits, deadlines, queues. Frames are taken apart as
//! their bytes come in rather than message by message, because the session's limits for large and for slow messages have to
//! hold here too, and an idle connection is to keep no buffer. What a frame looks like is tungstenite's business.

mod incoming;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BufMut as _, BytesMut};
use memchr::memchr;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};

use crate::session::{Carrier, End, Transport};
use incoming::Incoming;

pub(crate) use incoming::Violation;

/// The name under which this protocol is agreed on (`Sec-WebSocket-Protocol`).
pub const SUBPROTOCOL: &str = "kith.v1";

/// What is read at once.
const READ: usize = 8 * 1024;

/// What is framed at once: about a TLS record.
const WRITE: usize = 16 * 1024;

/// A WebSocket connection after its handshake, read and written as lines.
///
/// Who writes has to write whole lines, however many `write`s they take, and flush after them.
pub struct WebSocket<S> {
    inner: S,
    incoming: Incoming,
    /// What the client did wrong; told once what came before it was read.
    violation: Option<Violation>,
    /// Framed, not written yet.
    outgoing: BytesMut,
    /// What is still to come of the line whose frame has begun.
    line_left: usize,
    farewell: Farewell,
}

/// The close frame of this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Farewell {
    /// None was thought of.
    None,
    /// It is sent before the stream is shut down.
    Due(CloseCode, &'static str),
    /// Nothing follows it.
    Sent,
}

impl<S> WebSocket<S> {
    /// The connection on which the handshake was made.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            incoming: Incoming::default(),
            violation: None,
            outgoing: BytesMut::new(),
            line_left: 0,
            farewell: Farewell::None,
        }
    }

    fn put_header(&mut self, opcode: OpCode, length: usize) -> io::Result<()> {
        let header = FrameHeader {
            opcode,
            ..FrameHeader::default()
        };
        let mut writer = (&mut self.outgoing).writer();
        header
            .format(length as u64, &mut writer)
            .map_err(io::Error::other)
    }

    /// Answers the last ping, where no frame is cut by it.
    fn put_pong(&mut self) -> io::Result<()> {
        if self.line_left == 0
            && self.farewell != Farewell::Sent
            && let Some(ping) = self.incoming.ping.take()
        {
            self.put_header(OpCode::Control(Control::Pong), ping.len())?;
            self.outgoing.extend_from_slice(&ping);
        }
        Ok(())
    }

    fn put_close(&mut self) -> io::Result<()> {
        // In the middle of a line it would be taken for a part of it.
        if let (Farewell::Due(code, reason), 0) = (self.farewell, self.line_left) {
            self.put_header(OpCode::Control(Control::Close), size_of::<u16>() + reason.len())?;
            self.outgoing.put_u16(code.into());
            self.outgoing.extend_from_slice(reason.as_bytes());
            self.farewell = Farewell::Sent;
        }
        Ok(())
    }
}

impl<S: AsyncWrite + Unpin> WebSocket<S> {
    /// Writes what is framed.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.outgoing.is_empty() {
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, &self.outgoing))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.outgoing.advance(written);
        }
        // An idle connection keeps no memory here.
        self.outgoing = BytesMut::new();
        Poll::Ready(Ok(()))
    }

    /// Sends the answer to a ping on its way, if it is due and nobody else does.
    fn answer_ping(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        self.put_pong()?;
        if self.line_left == 0 && !self.outgoing.is_empty() && self.poll_drain(cx)?.is_ready() {
            let _ = Pin::new(&mut self.inner).poll_flush(cx)?;
        }
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let room = READ.min(buf.remaining().saturating_sub(1));
        if room == 0 {
            let message = "reading lines from a WebSocket takes room for two bytes";
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidInput, message)));
        }
        loop {
            let is_leaving = this.farewell == Farewell::Sent;
            if !is_leaving {
                if let Some(violation) = this.violation {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, violation)));
                }
                if this.incoming.closed.is_some() {
                    return Poll::Ready(Ok(()));
                }
                this.answer_ping(cx)?;
            }
            let mut raw = [0; READ];
            let mut read = ReadBuf::new(raw.get_mut(..room).unwrap_or_default());
            ready!(Pin::new(&mut this.inner).poll_read(cx, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            if is_leaving {
                // Until the client closes too, what it still sends is of no interest.
                continue;
            }
            let before = buf.filled().len();
            this.violation = this.incoming.take_in(read.filled_mut(), buf).err();
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WebSocket<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        ready!(this.poll_drain(cx))?;
        if this.farewell == Farewell::Sent {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut taken = 0;
        while let Some(rest) = buf.get(taken..).filter(|rest| !rest.is_empty())
            && this.outgoing.len() < WRITE
        {
            if this.line_left == 0 {
                this.put_pong()?;
                match memchr(b'\n', rest) {
                    // The end of the line before.
                    Some(0) => {
                        taken += 1;
                        continue;
                    }
                    Some(length) => {
                        this.put_header(OpCode::Data(Data::Text), length)?;
                        this.line_left = length;
                    }
                    None => {
                        let message = "only whole lines are written to a WebSocket";
                        return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidInput, message)));
                    }
                }
            }
            let now = rest.len().min(this.line_left).min(WRITE);
            this.outgoing
                .extend_from_slice(rest.get(..now).unwrap_or_default());
            this.line_left -= now;
            taken += now;
        }
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.put_pong()?;
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.put_close()?;
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: Transport> Transport for WebSocket<S> {
    fn unacknowledged(&self) -> Option<usize> {
        self.inner.unacknowledged()
    }

    fn carrier(&self) -> Carrier {
        Carrier::WebSocket
    }

    fn say_why(&mut self, end: End) {
        let code = match end {
            // What the client said is said back (RFC 6455, section 5.5.1).
            End::Closed => self.incoming.closed.flatten().unwrap_or(CloseCode::Normal),
            End::Lost => return,
            End::TooLong => CloseCode::Size,
            End::TooSlow | End::NoLogin | End::Nonsense => CloseCode::Policy,
            End::NotUtf8 => CloseCode::Invalid,
            End::Binary => CloseCode::Unsupported,
            End::NotWebSocket(_) => CloseCode::Protocol,
            End::Shutdown => CloseCode::Away,
        };
        let reason = if end == End::Closed { "" } else { end.as_str() };
        self.farewell = Farewell::Due(code, reason);
    }
}
