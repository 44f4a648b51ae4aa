use kith_client::{Connection, Error, Push, Pushes, Trust};
use kith_common::{ErrorCode, Request};
use serde_json::{Value, json};

use crate::support::{Authority, Peer, Server, message};

async fn connected() -> (Server, Peer, Connection, Pushes) {
    let authority = Authority::new();
    let server = Server::start(&authority.server()).await;
    let trust = Trust::Pins(vec![authority.pin()]);
    let (peer, opened) = tokio::join!(
        server.accept(),
        Connection::open(&server.address, &trust, "test/1")
    );
    let (connection, pushes) = opened.unwrap();
    (server, peer.unwrap(), connection, pushes)
}

async fn ping(connection: &Connection) -> Result<Value, Error> {
    connection.call(&Request::Ping).await
}

#[tokio::test]
async fn requests_are_under_way_together_and_pushes_come_between() {
    let (_server, mut peer, connection, mut pushes) = connected().await;
    let other = connection.clone();
    let script = async {
        let first = peer.expect("ping").await;
        let second = peer.expect("ping").await;
        let third = peer.expect("ping").await;
        peer.push(&message("c", 1, "bob", "one")).await;
        peer.ok(&first, json!({"n": 1})).await;
        peer.push(&json!({"event": "of the future", "x": 1})).await;
        peer.refuse(&second, "forbidden", "no").await;
        peer.push(&message("c", 2, "bob", "two")).await;
        peer.ok(&third, json!({"n": 3})).await;
    };
    let ((), first, second, third) = tokio::join!(script, ping(&connection), ping(&other), ping(&connection));
    assert_eq!(first.unwrap()["n"], 1);
    assert!(second.unwrap_err().is_refused(ErrorCode::Forbidden));
    assert_eq!(third.unwrap()["n"], 3);
    for expected in [1, 2] {
        let Push::Event(event) = pushes.next().await else {
            panic!()
        };
        assert_eq!(event.number, expected);
    }
    assert!(pushes.waiting().is_none());
}

#[tokio::test]
async fn an_answer_to_something_else_ends_the_connection() {
    let (_server, mut peer, connection, mut pushes) = connected().await;
    let script = async {
        peer.expect("ping").await;
        peer.ok(&json!({"id": 99}), json!({})).await;
    };
    let ((), reply) = tokio::join!(script, ping(&connection));
    assert!(matches!(reply, Err(Error::Protocol(_))));
    assert!(matches!(pushes.next().await, Push::Lost(Error::Protocol(_))));
    assert!(matches!(ping(&connection).await, Err(Error::Protocol(_))));
    assert!(!connection.is_open());
}

#[tokio::test]
async fn an_error_about_the_connection_is_told_to_all_who_wait() {
    let (_server, mut peer, connection, _pushes) = connected().await;
    let script = async {
        peer.expect("ping").await;
        peer.push(&json!({"status": "error", "error": {"code": "timeout", "message": "too slow"}}))
            .await;
    };
    let ((), reply) = tokio::join!(script, ping(&connection));
    assert!(reply.unwrap_err().is_refused(ErrorCode::Timeout));
}

#[tokio::test]
async fn a_servers_farewell_says_why() {
    let (_server, mut peer, _connection, mut pushes) = connected().await;
    peer.push(&message("c", 1, "bob", "hi")).await;
    peer.push(&json!({"event": "bye", "reason": "the server restarts"}))
        .await;
    drop(peer);
    assert!(matches!(pushes.next().await, Push::Event(_)));
    let Push::Lost(error) = pushes.next().await else {
        panic!()
    };
    assert_eq!(error, Error::Lost("the server restarts".to_owned()));
}

#[tokio::test]
async fn closing_ends_it_in_order_for_every_handle() {
    let (_server, mut peer, connection, mut pushes) = connected().await;
    let other = connection.clone();
    tokio::join!(connection.close(), async { assert_eq!(peer.next().await, None) });
    assert_eq!(ping(&other).await.unwrap_err(), Error::Closed);
    assert!(matches!(pushes.next().await, Push::Lost(Error::Closed)));
    connection.close().await;
}

#[tokio::test]
async fn dropping_the_last_handle_ends_it_too() {
    let (_server, mut peer, connection, _pushes) = connected().await;
    drop(connection);
    assert_eq!(peer.next().await, None);
}

#[tokio::test]
async fn what_the_server_would_not_take_is_not_sent() {
    let (_server, _peer, connection, _pushes) = connected().await;
    let request: Request = Request::FileGet(kith_common::FileGetRequest {
        file: "x".repeat(1_000_001),
    });
    let error = connection.request(&request).await.unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { limit: 1_000_000, .. }),
        "{error:?}"
    );
    assert!(connection.is_open());
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_told() {
    let (server, ..) = connected().await;
    let address = server.address.clone();
    drop(server);
    let error = Connection::open(&address, &Trust::Public, "test/1")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    let nowhere = "nowhere.invalid".parse().unwrap();
    let error = Connection::open(&nowhere, &Trust::Public, "test/1")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error:?}");
}
