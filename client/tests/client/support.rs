//! Certificates of any kind, and a server that follows a script.

use std::sync::Arc;

use kith_client::{ServerAddress, Target, Trust};
use kith_common::Pin;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData as _,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines, ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A local authority, as `kith-server setup` makes one.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What a server shows, and the key that it has.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.distinguished_name.push(DnType::CommonName, "Kith");
        change(&mut params);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pin(&self) -> Pin {
        pin(self.0.key())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server for `localhost` and 127.0.0.1, with changes.
    pub(crate) fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = server_params(&["localhost", "127.0.0.1"]);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.0).unwrap();
        Identity {
            chain: vec![leaf.der().clone(), self.0.der().clone()],
            key,
        }
    }

    pub(crate) fn server(&self) -> Identity {
        self.issue(|_| {})
    }
}

impl Identity {
    /// A certificate that vouches for itself.
    pub(crate) fn self_signed() -> Self {
        let key = KeyPair::generate().unwrap();
        let leaf = server_params(&["localhost", "127.0.0.1"])
            .self_signed(&key)
            .unwrap();
        Self {
            chain: vec![leaf.der().clone()],
            key,
        }
    }

    pub(crate) fn pin(&self) -> Pin {
        pin(&self.key)
    }
}

pub(crate) fn server_params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params
}

fn pin(key: &KeyPair) -> Pin {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &key.subject_public_key_info());
    Pin(hash.as_ref().try_into().unwrap())
}

/// A listening server that does what the test says.
pub(crate) struct Server {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    pub(crate) address: ServerAddress,
}

/// The server's side of a connection.
pub(crate) struct Peer {
    lines: Lines<BufReader<ReadHalf<TlsStream<TcpStream>>>>,
    writer: WriteHalf<TlsStream<TcpStream>>,
}

impl Server {
    pub(crate) async fn start(identity: &Identity) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = ServerAddress {
            host: "127.0.0.1".to_owned(),
            port,
        };
        let acceptor = acceptor(identity);
        Self {
            listener,
            acceptor,
            address,
        }
    }

    pub(crate) fn target(&self, trust: Trust) -> Target {
        Target {
            server: self.address.clone(),
            trust,
            program: "test/1".to_owned(),
        }
    }

    /// Accepts a connection, and says whether the client went through with the handshake.
    pub(crate) async fn accept(&self) -> Option<Peer> {
        let (stream, _) = self.listener.accept().await.unwrap();
        let stream = self.acceptor.accept(stream).await.ok()?;
        let (reader, writer) = tokio::io::split(stream);
        let mut peer = Peer {
            lines: BufReader::new(reader).lines(),
            writer,
        };
        // In TLS 1.3 the server is done before it knows what the client thinks of its certificates.
        let request = peer.next().await?;
        assert_eq!(request["action"], "hello");
        assert_eq!(request["version"], "kith/1");
        peer.ok(&request, hello()).await;
        Some(peer)
    }

    /// Accepts a connection and lets it resume its session.
    pub(crate) async fn resumed(&self) -> Peer {
        let mut peer = self.accept().await.unwrap();
        let request = peer.expect("resume").await;
        assert_eq!(request["token"], "secret");
        peer.ok(&request, login()).await;
        peer
    }
}

impl Peer {
    /// The next request; `None` when the client has gone.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let line = self.lines.next_line().await.ok()??;
        Some(serde_json::from_str(&line).unwrap())
    }

    /// The next request, which must be for this action.
    pub(crate) async fn expect(&mut self, action: &str) -> Value {
        let request = self.next().await.unwrap();
        assert_eq!(request["action"], action, "{request}");
        request
    }

    /// Expects a request and answers it.
    pub(crate) async fn serve(&mut self, action: &str, payload: Value) -> Value {
        let request = self.expect(action).await;
        self.ok(&request, payload).await;
        request
    }

    /// Answers what an engine asks by itself, until it goes.
    pub(crate) async fn serve_engine(&mut self) {
        while let Some(request) = self.next().await {
            match request["action"].as_str().unwrap() {
                "sync" => self.ok(&request, json!({"logs": [], "more": false})).await,
                "mark" => {
                    let (delivered, read) = (&request["delivered"], request["read"].as_u64().unwrap_or(0));
                    let marks = json!({"delivered": delivered, "read": read});
                    self.ok(&request, marks).await;
                }
                _ => panic!("{request}"),
            }
        }
    }

    pub(crate) async fn ok(&mut self, request: &Value, mut payload: Value) {
        payload["status"] = json!("ok");
        payload["id"] = request["id"].clone();
        self.push(&payload).await;
    }

    pub(crate) async fn refuse(&mut self, request: &Value, code: &str, message: &str) {
        let error = json!({"code": code, "message": message});
        self.push(&json!({"status": "error", "id": request["id"], "error": error}))
            .await;
    }

    pub(crate) async fn push(&mut self, line: &Value) {
        self.writer
            .write_all(format!("{line}\n").as_bytes())
            .await
            .unwrap();
        self.writer.flush().await.unwrap();
    }
}

pub(crate) fn hello() -> Value {
    json!({
        "version": "kith/1", "server": "script/1", "registration": "open", "capabilities": [],
        "limits": {
            "frame_before_login": 8192, "frame": 1_000_000, "message": 65536, "inline_file": 100_000,
            "sync_events": 500
        }
    })
}

/// `hello` after a login, with pins.
pub(crate) fn hello_with(pins: &[Pin]) -> Value {
    let mut reply = hello();
    reply["pins"] = json!(pins);
    reply
}

/// The reply to `resume`; with a token, to `login`.
pub(crate) fn login() -> Value {
    json!({"username": "alice", "display_name": "Alice", "admin": false, "account": "a1", "device": 7})
}

pub(crate) fn message(conversation: &str, number: u64, sender: &str, content: &str) -> Value {
    json!({
        "event": "message", "conversation": conversation, "number": number, "sender": sender, "device": 9,
        "time": 1_700_000_000_000_u64, "body": {"content": content}
    })
}

fn acceptor(identity: &Identity) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivatePkcs8KeyDer::from(identity.key.serialize_der());
    let key = provider.key_provider.load_private_key(key.into()).unwrap();
    // Unlike rustls's own, this resolver doesn't ask whether key and certificate belong together.
    let resolver = Resolver(Arc::new(CertifiedKey::new(identity.chain.clone(), key)));
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![b"kith/1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

#[derive(Debug)]
struct Resolver(Arc<CertifiedKey>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}
