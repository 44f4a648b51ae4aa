//! How a copy of a log grows: always a stretch without gaps that ends at its newest event. Pure.

use kith_common::{EventKind, LogEvent, LogPage};

use super::fold;
use crate::local_store::{Head, LogChange};

/// Where events stand beside what is held of their log.
#[derive(Debug)]
pub(crate) enum Growth {
    /// There is nothing new in them.
    Known,
    /// They go to the end, or the beginning.
    Grows(LogChange),
    /// Those in front of them are missing.
    Beyond,
}

/// New events at the end of a log, in the order of their numbers. Of a log that isn't known, the first may have any number:
/// what is in front of it is left for later.
pub(crate) fn extend(log: &str, held: Option<&Head>, events: &[LogEvent]) -> Growth {
    let mut after = match (held, events.first()) {
        (Some(head), _) => head.clone(),
        (None, Some(event)) => Head {
            members: Vec::new(),
            first: 1,
            oldest: event.number,
            newest: event.number.saturating_sub(1),
        },
        (None, None) => return Growth::Known,
    };
    let mut new = Vec::new();
    for event in events {
        if event.number <= after.newest {
            continue;
        }
        if event.number != after.newest + 1 {
            break;
        }
        after.newest = event.number;
        new.push(event.clone());
    }
    let missing = events.last().is_some_and(|last| last.number > after.newest);
    match new.is_empty() {
        true if missing => Growth::Beyond,
        true => Growth::Known,
        false => Growth::Grows(change(log, held, after, new)),
    }
}

/// A page of `sync`: the newer events of a log, and what the server says of it.
pub(crate) fn sync(held: Option<&Head>, page: &LogPage) -> Growth {
    let log = &page.conversation;
    let numbers = page.events.iter().map(|event| event.number);
    let start = page.events.first().map_or(page.newest + 1, |event| event.number);
    if !numbers.zip(start..).all(|(number, due)| number == due) {
        return Growth::Beyond;
    }
    let mut before = held.cloned();
    if let Some(head) = &mut before
        && page.first > head.newest + 1
    {
        // What is in between has gone for good.
        head.newest = page.first - 1;
    }
    let mut growth = match extend(log, before.as_ref(), &page.events) {
        Growth::Beyond => return Growth::Beyond,
        Growth::Known => {
            let nothing = Head {
                first: 1,
                oldest: start,
                newest: start.saturating_sub(1),
                ..Head::default()
            };
            let after = before.unwrap_or(nothing);
            change(log, held, after, Vec::new())
        }
        Growth::Grows(change) => change,
    };
    growth.before = held.cloned();
    growth.after.members.clone_from(&page.members);
    growth.after.first = growth.after.first.max(page.first);
    growth.after.oldest = growth.after.oldest.max(page.first);
    if growth.before.as_ref() == Some(&growth.after) {
        return Growth::Known;
    }
    Growth::Grows(growth)
}

/// A page of `history`, older than what is held.
pub(crate) fn prepend(held: &Head, page: &LogPage) -> Growth {
    let mut after = held.clone();
    after.first = after.first.max(page.first);
    let mut new = Vec::new();
    for event in page.events.iter().rev() {
        if event.number >= after.oldest {
            continue;
        }
        if event.number != after.oldest - 1 {
            return Growth::Beyond;
        }
        after.oldest = event.number;
        new.push(event.clone());
    }
    after.oldest = after.oldest.max(after.first);
    if after == *held {
        return Growth::Known;
    }
    new.retain(|event| event.number >= after.oldest);
    new.reverse();
    Growth::Grows(change(&page.conversation, Some(held), after, new))
}

fn change(log: &str, before: Option<&Head>, after: Head, events: Vec<LogEvent>) -> LogChange {
    let mut erase = Vec::new();
    for event in events.iter().filter(|event| event.event == EventKind::Delete) {
        erase.extend(
            fold::targets(event)
                .into_iter()
                .map(|target| (target, event.sender.clone())),
        );
    }
    let with_targets = |event: LogEvent| {
        let targets = fold::targets(&event);
        (event, targets)
    };
    LogChange {
        log: log.to_owned(),
        before: before.cloned(),
        after,
        events: events.into_iter().map(with_targets).collect(),
        erase,
    }
}

