use std::collections::BTreeMap;

use kith_client::{Error, Guest, Push, Pushes, Session, Target, Trust};
use kith_common::{ContactAction, ErrorCode, FileName, Pin, Username};
use serde_json::{Value, json};

use crate::support::{Authority, Peer, Server, hello_with, login, message};

struct Story {
    server: Server,
    authority: Authority,
}

impl Story {
    async fn begin() -> Self {
        let authority = Authority::new();
        let server = Server::start(&authority.server()).await;
        Self { server, authority }
    }

    fn target(&self) -> Target {
        self.server.target(Trust::Pins(vec![self.authority.pin()]))
    }

    /// Alice with a session, and the server's side of it.
    async fn alice(&self) -> (Peer, Session, Pushes) {
        let (peer, opened) = tokio::join!(
            self.resumed(&[]),
            Session::resume(self.target(), "secret".to_owned())
        );
        let (session, pushes) = opened.unwrap();
        (peer, session, pushes)
    }

    async fn resumed(&self, pins: &[Pin]) -> Peer {
        let mut peer = self.server.resumed().await;
        peer.serve("hello", hello_with(pins)).await;
        peer
    }
}

fn bob() -> Username {
    "bob".parse().unwrap()
}

fn sent(number: u64) -> Value {
    json!({"conversation": "c", "number": number, "time": 1})
}

#[tokio::test]
async fn an_account_is_made_and_logged_in() {
    let story = Story::begin().await;
    let alice: Username = "alice".parse().unwrap();
    let client = async {
        let guest = Guest::connect(story.target()).await.unwrap();
        assert_eq!(guest.hello().registration, "open");
        guest
            .register(&alice, "hunter22".to_owned(), Some("code".to_owned()))
            .await
            .unwrap();
        guest
            .login(&alice, "hunter22".to_owned(), Some("laptop".to_owned()))
            .await
            .unwrap()
    };
    let script = async {
        let mut peer = story.server.accept().await.unwrap();
        let request = peer.serve("register", json!({})).await;
        assert_eq!(
            (&request["username"], &request["invite"]),
            (&json!("alice"), &json!("code"))
        );
        let mut reply = login();
        reply["token"] = json!("secret");
        let request = peer.serve("login", reply).await;
        assert_eq!(request["device_name"], "laptop");
        peer.serve("hello", hello_with(&[Pin([1; 32]), story.authority.pin()]))
            .await;
    };
    let ((session, _pushes), ()) = tokio::join!(client, script);
    assert_eq!(session.token(), "secret");
    assert_eq!(session.login().account, "a1");
    assert_eq!(session.pins(), [Pin([1; 32]), story.authority.pin()]);
    assert!(!format!("{session:?}").contains("secret"));
}

#[tokio::test]
async fn pins_that_the_server_does_not_show_are_not_kept() {
    let story = Story::begin().await;
    let foreign = [Pin([1; 32])];
    let (_peer, opened) = tokio::join!(
        story.resumed(&foreign),
        Session::resume(story.target(), "secret".to_owned())
    );
    assert_eq!(opened.unwrap().0.pins(), []);
}

#[tokio::test]
async fn a_write_whose_reply_is_lost_is_sent_again_under_the_same_id() {
    let story = Story::begin().await;
    let (mut peer, session, mut pushes) = story.alice().await;
    let script = async {
        let first = peer.expect("message").await;
        drop(peer);
        let mut peer = story.server.resumed().await;
        let again = peer.serve("message", sent(1)).await;
        for field in ["client_id", "content", "receiver"] {
            assert_eq!(first[field], again[field]);
        }
        assert_eq!(first["client_id"].as_str().unwrap().len(), 32);
        let next = peer.serve("message", sent(2)).await;
        assert_ne!(next["client_id"], first["client_id"]);
        peer
    };
    let client = async {
        let one = session.send(&bob(), "one".to_owned()).await.unwrap();
        let two = session.send(&bob(), "two".to_owned()).await.unwrap();
        (one.number, two.number)
    };
    let (_peer, numbers) = tokio::join!(script, client);
    assert_eq!(numbers, (1, 2));
    // The new connection has missed what was pushed meanwhile; the loss itself is made good.
    assert!(matches!(pushes.next().await, Push::Behind));
    assert!(pushes.waiting().is_none());
}

