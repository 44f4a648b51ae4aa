use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use kith_common::Notice;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};

use super::seed::SeedCursor;
use super::{Carrier, End, Transport};
use crate::hub::{Item, Link};
use crate::server::Server;

/// What is written at once: enough to fill TLS records and few system calls, little enough to hold for everyone.
const CHUNK: usize = 64 * 1024;

/// Time for a client to take a chunk. One that takes none for so long isn't reading any more.
const STALL: Duration = Duration::from_secs(120);

/// The half of a session that writes what waits in its link.
pub(super) struct Delivery<S> {
    server: Arc<Server>,
    link: Arc<Link>,
    writer: WriteHalf<S>,
    seed: SeedCursor,
}

impl<S: Transport> Delivery<S> {
    pub(super) fn new(server: Arc<Server>, link: Arc<Link>, writer: WriteHalf<S>) -> Self {
        Self {
            server,
            link,
            writer,
            seed: SeedCursor::default(),
        }
    }

    /// Writes until the link is closed and empty, or the client takes nothing any more.
    pub(super) async fn run(&mut self) {
        let mut items = Vec::new();
        let mut out = BytesMut::new();
        loop {
            self.link.take(CHUNK, &mut items);
            if items.is_empty() && !self.seed.has_backlog() {
                if self.link.is_finished() {
                    return;
                }
                // An idle connection keeps no memory here.
                (items, out) = (Vec::new(), BytesMut::new());
                self.wait().await;
                continue;
            }
            for item in items.drain(..) {
                match item {
                    Item::Line(line) | Item::Event(line) => out.extend_from_slice(&line),
                    Item::Behind => out.extend_from_slice(Notice::Behind.encode().as_bytes()),
                    Item::Written(line, log, number) => {
                        out.extend_from_slice(&line);
                        self.seed.wrote(log, number);
                    }
                    // Boxed: reading from the store needs room that few sessions ever use.
                    Item::Seed(event) => Box::pin(self.seed.live(&self.server, *event, &mut out)).await,
                    Item::SeedLogin(account) => Box::pin(self.seed.log_in(&self.server, account)).await,
                    Item::SeedLogout => self.seed.log_out(),
                    Item::SeedBehind => Box::pin(self.seed.fall_behind(&self.server, false)).await,
                }
                if out.len() > CHUNK && !self.write(&mut out).await {
                    return;
                }
            }
            if self.seed.has_backlog() {
                Box::pin(self.seed.page(&self.server, &mut out)).await;
            }
            if !self.write(&mut out).await {
                return;
            }
            self.seed.written();
        }
    }

    /// Notes what clients of the seed's protocol were given, once the connection has ended. A connection that was closed, with
    /// everything acknowledged, has got it all; of another one only what is older than any time-out is certain.
    pub(super) async fn finish(mut self, reader: ReadHalf<S>, end: End) {
        let mut stream = reader.unsplit(self.writer);
        let complete = end == End::Closed && stream.unacknowledged().is_none_or(|bytes| bytes == 0);
        self.seed.save(&self.server, complete).await;
        stream.say_why(end);
        // A WebSocket is closed by both sides: who has said it last waits for the other (RFC 6455, section 7.1.1).
        let waits = end.is_refusal() || stream.carrier() == Carrier::WebSocket;
        let leaving = async {
            stream.shutdown().await?;
            // To close with bytes unread resets the connection, which may take the last word away (RFC 1122, 4.2.2.13).
            let mut rest = [0; 1024];
            while waits && stream.read(&mut rest).await? > 0 {}
            std::io::Result::Ok(())
        };
        let _ = tokio::time::timeout(super::FAREWELL, leaving).await;
    }

    async fn wait(&mut self) {
        match self.seed.save_in() {
            None => self.link.filled().await,
            Some(until) => {
                let filled = tokio::time::timeout_at(until, self.link.filled()).await;
                if filled.is_err() {
                    Box::pin(self.seed.save(&self.server, false)).await;
                }
            }
        }
    }

    /// Whether the client took it.
    async fn write(&mut self, out: &mut BytesMut) -> bool {
        if out.is_empty() {
            return true;
        }
        let writing = async {
            self.writer.write_all(out).await?;
            self.writer.flush().await
        };
        let written = matches!(tokio::time::timeout(STALL, writing).await, Ok(Ok(())));
        out.clear();
        written
    }
}