#[cfg(test)]
mod tests {
    use kith_common::DeviceId;

    use super::*;

    fn events(numbers: &[u64]) -> Vec<LogEvent> {
        let event = |number: &u64| LogEvent {
            event: EventKind::Message,
            conversation: "c".to_owned(),
            number: *number,
            sender: "bob".to_owned(),
            device: DeviceId(1),
            time: 0,
            client_id: None,
            body: None,
        };
        numbers.iter().map(event).collect()
    }

    fn head(first: u64, oldest: u64, newest: u64) -> Head {
        Head {
            members: Vec::new(),
            first,
            oldest,
            newest,
        }
    }

    fn page(first: u64, numbers: &[u64]) -> LogPage {
        LogPage {
            conversation: "c".to_owned(),
            members: Vec::new(),
            first,
            newest: numbers.last().copied().unwrap_or(first.saturating_sub(1)),
            events: events(numbers),
        }
    }

    /// The head afterwards, and the numbers of the new events; 0 to 0 stands for what is beyond.
    fn outcome(growth: Growth, held: Head) -> (Head, Vec<u64>) {
        match growth {
            Growth::Known => (held, Vec::new()),
            Growth::Beyond => (head(0, 0, 0), Vec::new()),
            Growth::Grows(change) => (
                change.after,
                change.events.iter().map(|(event, _)| event.number).collect(),
            ),
        }
    }

    #[test]
    fn the_end_grows_without_gaps() {
        let held = head(1, 3, 5);
        let extended = |numbers: &[u64]| outcome(extend("c", Some(&held), &events(numbers)), held.clone());
        assert_eq!(extended(&[6]), (head(1, 3, 6), vec![6]));
        assert_eq!(extended(&[4, 5]), (held.clone(), vec![]));
        assert_eq!(extended(&[5, 6, 7]), (head(1, 3, 7), vec![6, 7]));
        assert_eq!(extended(&[7]), (head(0, 0, 0), vec![]));
        assert_eq!(extended(&[6, 8]), (head(1, 3, 6), vec![6]));
    }

    #[test]
    fn a_page_of_sync_may_begin_anywhere_and_say_what_is_gone() {
        let synced = |held: Option<&Head>, first: u64, numbers: &[u64]| {
            outcome(
                sync(held, &page(first, numbers)),
                held.cloned().unwrap_or_default(),
            )
        };
        assert_eq!(synced(None, 1, &[41, 42]), (head(1, 41, 42), vec![41, 42]));
        let held = head(1, 3, 5);
        assert_eq!(synced(Some(&held), 1, &[6, 7]), (head(1, 3, 7), vec![6, 7]));
        assert_eq!(synced(Some(&held), 4, &[6]), (head(4, 4, 6), vec![6]));
        assert_eq!(synced(Some(&held), 9, &[9]), (head(9, 9, 9), vec![9]));
        assert_eq!(synced(Some(&held), 9, &[]), (head(9, 9, 8), vec![]));
        assert_eq!(synced(Some(&held), 1, &[7]), (head(0, 0, 0), vec![]));
        assert_eq!(synced(Some(&held), 1, &[6, 8]), (head(0, 0, 0), vec![]));
    }

    #[test]
    fn the_beginning_grows_without_gaps() {
        let held = head(1, 5, 9);
        let prepended =
            |first: u64, numbers: &[u64]| outcome(prepend(&held, &page(first, numbers)), held.clone());
        assert_eq!(prepended(1, &[3, 4]), (head(1, 3, 9), vec![3, 4]));
        assert_eq!(prepended(1, &[4, 5, 6]), (head(1, 4, 9), vec![4]));
        assert_eq!(prepended(1, &[2, 3]), (head(0, 0, 0), vec![]));
        assert_eq!(prepended(4, &[4]), (head(4, 4, 9), vec![4]));
        assert_eq!(prepended(1, &[]), (held.clone(), vec![]));
        assert_eq!(prepended(7, &[]), (head(7, 7, 9), vec![]));
    }
}