#[tokio::test]
async fn every_kind_of_write_survives_a_cut() {
    let story = Story::begin().await;
    let (mut peer, session, _pushes) = story.alice().await;
    let name = FileName::try_from("a.txt".to_owned()).unwrap();
    let script = async {
        for (action, reply) in [
            ("file", sent(1)),
            ("contacts", json!({})),
            ("sessions", json!({})),
            ("password", json!({})),
        ] {
            let first = peer.expect(action).await;
            drop(peer);
            peer = story.server.resumed().await;
            let again = peer.serve(action, reply).await;
            assert!(first["client_id"].is_string());
            assert_eq!(first["client_id"], again["client_id"]);
        }
        peer
    };
    let client = async {
        session.send_file(&bob(), name, b"hi".to_vec()).await.unwrap();
        session.change_contact(ContactAction::Add, &bob()).await.unwrap();
        session.revoke(kith_common::DeviceId(3)).await.unwrap();
        session
            .change_password("old".to_owned(), "new".to_owned())
            .await
            .unwrap();
    };
    tokio::join!(script, client);
}

#[tokio::test]
async fn a_write_that_cannot_be_repeated_is_said_to_be_unconfirmed() {
    let story = Story::begin().await;
    let (mut peer, session, _pushes) = story.alice().await;
    let Story { server, .. } = story;
    let script = async {
        peer.expect("message").await;
        drop(server);
        drop(peer);
    };
    let bob = bob();
    let ((), result) = tokio::join!(script, session.send(&bob, "hi".to_owned()));
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Unconfirmed(_)), "{error:?}");
}

#[tokio::test]
async fn a_refusal_is_no_reason_to_try_again() {
    let story = Story::begin().await;
    let (mut peer, session, _pushes) = story.alice().await;
    let script = async {
        let request = peer.expect("message").await;
        peer.refuse(&request, "blocked", "bob doesn't take messages from you")
            .await;
        peer
    };
    let bob = bob();
    let (_peer, result) = tokio::join!(script, session.send(&bob, "hi".to_owned()));
    assert!(result.unwrap_err().is_refused(ErrorCode::Blocked));
}

#[tokio::test]
async fn a_session_that_ended_meanwhile_is_told() {
    let story = Story::begin().await;
    let (peer, session, mut pushes) = story.alice().await;
    drop(peer);
    assert!(matches!(pushes.next().await, Push::Lost(Error::Lost(_))));
    let script = async {
        let mut peer = story.server.accept().await.unwrap();
        let request = peer.expect("resume").await;
        peer.refuse(&request, "session_ended", "this session has ended")
            .await;
    };
    let ((), result) = tokio::join!(script, session.reconnect());
    assert!(result.unwrap_err().is_refused(ErrorCode::SessionEnded));
}

#[tokio::test]
async fn what_was_missed_comes_page_by_page() {
    let story = Story::begin().await;
    let (mut peer, session, _pushes) = story.alice().await;
    let page = |first: u64, numbers: &[u64]| {
        let events: Vec<Value> = numbers.iter().map(|n| message("c", *n, "bob", "hi")).collect();
        json!({"conversation": "c", "members": ["alice", "bob"], "first": first, "newest": 9, "events": events})
    };
    let script = async {
        let request = peer
            .serve("sync", json!({"logs": [page(1, &[3, 4])], "more": true}))
            .await;
        assert_eq!(request["logs"], json!({"c": 2}));
        // Retention has taken what came before 8.
        let request = peer
            .serve("sync", json!({"logs": [page(8, &[])], "more": true}))
            .await;
        assert_eq!(request["logs"], json!({"c": 4}));
        let request = peer
            .serve("sync", json!({"logs": [page(8, &[8, 9])], "more": false}))
            .await;
        assert_eq!(request["logs"], json!({"c": 7}));
        peer.serve("sync", json!({"logs": [], "more": true})).await;
        peer
    };
    let client = async {
        let mut missed = session.missed(BTreeMap::from([("c".to_owned(), 2)]));
        let mut numbers = Vec::new();
        while let Some(page) = missed.next().await.unwrap() {
            numbers.extend(page.events.iter().map(|event| event.number));
        }
        assert_eq!(numbers, [3, 4, 8, 9]);
        session.missed(BTreeMap::new()).next().await.unwrap_err()
    };
    let (_peer, error) = tokio::join!(script, client);
    assert!(
        matches!(error, Error::Protocol(_)),
        "a server that promises without end is not believed"
    );
}
