use serde_json::{Value, json};

use super::{Story, page, said};
use crate::support::message;

/// What a terminal would obey, and what shows text in another order.
const HOSTILE: &str = "\u{1b}[2J\u{9b}31m\u{202e}evil\nsecond line\u{7f}";

#[tokio::test]
async fn what_was_missed_is_shown_once_and_safely() {
    let story = Story::alice().await;
    let listen = async |arguments: &[&str], events: &[Value], held: Value| {
        let script = async {
            let mut peer = story.resumed().await;
            let request = peer.serve("sync", page(events)).await;
            assert_eq!(request["logs"], held);
            peer.serve_engine().await;
        };
        let ((), output) = tokio::join!(script, story.run(arguments));
        said(&output)
    };
    let events = [
        message("c", 1, "bob", HOSTILE),
        message("c", 2, "alice", "from my phone"),
    ];
    let shown = listen(&["listen", "--once"], &events, json!({})).await;
    let lines: Vec<&str> = shown.lines().collect();
    let harmless = " bob: \u{fffd}[2J\u{fffd}31m\u{fffd}evil ⏎ second line\u{fffd}";
    assert!(lines[0].ends_with(harmless), "{shown:?}");
    assert!(lines[1].ends_with(" alice to bob: from my phone"), "{shown:?}");

    // Programs get the text as it is, and no byte of it that a terminal would obey.
    let events = [message("c", 3, "bob", HOSTILE)];
    let shown = listen(&["listen", "--once", "--json"], &events, json!({"c": 2})).await;
    assert!(
        !shown
            .trim_end()
            .chars()
            .any(|c| c.is_control() || c == '\u{202e}'),
        "{shown:?}"
    );
    let event: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(event["body"]["content"], HOSTILE);
    assert_eq!(event["number"], 3);
}

#[tokio::test]
async fn a_profile_of_the_version_before_goes_on_where_it_was() {
    let story = Story::alice().await;
    // It knew how far it had read, and held nothing of it.
    let path = story.home.path().join("kith/profile.json");
    let mut profile = story.profile();
    let account = format!("alice@{}", story.server.address);
    profile["accounts"][&account]["logs"] = json!({"c": {"number": 2, "others": ["bob"]}});
    std::fs::write(&path, profile.to_string()).unwrap();
    let events = [
        message("c", 1, "bob", "one"),
        message("c", 2, "bob", "two"),
        message("c", 3, "bob", "three"),
    ];
    let script = async {
        let mut peer = story.resumed().await;
        peer.serve("sync", page(&events)).await;
        peer.serve_engine().await;
    };
    let ((), output) = tokio::join!(script, story.run(&["listen", "--once"]));
    let shown = said(&output);
    assert_eq!(shown.lines().count(), 1, "{shown}");
    assert!(shown.ends_with(" bob: three\n"), "{shown}");
    assert_eq!(story.profile()["accounts"][&account]["logs"]["c"]["number"], 3);
}
