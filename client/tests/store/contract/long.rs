//! A long conversation.

use kith_client::local_store::{LocalStore, Range};

use super::{growth, head, message, numbers, one, query};

/// Messages in the conversation.
const MANY: u64 = 20_000;

/// Messages that are put in at a time.
const AT_ONCE: u64 = 500;

/// Pages of a long conversation are exact wherever they are asked for. The time that one takes, of `now`'s kind, is returned.
pub(crate) async fn a_long_conversation_is_paged(store: &dyn LocalStore, now: impl Fn() -> f64) -> f64 {
    let mut before = None;
    for start in (1..=MANY).step_by(usize::try_from(AT_ONCE).unwrap()) {
        let sender = |number| if number % 3 == 0 { "alice" } else { "bob" };
        let events = (start..start + AT_ONCE).map(|number| (message(number, sender(number)), vec![]));
        store.commit(one(growth(before, events.collect()))).await.unwrap();
        before = Some(head(1, start + AT_ONCE - 1));
    }
    let begun = now();
    for end in [u64::MAX - 1, MANY / 2, 60] {
        let page = store.events(query(Range::Before(end), true, 50)).await.unwrap();
        let last = end.min(MANY + 1);
        assert_eq!(numbers(&page), (last - 50..last).collect::<Vec<_>>());
        let effects = store.effects("chat".to_owned(), (last - 50, last - 1)).await;
        assert!(effects.unwrap().is_empty());
    }
    let each = (now() - begun) / 3.0;
    let unread = store
        .unread("chat".to_owned(), MANY - 30, "alice".to_owned())
        .await;
    assert_eq!(unread.unwrap(), 20);
    each
}
