use kith_common::{DeviceId, ErrorCode};

use super::super::time::LocalTime;
use super::*;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

fn local(time: i64) -> LocalTime {
    let day = u8::try_from(time.div_euclid(DAY)).unwrap() + 1;
    LocalTime {
        day: Day {
            year: 1970,
            month: 1,
            day,
        },
        hour: u8::try_from(time.rem_euclid(DAY) / (60 * MINUTE)).unwrap(),
        minute: 0,
    }
}

fn eyes(read: Option<u64>) -> Eyes {
    Eyes {
        me: "alice".to_owned(),
        local,
        read,
    }
}

fn message(number: u64, sender: &str, time: i64) -> Message {
    Message {
        number,
        sender: sender.to_owned(),
        device: DeviceId(1),
        time,
        content: Content::Text(format!("text {number}")),
        edited: None,
        reply_to: None,
        reactions: litemap::LiteMap::new(),
    }
}

fn pending(id: u64, write: Write, progress: Progress) -> Pending {
    Pending {
        id,
        write,
        progress,
        time: 7,
    }
}

fn written(content: &str) -> Write {
    Write::Message {
        receiver: None,
        conversation: Some("c".to_owned()),
        content: content.to_owned(),
        reply_to: None,
    }
}

/// First and last of those that stand together, by number.
fn groups(views: &[Rc<View>]) -> Vec<(u64, bool, bool)> {
    let entries = views.iter().flat_map(|view| &view.entries);
    entries
        .map(|entry| match entry.key {
            Key::Stored(number) => (number, entry.first, entry.last),
            Key::Waiting(id) => panic!("{id} is in a block"),
        })
        .collect()
}

#[test]
fn messages_stand_together_by_sender_time_and_day() {
    let mut timeline = Timeline::default();
    timeline.take(
        1..=9,
        vec![
            message(1, "bob", 0),
            message(2, "bob", MINUTE),
            message(4, "alice", 2 * MINUTE),
            message(5, "alice", 20 * MINUTE),
            message(9, "alice", DAY),
        ],
    );
    let views = timeline.views(&eyes(None));
    assert_eq!(
        groups(&views),
        [
            (1, true, false),
            (2, false, true),
            (4, true, true),
            (5, true, true),
            (9, true, true)
        ]
    );
    let entries = views.iter().flat_map(|view| &view.entries);
    let days = entries.map(|entry| entry.day.map(|day| day.day));
    assert_eq!(days.collect::<Vec<_>>(), [Some(1), None, None, None, Some(2)]);
}

#[test]
fn only_blocks_that_change_are_made_again() {
    let mut timeline = Timeline::default();
    let all = (1..=BLOCK * 3).map(|number| message(number, "bob", 0)).collect();
    timeline.take(1..=BLOCK * 3, all);
    let before = timeline.views(&eyes(None));
    assert_eq!(before.len(), 4);
    // In the middle of the second block.
    let middle = BLOCK + BLOCK / 2;
    timeline.take(middle..=middle, vec![message(middle, "bob", 1)]);
    let after = timeline.views(&eyes(None));
    let same: Vec<bool> = before.iter().zip(&after).map(|(a, b)| Rc::ptr_eq(a, b)).collect();
    assert_eq!(same, [true, false, true, true]);
    // At the edge the neighbour knows it too.
    timeline.take(BLOCK..=BLOCK, vec![message(BLOCK, "alice", 0)]);
    let last = timeline.views(&eyes(None));
    let same: Vec<bool> = after.iter().zip(&last).map(|(a, b)| Rc::ptr_eq(a, b)).collect();
    assert_eq!(same, [false, false, true, true]);
    assert!(last[0].entries.last().unwrap().last);
}

