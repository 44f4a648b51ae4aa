//! The connections of an example.

use kith_tests::{PATIENCE, Raw, Server};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::transcript::Greeting;

/// A connection, with TLS or, by mistake, without.
pub(crate) enum Connection {
    Tls(Box<Raw>),
    Plain(BufReader<TcpStream>),
}

impl Connection {
    pub(crate) async fn open(server: &Server, greeting: Greeting) -> Self {
        match greeting {
            Greeting::None => Self::Tls(Box::new(server.connect().await)),
            Greeting::Hello => Self::Tls(Box::new(server.connect_native().await)),
            Greeting::Plaintext => {
                let stream = TcpStream::connect(server.address).await.unwrap();
                Self::Plain(BufReader::new(stream))
            }
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        match self {
            Self::Tls(raw) => raw.send_bytes(bytes).await,
            Self::Plain(stream) => stream.write_all(bytes).await.unwrap(),
        }
    }

    /// The next line; `None` when the server has closed.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        match self {
            Self::Tls(raw) => raw.next().await,
            Self::Plain(stream) => {
                let mut line = String::new();
                let read = timeout(PATIENCE, stream.read_line(&mut line)).await;
                let count = read.expect("the server said nothing").unwrap();
                (count > 0).then(|| serde_json::from_str(&line).unwrap())
            }
        }
    }

    /// Says what waits that the example doesn't mention: the next thing after a ping has to be its reply.
    pub(crate) async fn left_over(&mut self) -> Option<Value> {
        if let Self::Plain(_) = self {
            return None;
        }
        self.send(b"{\"action\":\"ping\",\"id\":\"the example ends here\"}\n")
            .await;
        let line = self.next().await;
        line.filter(|line| line["id"] != "the example ends here")
    }

    /// Closes as TLS wants it, and waits for the server to do the same.
    pub(crate) async fn close(self) {
        match self {
            Self::Tls(raw) => raw.leave().await,
            Self::Plain(mut stream) => stream.shutdown().await.unwrap(),
        }
    }
}
