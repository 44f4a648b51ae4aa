//! `kith-cli chat`, between two terminals.

use kith_tests::{PASSWORD, Server};

use super::Person;
use crate::relay::Relay;
use crate::terminal::Terminal;

/// The terminal of somebody who is registered, in whose shell `kith-cli` knows them.
async fn terminal(person: &Person, kind: &str) -> Terminal {
    let mut terminal = Terminal::open_on(person.home.path(), kind).await;
    let export = format!("export KITH_HOME={}/kith", person.home.path().display());
    terminal.run(&export, PASSWORD, None).await;
    terminal
}

/// The same, chatting with somebody.
async fn chatting(person: &Person, with: &str) -> Terminal {
    let mut terminal = terminal(person, "xterm").await;
    terminal
        .run(&format!("kith-cli chat {with}"), PASSWORD, Some("Ctrl+D end it."))
        .await;
    terminal
}

#[tokio::test]
async fn two_terminals_chat() {
    let server = Server::start();
    let (alice, bob) = (
        Person::registered("alice", &server).await,
        Person::registered("bob", &server).await,
    );
    bob.does(&["send", "alice", "from before"]).await;
    let mut hers = chatting(&alice, "bob").await;
    hers.wait_for(&["bob: from before"]).await;
    let mut his = chatting(&bob, "alice").await;

    // Typing is seen before there is anything to read, and marks after it.
    hers.press("see you at fo").await;
    his.wait_for(&["alice is typing"]).await;
    // What comes in meanwhile doesn't disturb what is being typed.
    his.enter("hello Alice").await;
    hers.wait_for(&["bob: hello Alice\n"]).await;
    hers.wait_for(&["> see you at fo"]).await;
    hers.enter("ur").await;
    his.wait_for(&["   3  "]).await;
    his.wait_for(&["alice: see you at four"]).await;
    hers.wait_for(&["3 is read"]).await;

    hers.enter("/edit see you at five").await;
    his.wait_for(&["   3  * changed by alice: see you at five"]).await;
    his.enter("/reply 3 gladly").await;
    hers.wait_for(&["bob: (answers 3) gladly"]).await;
    his.enter("/react 3 +1").await;
    hers.wait_for(&["   3  * reactions: +1 bob"]).await;
    his.wait_for(&["   3  * reactions: +1 bob"]).await;
    his.enter("/react 3 +1").await;
    hers.wait_for(&["   3  * no reactions any more"]).await;
    hers.enter("/delete 3").await;
    his.wait_for(&["   3  * erased by alice"]).await;

    std::fs::write(alice.home.path().join("plan.txt"), "the plan").unwrap();
    hers.enter("/file plan.txt").await;
    his.wait_for(&["alice: [file] plan.txt, 8 B (get-file "]).await;
    hers.enter("/file nowhere.txt").await;
    hers.wait_for(&["nowhere.txt: No such file or directory"]).await;
    hers.enter("/dance").await;
    hers.wait_for(&["there is no command /dance"]).await;
    hers.enter("//shrug").await;
    his.wait_for(&["alice: /shrug"]).await;

    hers.enter("/quit").await;
    hers.wait_for(&["$ "]).await;
    his.press("\u{4}").await;
    his.wait_for(&["$ "]).await;
    // The terminal works as before, and what was shown isn't printed again.
    hers.run("kith-cli listen --once | grep -c see", PASSWORD, Some("0\n"))
        .await;
}

#[tokio::test]
async fn what_is_typed_offline_waits_and_is_sent() {
    let mut server = Server::start();
    let relay = Relay::to(server.address).await;
    let alice = Person::registered_at("alice", relay.address, &server.pin).await;
    let _bob = Person::registered_at("bob", relay.address, &server.pin).await;
    alice.does(&["send", "bob", "one"]).await;
    server.kill();
    let mut hers = chatting(&alice, "bob").await;
    assert!(
        hers.shown().contains("this is as of the last time"),
        "{}",
        hers.shown()
    );
    hers.wait_for(&["offline: "]).await;
    hers.enter("two").await;
    hers.wait_for(&["the message \"two\" to bob: waits until the server is back"])
        .await;
    hers.wait_for(&["1 waiting"]).await;
    server.restart();
    relay.plug(server.address);
    hers.wait_for(&["   2  "]).await;
    hers.wait_for(&["alice: two"]).await;
    // Ctrl+C ends it as well.
    hers.press("\u{3}").await;
    hers.wait_for(&["$ "]).await;
}

#[tokio::test]
async fn nothing_that_others_send_moves_the_terminal() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let mut mallory = server.user("mallory").await;
    let hostile = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}evil\r\u{8}";
    mallory.say("alice", hostile).await;
    let mut hers = chatting(&alice, "mallory").await;
    mallory.say("alice", hostile).await;
    mallory.say("alice", "the end").await;
    hers.wait_for(&["mallory: the end"]).await;
    let shown = hers.shown();
    assert_eq!(shown.matches("evil").count(), 2, "{shown}");
    for obeyed in ["\u{1b}[2J", "\u{1b}]0", "\u{9b}", "\u{202e}", "\u{7}", "\u{8}"] {
        assert!(!shown.contains(obeyed), "{obeyed:?} in {shown:?}");
    }
    hers.enter("/quit").await;
    hers.wait_for(&["$ "]).await;
    for command in [
        "history mallory",
        "--json history mallory",
        "listen --once --json",
    ] {
        hers.run(
            &format!("kith-cli {command}; echo done"),
            PASSWORD,
            Some("\ndone\n"),
        )
        .await;
    }
    assert!(!hers.shown().contains("\u{1b}[2J") && !hers.shown().contains('\u{9b}'));
}

#[tokio::test]
async fn a_chat_wants_a_person_at_a_terminal_and_somebody_there() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let told = alice.fails(2, &["chat", "bob"]).await;
    assert!(told.contains("listen --json"), "{told}");
    let mut hers = terminal(&alice, "xterm").await;
    let refused = "there is no user of this name";
    hers.run("kith-cli chat nobody", PASSWORD, Some(refused)).await;
    // What is typed and refused isn't lost.
    hers.wait_for(&["$ "]).await;
    hers.enter("kith-cli send nobody").await;
    hers.wait_for(&["Ctrl+D on a line of its own\n"]).await;
    hers.enter("a long letter").await;
    hers.press("\u{4}").await;
    hers.wait_for(&["there is no user of this name; what you typed is kept"])
        .await;
    hers.wait_for(&["$ "]).await;
    assert!(alice.does(&["outbox"]).await.contains("a long letter"));
}

#[tokio::test]
async fn a_terminal_that_can_do_nothing_will_do() {
    let server = Server::start();
    let alice = Person::registered("alice", &server).await;
    let mut bob = server.user("bob").await;
    let mut hers = terminal(&alice, "dumb").await;
    hers.run(
        "kith-cli chat bob",
        PASSWORD,
        Some("There are no messages with bob yet."),
    )
    .await;
    hers.enter("hello").await;
    assert_eq!(bob.hear().await, ("alice".to_owned(), "hello".to_owned()));
    bob.say("alice", "hello yourself").await;
    hers.wait_for(&["bob: hello yourself"]).await;
    assert!(!hers.shown().contains('\u{1b}'), "{:?}", hers.shown());
    hers.interrupt().await;
}