#[test]
fn older_pages_join_in_front() {
    let mut timeline = Timeline::default();
    timeline.take(100..=110, (100..=110).map(|n| message(n, "bob", 0)).collect());
    timeline.take(80..=99, (80..=99).map(|n| message(n, "bob", 0)).collect());
    assert_eq!((timeline.oldest(), timeline.newest()), (Some(80), Some(110)));
    let firsts = groups(&timeline.views(&eyes(None)))
        .into_iter()
        .filter(|(_, first, _)| *first);
    assert_eq!(firsts.map(|(number, ..)| number).collect::<Vec<_>>(), [80]);
}

#[test]
fn what_was_unread_begins_with_a_divider() {
    let divided = |read| {
        let mut timeline = Timeline::default();
        timeline.take(
            1..=5,
            vec![
                message(1, "bob", 0),
                message(3, "bob", 0),
                message(4, "bob", 0),
                message(5, "alice", 0),
            ],
        );
        let views = timeline.views(&eyes(read));
        let entries = views.iter().flat_map(|view| view.entries.clone());
        entries
            .filter(|entry| entry.divider)
            .map(|entry| entry.key)
            .collect::<Vec<_>>()
    };
    assert_eq!(divided(Some(1)), [Key::Stored(3)]);
    assert_eq!(divided(Some(2)), [Key::Stored(3)]);
    assert_eq!(divided(Some(0)), [Key::Stored(1)]);
    assert_eq!(divided(None), []);
    // One's own message isn't unread.
    assert_eq!(divided(Some(4)), []);
}

#[test]
fn what_is_not_sent_yet_is_seen_already() {
    let mut timeline = Timeline::default();
    timeline.take(
        1..=3,
        vec![
            message(1, "alice", 0),
            message(2, "bob", 0),
            message(3, "alice", 0),
        ],
    );
    let conversation = || "c".to_owned();
    let edit = Write::Edit {
        conversation: conversation(),
        target: 1,
        content: "better".to_owned(),
    };
    let react = Write::React {
        conversation: conversation(),
        target: 2,
        reaction: "👍".to_owned(),
        on: true,
    };
    let delete = Write::Delete {
        conversation: conversation(),
        target: 3,
    };
    timeline.take_pending(&[
        pending(1, edit.clone(), Progress::Waiting),
        pending(2, react, Progress::Sending),
        pending(3, delete, Progress::Waiting),
    ]);
    let views = timeline.views(&eyes(None));
    let [edited, reacted, deleted] = views[0].entries.as_slice() else {
        panic!()
    };
    assert_eq!(edited.content, Content::Text("better".to_owned()));
    assert_eq!((edited.edited, &edited.state), (true, &State::Waiting));
    assert!(reacted.reactions[0].mine && reacted.state == State::Stored);
    assert_eq!(deleted.content, Content::Erased);
    // Refused: it looks as before, and says so.
    let error = WireError::new(ErrorCode::NotFound, "gone");
    timeline.take_pending(&[pending(1, edit, Progress::Failed(error.clone()))]);
    let views = timeline.views(&eyes(None));
    let [edited, reacted, deleted] = views[0].entries.as_slice() else {
        panic!()
    };
    assert_eq!(edited.content, Content::Text("text 1".to_owned()));
    assert_eq!(edited.state, State::Failed(1, error));
    assert!(reacted.reactions.is_empty() && deleted.content == Content::Text("text 3".to_owned()));
}

#[test]
fn what_waits_stands_below_until_the_copy_has_it() {
    let sent = |number| Progress::Sent {
        place: Some(("c".to_owned(), number)),
    };
    let outbox = [
        pending(1, written("a"), sent(7)),
        pending(2, written("b"), sent(8)),
        pending(3, written("c"), Progress::Waiting),
    ];
    let shown = |newest| {
        let entries = waiting(&outbox, newest, &eyes(None));
        entries
            .iter()
            .map(|entry| (entry.key, entry.first, entry.last))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        shown(Some(7)),
        [(Key::Waiting(2), true, false), (Key::Waiting(3), false, true)]
    );
    assert_eq!(shown(None).len(), 3);
}
