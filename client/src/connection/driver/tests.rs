//! Time passes at once here: tokio's clock is paused and jumps whenever all tasks wait.

use std::sync::Arc;
use std::time::Duration;

use kith_common::{FileGetRequest, HelloReply, Request};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};
use tokio::time::{Instant, sleep};

use crate::connection::{Connection, PushQueue, unannounced};
use crate::{Error, Push, Pushes, limits};

/// The server's end of a line that holds as many bytes under way as a socket may.
struct Peer(BufReader<DuplexStream>);

impl Peer {
    async fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).ok()
    }

    async fn ok(&mut self, request: &Value, mut payload: Value) {
        payload["status"] = json!("ok");
        payload["id"] = request["id"].clone();
        self.0.write_all(format!("{payload}\n").as_bytes()).await.unwrap();
    }
}

async fn connected() -> (Peer, Connection, Pushes) {
    let (near, far) = tokio::io::duplex(16 * 1024);
    let mut peer = Peer(BufReader::new(far));
    let queue = PushQueue::default();
    let script = async {
        let request = peer.next().await.unwrap();
        let hello: HelloReply = unannounced();
        peer.ok(&request, serde_json::to_value(hello).unwrap()).await;
    };
    let greeting = Connection::greet(near, Arc::from([]), "test/1", queue.clone());
    let ((), connection) = tokio::join!(script, greeting);
    (peer, connection.unwrap(), Pushes(queue))
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_alive_until_nobody_answers() {
    let (mut peer, connection, mut pushes) = connected().await;
    let begun = Instant::now();
    for _ in 0..3 {
        let ping = peer.next().await.unwrap();
        assert_eq!(ping["action"], "ping");
        peer.ok(&ping, json!({})).await;
    }
    assert!(begun.elapsed() >= limits::KEEPALIVE * 3);
    assert!(connection.is_open());
    peer.next().await.unwrap();
    assert!(matches!(pushes.next().await, Push::Lost(Error::Silent)));
    assert!(!connection.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_answers_fails_in_time() {
    let (_peer, connection, _pushes) = connected().await;
    let begun = Instant::now();
    assert_eq!(
        connection.request(&Request::Ping).await.unwrap_err(),
        Error::Silent
    );
    assert!(begun.elapsed() < limits::SILENCE * 2);
}

#[tokio::test(start_paused = true)]
async fn a_slow_line_is_not_a_dead_one() {
    let (mut peer, connection, _pushes) = connected().await;
    let begun = Instant::now();
    let script = async {
        let mut received = Vec::new();
        while received.last() != Some(&b'\n') {
            sleep(limits::SILENCE / 2).await;
            let mut piece = vec![0; 20_000];
            let taken = peer.0.read(&mut piece).await.unwrap();
            assert_ne!(taken, 0, "the client gave up");
            received.extend_from_slice(&piece[..taken]);
        }
        let request: Value = serde_json::from_slice(&received).unwrap();
        peer.ok(&request, json!({})).await;
    };
    let file = "x".repeat(160_000);
    let request = Request::FileGet(FileGetRequest { file });
    let ((), reply) = tokio::join!(script, connection.request(&request));
    reply.unwrap();
    assert!(begun.elapsed() > limits::SILENCE * 3);
}

#[tokio::test(start_paused = true)]
async fn more_requests_than_may_be_under_way_wait_and_are_answered() {
    let (mut peer, connection, _pushes) = connected().await;
    let total = limits::IN_FLIGHT + limits::REQUEST_QUEUE + 50;
    let mut replies = tokio::task::JoinSet::new();
    for _ in 0..total {
        let connection = connection.clone();
        replies.spawn(async move { connection.request(&Request::Ping).await.map(|_| ()) });
    }
    let mut requests = Vec::new();
    while requests.len() < limits::IN_FLIGHT {
        requests.push(peer.next().await.unwrap());
    }
    let more = tokio::time::timeout(Duration::from_secs(1), peer.next()).await;
    assert!(more.is_err(), "no more than {} are under way", limits::IN_FLIGHT);
    for request in requests {
        peer.ok(&request, json!({})).await;
    }
    for _ in limits::IN_FLIGHT..total {
        let request = peer.next().await.unwrap();
        peer.ok(&request, json!({})).await;
    }
    assert!(replies.join_all().await.into_iter().all(|reply| reply.is_ok()));
}
