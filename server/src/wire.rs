//! A TCP connection that reads ahead while much comes.
//!
//! rustls asks for four kilobytes at a time, which costs five system calls for each of TLS's records. While they all come full, what the
//! socket has is read at once and handed on in pieces. A connection on which little comes keeps no memory for that.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_util::io::poll_read_buf;

/// Bytes that are read at once while much comes.
const AHEAD: usize = 64 * 1024;

/// Much comes once so many reads on end have brought as much as was asked for, and that was no trifle.
const FULL_READS: u8 = 2;
const NO_TRIFLE: usize = 4096;

/// Where the last read brought less, and nothing more is there, the memory is given back.
const LITTLE: usize = 8 * 1024;

pub(crate) struct Wire {
    stream: TcpStream,
    full_reads: u8,
    ahead: Option<Box<Ahead>>,
}

/// What was read and not yet asked for.
struct Ahead {
    bytes: Vec<u8>,
    taken: usize,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            full_reads: 0,
            ahead: None,
        }
    }

    /// From now on the runtime that this is called in watches the socket. Where the system has no room for that, the one of before
    /// goes on with it.
    pub(crate) fn move_here(&mut self) {
        let moved = self.stream.as_fd().try_clone_to_owned();
        if let Ok(stream) = moved.and_then(|socket| TcpStream::from_std(socket.into())) {
            self.stream = stream;
        }
        self.ahead.take_if(|ahead| ahead.left().is_empty());
    }
}

impl Ahead {
    fn left(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }

    fn take(&mut self, buf: &mut ReadBuf<'_>) {
        let left = self.left();
        let now = left.len().min(buf.remaining());
        buf.put_slice(left.get(..now).unwrap_or_default());
        self.taken += now;
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(ahead) = &mut this.ahead {
            if ahead.left().is_empty() {
                let was_little = ahead.bytes.len() < LITTLE;
                ahead.bytes.clear();
                ahead.taken = 0;
                let Poll::Ready(read) = poll_read_buf(Pin::new(&mut this.stream), cx, &mut ahead.bytes)
                else {
                    if was_little {
                        (this.ahead, this.full_reads) = (None, 0);
                    }
                    return Poll::Pending;
                };
                read?;
            }
            ahead.take(buf);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        if buf.remaining() > 0 || buf.filled().len() - before < NO_TRIFLE {
            this.full_reads = 0;
        } else {
            this.full_reads += 1;
            if this.full_reads >= FULL_READS {
                let bytes = Vec::with_capacity(AHEAD);
                this.ahead = Some(Box::new(Ahead { bytes, taken: 0 }));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsFd for Wire {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (Wire, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (accepted, connected) = tokio::join!(listener.accept(), TcpStream::connect(address));
        (Wire::new(accepted.unwrap().0), connected.unwrap())
    }

    #[tokio::test]
    async fn much_is_read_ahead_and_the_memory_given_back() {
        let (mut wire, mut other) = pair().await;
        let sent: Vec<u8> = (0..1_000_000).map(|at| (at * 31 + at / 251) as u8).collect();
        let bytes = sent.clone();
        let writing = tokio::spawn(async move {
            other.write_all(&bytes).await.unwrap();
            other
        });
        let (mut received, mut piece, mut was_ahead) = (Vec::new(), [0; 4096], false);
        while received.len() < sent.len() {
            let read = wire.read(&mut piece).await.unwrap();
            received.extend_from_slice(&piece[..read]);
            was_ahead |= wire.ahead.is_some();
            if received.len() == sent.len() / 2 / 4096 * 4096 {
                wire.move_here();
            }
        }
        assert!(received == sent, "what was received is something else");
        assert!(was_ahead);
        let mut other = writing.await.unwrap();
        other.write_all(b"little").await.unwrap();
        let read = wire.read(&mut piece).await.unwrap();
        assert_eq!(&piece[..read], b"little");
        let waiting = tokio::time::timeout(Duration::from_millis(1), wire.read(&mut piece));
        assert!(waiting.await.is_err());
        assert!(wire.ahead.is_none());
        drop(other);
        assert_eq!(wire.read(&mut piece).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn who_sends_little_gets_no_memory() {
        let (mut wire, mut other) = pair().await;
        let mut piece = [0; 4096];
        for _ in 0..10 {
            other.write_all(&[7; 3000]).await.unwrap();
            wire.read_exact(&mut piece[..3000]).await.unwrap();
            assert!(wire.ahead.is_none());
        }
    }
}
