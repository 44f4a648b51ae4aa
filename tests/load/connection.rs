//! A connection that costs little: the generator shares the machine with the server it measures.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bytes::{Buf as _, BytesMut};
use kith_common::{Incoming, Request, ResumeRequest};
use memchr::memchr;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How to reach the server.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Arc<ClientConfig>,
}

pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    received: BytesMut,
}

impl Target {
    /// Full handshakes only: a session that is resumed would flatter the figures.
    pub(crate) fn new(address: SocketAddr, ca: &Path) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca)?)?;
        let mut tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"kith/1".to_vec()];
        tls.resumption = rustls::client::Resumption::disabled();
        Ok(Self {
            address,
            tls: Arc::new(tls),
        })
    }

    /// Connects and says `hello`.
    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        let stream = TlsConnector::from(self.tls.clone()).connect(name, stream).await?;
        let mut connection = Connection {
            stream,
            received: BytesMut::new(),
        };
        connection.ask(&json!({"action": "hello"})).await?;
        Ok(connection)
    }

    /// Connects and resumes a session, in one flight.
    pub(crate) async fn resume(&self, token: &str) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        let stream = TlsConnector::from(self.tls.clone()).connect(name, stream).await?;
        let mut connection = Connection {
            stream,
            received: BytesMut::new(),
        };
        let resume = serde_json::to_string(&Request::Resume(ResumeRequest {
            token: token.to_owned(),
        }))?;
        connection
            .write(format!("{{\"action\":\"hello\"}}\n{resume}\n").as_bytes())
            .await?;
        connection.reply().await?;
        connection.reply().await?;
        Ok(connection)
    }
}

impl Connection {
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }

    /// Sends a request and waits for its reply; events in between are dropped.
    pub(crate) async fn ask(&mut self, request: &serde_json::Value) -> anyhow::Result<Box<RawValue>> {
        self.write(format!("{request}\n").as_bytes()).await?;
        self.reply().await
    }

    async fn reply(&mut self) -> anyhow::Result<Box<RawValue>> {
        loop {
            while let Some(line) = self.next_line() {
                if let Incoming::Reply { result, .. } = Incoming::parse(&line)? {
                    return Ok(result?);
                }
            }
            self.fill().await?;
        }
    }

    /// Reads once. Can be cancelled.
    pub(crate) async fn fill(&mut self) -> anyhow::Result<()> {
        self.received.reserve(16 * 1024);
        match self
            .stream
            .read_buf(&mut self.received)
            .await
            .context("reading failed")?
        {
            0 => bail!("the server closed the connection"),
            _ => Ok(()),
        }
    }

    /// A line that has been received already.
    pub(crate) fn next_line(&mut self) -> Option<BytesMut> {
        let end = memchr(b'\n', &self.received)?;
        let line = self.received.split_to(end);
        self.received.advance(1);
        Some(line)
    }

    /// Gives the receive buffer back, for a connection that is to be idle.
    pub(crate) fn forget_buffer(&mut self) {
        self.received = BytesMut::new();
    }

    pub(crate) async fn close(&mut self) {
        let _ = self.stream.shutdown().await;
    }
}
