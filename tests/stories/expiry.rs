//! What ends with time: tickets, and uploads that nobody goes on with. The server runs in this process, with a clock of ours.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use kith_server::clock::Clock;
use kith_server::config::{Config, DataDir, Flags};
use kith_server::{listen, run};
use kith_tests::{Ask, PATIENCE, Raw, Server};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::transfers::{files, opened};

const HOUR: i64 = 60 * 60 * 1000;

struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct InProcess {
    address: SocketAddr,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl InProcess {
    async fn start(server: &Server, clock: &Arc<Hands>) -> Self {
        let data = DataDir::new(server.data());
        let mut config = Config::load(&data, [], &Flags::default()).unwrap();
        config.passwords.bcrypt_cost = 10;
        let ready = run::prepare_at(&data, config, clock.clone()).await.unwrap();
        let listener = listen::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let running = tokio::spawn(async move { ready.run(listener, stopped).await.unwrap() });
        Self {
            address,
            stop,
            running,
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        self.running.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_last_an_hour_and_uploads_a_week() {
    let mut server = Server::start();
    server.stop();
    let clock = Arc::new(Hands(AtomicI64::new(1_900_000_000_000)));
    let pass = |milliseconds| clock.0.fetch_add(milliseconds, Ordering::SeqCst);
    let process = InProcess::start(&server, &clock).await;
    let (address, ca) = (process.address, server.ca());
    let status = async |ask: Ask| ask.at(address, &ca).await.unwrap().status;
    let mut alice = Raw::connect(address, &ca, &[b"kith/1"]).await;
    alice.hello().await;
    alice.register("alice").await;
    alice.login("alice").await;
    let upload = opened(&alice.ok(json!({"action": "upload", "size": 10})).await);
    assert_eq!(
        status(Ask::patch(&upload.url, &upload.ticket, 0, b"hello")).await,
        204
    );
    pass(HOUR - 1);
    assert_eq!(status(Ask::tus("HEAD", &upload.url, &upload.ticket)).await, 200);
    pass(1);
    assert_eq!(status(Ask::tus("HEAD", &upload.url, &upload.ticket)).await, 401);
    // Days later, with a fresh ticket.
    pass(6 * 24 * HOUR);
    let again = opened(&alice.ok(json!({"action": "upload", "upload": upload.id})).await);
    assert_eq!(
        status(Ask::patch(&again.url, &again.ticket, 5, b"wor")).await,
        204
    );
    pass(7 * 24 * HOUR);
    let gone = alice
        .refusal(json!({"action": "upload", "upload": upload.id}))
        .await;
    assert_eq!(gone["code"], "not_found");
    let fresh = alice.ok(json!({"action": "upload"})).await;
    let head = Ask::tus("HEAD", &upload.url, fresh["ticket"].as_str().unwrap());
    assert_eq!(status(head).await, 404);
    process.stop().await;

    // Once a minute, and when the server starts, its bytes are deleted.
    let process = InProcess::start(&server, &clock).await;
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let deleted = async {
        while files(&server) > 0 {
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, deleted)
        .await
        .expect("its bytes are still there");
    process.stop().await;
}
