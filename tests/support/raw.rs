use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::PATIENCE;
use crate::server::credentials;

/// A TLS connection on which a test says to the byte what goes over it.
pub struct Raw {
    stream: TlsStream<TcpStream>,
    received: BytesMut,
}

impl Raw {
    /// Connects, and checks the server against this CA and the name `localhost`.
    pub async fn connect(address: SocketAddr, ca: &Path, alpn: &[&[u8]]) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap(), ca, alpn).await
    }

    /// The same, to a server that may be gone.
    pub async fn try_connect(address: SocketAddr, ca: &Path, alpn: &[&[u8]]) -> io::Result<Self> {
        Self::try_over(TcpStream::connect(address).await?, ca, alpn).await
    }

    /// The same over a connection that was set up elsewhere.
    pub async fn over(stream: TcpStream, ca: &Path, alpn: &[&[u8]]) -> Self {
        Self::try_over(stream, ca, alpn).await.unwrap()
    }

    async fn try_over(stream: TcpStream, ca: &Path, alpn: &[&[u8]]) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
        let mut config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        Ok(Self {
            stream,
            received: BytesMut::new(),
        })
    }

    /// Sends bytes as they are.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The same on a connection that the server may close meanwhile.
    pub async fn try_send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Sends a message as a line.
    pub async fn send(&mut self, message: Value) {
        self.send_bytes(format!("{message}\n").as_bytes()).await;
    }

    /// The next line; `None` when the server has closed the connection.
    pub async fn next(&mut self) -> Option<Value> {
        let line = timeout(PATIENCE, self.line())
            .await
            .expect("the server said nothing");
        line.map(|line| serde_json::from_slice(&line).unwrap_or_else(|e| panic!("{e}: {line:?}")))
    }

    /// The next line.
    pub async fn receive(&mut self) -> Value {
        self.next().await.expect("the server closed the connection")
    }

    /// Sends a message and returns the next line.
    pub async fn ask(&mut self, message: Value) -> Value {
        self.send(message).await;
        self.receive().await
    }

    /// Sends a message that must succeed, and returns the reply. Events that come before it are an error.
    pub async fn ok(&mut self, message: Value) -> Value {
        let reply = self.ask(message.clone()).await;
        assert_eq!(reply["status"], "ok", "{message} -> {reply}");
        reply
    }

    /// Sends a message that must fail, and returns the code of the error.
    pub async fn error(&mut self, message: Value) -> String {
        let error = self.refusal(message).await;
        error["code"].as_str().unwrap().to_owned()
    }

    /// Sends a message that must fail, and returns the error whole.
    pub async fn refusal(&mut self, message: Value) -> Value {
        self.send(message.clone()).await;
        self.refused(&message.to_string()).await
    }

    /// The next line, which must be an error. `what` was sent.
    pub async fn refused(&mut self, what: &str) -> Value {
        let mut reply = self.receive().await;
        assert_eq!(reply["status"], "error", "{what} -> {reply}");
        assert!(
            reply["error"]["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{reply}"
        );
        reply["error"].take()
    }

    /// The next event of this kind; others are passed over, a reply is an error.
    pub async fn event(&mut self, kind: &str) -> Value {
        loop {
            let event = self.receive().await;
            assert!(event["event"].is_string(), "{event} instead of an event");
            if event["event"] == kind {
                return event;
            }
        }
    }

    /// Sends a message that must succeed and returns the reply; events that come before it are passed over.
    pub async fn ok_after_events(&mut self, message: Value) -> Value {
        self.send(message.clone()).await;
        loop {
            let reply = self.receive().await;
            if reply["event"].is_null() {
                assert_eq!(reply["status"], "ok", "{message} -> {reply}");
                return reply;
            }
        }
    }

    /// Shows that nothing has come: the next thing after a ping is its reply.
    pub async fn nothing(&mut self) {
        let reply = self.ask(json!({"action": "ping", "id": "nothing"})).await;
        assert_eq!(
            reply,
            json!({"status": "ok", "id": "nothing"}),
            "something had come"
        );
    }

    /// Whether something has come, or the server has closed the connection, within this time.
    pub async fn has_more(&mut self, within: Duration) -> bool {
        !self.received.is_empty() || timeout(within, self.fill()).await.is_ok()
    }

    /// Waits until the server has closed the connection; what it says before is returned.
    pub async fn closed(&mut self) -> Vec<Value> {
        let mut lines = Vec::new();
        while let Some(line) = self.next().await {
            lines.push(line);
        }
        lines
    }

    /// All bytes that come until the server has closed the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        let reading = async { while self.fill().await {} };
        timeout(PATIENCE, reading).await.expect("the server said nothing");
        self.received.split().to_vec()
    }

    /// Says `hello`.
    pub async fn hello(&mut self) -> Value {
        self.ok(json!({"action": "hello", "version": "kith/1", "client": "stories"}))
            .await
    }

    /// Registers somebody with the password of everybody.
    pub async fn register(&mut self, name: &str) {
        self.ok(credentials("register", name)).await;
    }

    /// Logs somebody in.
    pub async fn login(&mut self, name: &str) -> Value {
        self.ok(credentials("login", name)).await
    }

    /// Sends a text and returns the reply.
    pub async fn say(&mut self, receiver: &str, content: &str) -> Value {
        self.ok(json!({"action": "message", "receiver": receiver, "content": content}))
            .await
    }

    /// The next line, which must be a text: who said what.
    pub async fn hear(&mut self) -> (String, String) {
        let event = self.receive().await;
        assert_eq!(event["event"], "message", "{event}");
        // A client that said hello finds the text in the body, a seed client beside the sender.
        let content = if event["body"].is_null() {
            &event["content"]
        } else {
            &event["body"]["content"]
        };
        (
            event["sender"].as_str().unwrap().to_owned(),
            content.as_str().unwrap().to_owned(),
        )
    }

    /// Says goodbye as TLS wants it and waits until the server has closed too.
    pub async fn leave(mut self) {
        let _ = self.stream.shutdown().await;
        self.closed().await;
    }

    /// Says no more, in the middle of whatever it was, and waits until the server has closed: all that was sent has arrived then.
    pub async fn hang_up(mut self) {
        let _ = self.stream.shutdown().await;
        self.rest().await;
    }

    async fn line(&mut self) -> Option<BytesMut> {
        let mut searched = 0;
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.received[searched..]) {
                let line = self.received.split_to(searched + end);
                self.received.advance(1);
                return Some(line);
            }
            searched = self.received.len();
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Reads what has come; `false` when the server has closed the connection.
    async fn fill(&mut self) -> bool {
        match self.stream.read_buf(&mut self.received).await {
            Ok(read) => read > 0,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
                ) =>
            {
                false
            }
            Err(error) => panic!("reading failed: {error}"),
        }
    }
}
