use std::sync::Arc;

use futures_util::{SinkExt as _, StreamExt as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::server::credentials;
use crate::{PATIENCE, Server};

/// A WebSocket to `/ws`, as a browser opens one.
pub struct Socket {
    /// The client's side, for what only few tests do.
    pub stream: WebSocketStream<TlsStream<TcpStream>>,
    /// The subprotocol that the server chose.
    pub protocol: Option<String>,
}

/// The answer to a handshake that failed: status and text.
pub type Refusal = (u16, String);

impl Socket {
    /// Opens one as a page of the server's own would.
    pub async fn open(server: &Server) -> Self {
        let origin = format!("https://localhost:{}", server.address.port());
        let headers = [("origin", &*origin), ("sec-websocket-protocol", "kith.v1")];
        Self::try_open(server, &headers).await.unwrap()
    }

    /// Opens one with these headers and no others of its own.
    ///
    /// # Errors
    /// The server refuses it.
    pub async fn try_open(server: &Server, headers: &[(&str, &str)]) -> Result<Self, Refusal> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(server.ca()).unwrap())
            .unwrap();
        let mut config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let stream = TcpStream::connect(server.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await.unwrap();

        let url = format!("wss://localhost:{}/ws", server.address.port());
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request
                .headers_mut()
                .append(name, HeaderValue::from_str(value).unwrap());
        }
        match tokio_tungstenite::client_async(request, stream).await {
            Ok((stream, response)) => {
                let protocol = response.headers().get("sec-websocket-protocol");
                Ok(Self {
                    stream,
                    protocol: protocol.map(|name| name.to_str().unwrap().to_owned()),
                })
            }
            Err(Error::Http(response)) => {
                let text = response.body().as_deref().unwrap_or_default();
                let text = String::from_utf8_lossy(text).into_owned();
                Err((response.status().as_u16(), text))
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends a message of the protocol.
    pub async fn send(&mut self, message: Value) {
        self.send_raw(Message::text(message.to_string())).await;
    }

    /// Sends anything.
    pub async fn send_raw(&mut self, message: Message) {
        self.stream.send(message).await.unwrap();
    }

    /// What comes next, whatever it is; `None` when the server has closed.
    pub async fn next_raw(&mut self) -> Option<Message> {
        let next = timeout(PATIENCE, self.stream.next()).await;
        match next.expect("the server said nothing") {
            Some(Ok(message)) => Some(message),
            Some(Err(error)) => panic!("reading failed: {error}"),
            None => None,
        }
    }

    /// The next message, which must be one of the protocol.
    pub async fn receive(&mut self) -> Value {
        match self.next_raw().await {
            Some(Message::Text(text)) => {
                assert!(!text.contains('\n'), "{text}");
                serde_json::from_str(&text).unwrap()
            }
            other => panic!("{other:?} instead of a message"),
        }
    }

    /// Sends a message and returns the next one.
    pub async fn ask(&mut self, message: Value) -> Value {
        self.send(message).await;
        self.receive().await
    }

    /// Sends a message that must succeed, and returns the reply.
    pub async fn ok(&mut self, message: Value) -> Value {
        let reply = self.ask(message.clone()).await;
        assert_eq!(reply["status"], "ok", "{message} -> {reply}");
        reply
    }

    /// Says `hello`.
    pub async fn hello(&mut self) -> Value {
        self.ok(json!({"action": "hello", "version": "kith/1", "client": "stories"}))
            .await
    }

    /// Registers somebody with the password of everybody, and logs them in.
    pub async fn join(&mut self, name: &str) -> Value {
        self.ok(credentials("register", name)).await;
        self.log_in(name).await
    }

    /// Logs somebody in.
    pub async fn log_in(&mut self, name: &str) -> Value {
        self.ok(credentials("login", name)).await
    }

    /// Waits for the server's close. Returns its code, and what was said before.
    pub async fn closed(&mut self) -> (u16, Vec<Value>) {
        let mut said = Vec::new();
        loop {
            match self.next_raw().await {
                Some(Message::Text(text)) => said.push(serde_json::from_str(&text).unwrap()),
                Some(Message::Close(Some(frame))) => return (frame.code.into(), said),
                other => panic!("{other:?} instead of a close"),
            }
        }
    }
}
