use std::collections::{BTreeMap, HashMap};

use kith_server::store::{LogKind, Page, Store, Stretch};

use crate::bed::Bed;
use crate::people::{Person, code, person};

/// Everything that an account's logs have, got in pages of so many events; each with its number, by log.
async fn in_pages(store: &Store, who: &Person, limit: u64) -> BTreeMap<String, Vec<(i64, Vec<u8>)>> {
    let mut held = BTreeMap::new();
    let mut logs: BTreeMap<String, Vec<(i64, Vec<u8>)>> = BTreeMap::new();
    loop {
        let (pages, more) = store.newer(&who.account, &held, limit, None).await.unwrap();
        let count: usize = pages.iter().map(|page| page.events.len()).sum();
        assert!(count as u64 <= limit);
        assert!(!more || count > 0, "there is more, but nothing came");
        for page in pages {
            let events = logs.entry(page.log.public_id.to_string()).or_default();
            for event in page.events {
                events.push((event.number, event.body.unwrap().to_vec()));
            }
            let newest = events.last().unwrap().0;
            assert!(newest <= page.newest);
            held.insert(page.log.public_id.to_string(), newest.cast_unsigned());
        }
        if !more {
            return logs;
        }
    }
}

pub(crate) async fn pages_make_up_the_whole(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let mut expected: BTreeMap<String, Vec<(i64, Vec<u8>)>> = BTreeMap::new();
    for number in 0..4 {
        let other = person(&store, &format!("other{number}")).await;
        let log = alice.with(&store, &other).await;
        for message in 0..number * 3 {
            let text = format!("{number}/{message}");
            store.append_and_wait(other.text(&log, &text)).await.unwrap();
            let events = expected.entry(log.public_id.to_string()).or_default();
            events.push((message + 1, text.into_bytes()));
        }
        // What others have among themselves is theirs.
        let private = bob.with(&store, &other).await;
        store
            .append_and_wait(bob.text(&private, "private"))
            .await
            .unwrap();
    }
    let own = store.told(alice.account.log.id).await;
    let own = own
        .iter()
        .map(|event| (event.number, event.body.to_vec()))
        .collect();
    expected.insert(alice.account.log.public_id.to_string(), own);
    for limit in [1, 2, 3, 5, 8, 100] {
        assert_eq!(
            in_pages(&store, &alice, limit).await,
            expected,
            "{limit} at a time"
        );
    }
    let (pages, _) = store
        .newer(&alice.account, &BTreeMap::new(), 100, None)
        .await
        .unwrap();
    assert_eq!((pages[0].log.kind, pages[0].members.len()), (LogKind::Account, 0));
    for page in &pages[1..] {
        assert_eq!(
            (page.log.kind, page.members.len(), page.first),
            (LogKind::Direct, 2, 1)
        );
    }
    store.close().await;
}

pub(crate) async fn a_page_is_bounded_in_bytes(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    let long = "x".repeat(64 * 1024);
    for _ in 0..250 {
        store.append_and_wait(alice.text(&log, &long)).await.unwrap();
    }
    let (pages, more) = store
        .newer(&bob.account, &BTreeMap::new(), 500, None)
        .await
        .unwrap();
    assert!(more);
    assert!(pages.iter().map(|page| page.events.len()).sum::<usize>() <= 150);
    assert_eq!(in_pages(&store, &bob, 500).await[&*log.public_id].len(), 250);
    store.close().await;
}

pub(crate) async fn history_goes_back_and_forth(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let mallory = person(&store, "mallory").await;
    let log = alice.with(&store, &bob).await;
    for number in 1..=230 {
        let text = "x".repeat(if number <= 40 { 64 * 1024 } else { 1 });
        store.append_and_wait(alice.text(&log, &text)).await.unwrap();
    }
    let page = async |stretch, limit| {
        let page = store
            .history(&bob.account, &log.public_id, stretch, limit)
            .await
            .unwrap();
        assert_eq!((page.first, page.newest, page.members.len()), (1, 230, 2));
        page.events.iter().map(|event| event.number).collect::<Vec<_>>()
    };
    let from = |first, last| (first..=last).collect::<Vec<i64>>();
    assert_eq!(page(Stretch::Before(i64::MAX), 150).await, from(81, 230));
    assert_eq!(
        page(Stretch::Before(81), 500).await,
        from(9, 80),
        "2 MiB of bodies are enough"
    );
    assert_eq!(page(Stretch::Before(9), 3).await, from(6, 8));
    assert_eq!(page(Stretch::After(0), 500).await, from(1, 32));
    assert_eq!(page(Stretch::After(32), 500).await, from(33, 230));
    for beyond in [
        Stretch::Before(1),
        Stretch::Before(i64::MIN),
        Stretch::After(230),
        Stretch::After(i64::MAX),
    ] {
        assert!(page(beyond, 10).await.is_empty());
    }
    for id in [&*log.public_id, &*alice.account.log.public_id, "nothing", "\0"] {
        let refused = store.history(&mallory.account, id, Stretch::After(0), 10).await;
        assert_eq!(code(refused), "NotFound", "{id:?}");
    }
    let id = log.id.0;
    bed.run(&format!(
        "UPDATE logs SET first = 226 WHERE id = {id}; DELETE FROM events WHERE log_id = {id} AND number < 226;
         UPDATE members SET joined_number = 227 WHERE account_id = {}",
        bob.account.id.0
    ))
    .await;
    // Bob sees what came after he joined, Alice what retention has left.
    for (who, first) in [(&bob, 228), (&alice, 226)] {
        for stretch in [Stretch::Before(i64::MAX), Stretch::After(0)] {
            let page = store
                .history(&who.account, &log.public_id, stretch, 500)
                .await
                .unwrap();
            let numbers: Vec<i64> = page.events.iter().map(|event| event.number).collect();
            assert_eq!((page.first, numbers), (first, from(first, 230)));
        }
    }
    store.close().await;
}

pub(crate) async fn the_tail_of_what_is_not_held(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    for number in 1..=9 {
        store
            .append_and_wait(alice.text(&log, &format!("{number}")))
            .await
            .unwrap();
    }
    let newer = async |held: &[(&str, u64)], tail| {
        let held = held
            .iter()
            .map(|(log, number)| ((*log).to_owned(), *number))
            .collect();
        let (pages, _) = store.newer(&bob.account, &held, 100, tail).await.unwrap();
        let numbers = |page: &Page| page.events.iter().map(|event| event.number).collect::<Vec<_>>();
        pages.iter().map(numbers).collect::<Vec<_>>()
    };
    assert_eq!(newer(&[], Some(2)).await, [vec![1], vec![8, 9]]);
    assert_eq!(newer(&[], Some(u64::MAX)).await[1], (1..=9).collect::<Vec<_>>());
    assert_eq!(
        newer(&[(&log.public_id, 0)], Some(2)).await[1],
        (1..=9).collect::<Vec<_>>()
    );
    assert_eq!(newer(&[(&log.public_id, 6)], Some(2)).await[1], [7, 8, 9]);
    store.close().await;
}

pub(crate) async fn held_beyond_the_newest(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    for text in ["one", "two", "three"] {
        store.append_and_wait(alice.text(&log, text)).await.unwrap();
    }
    let newer = async |held: &[(&str, u64)]| {
        let held = held
            .iter()
            .map(|(log, number)| ((*log).to_owned(), *number))
            .collect();
        let (pages, more) = store.newer(&bob.account, &held, 100, None).await.unwrap();
        assert!(!more);
        let pages = pages.iter().filter(|page| page.log.id == log.id);
        pages
            .flat_map(|page| page.events.iter().map(|event| event.number))
            .collect::<Vec<_>>()
    };
    assert_eq!(newer(&[(&log.public_id, 2)]).await, [3]);
    assert!(newer(&[(&log.public_id, 3)]).await.is_empty());
    assert!(newer(&[(&log.public_id, 4)]).await.is_empty());
    assert!(newer(&[(&log.public_id, u64::MAX)]).await.is_empty());
    assert_eq!(newer(&[("no such log", 7), ("\0", 7)]).await, [1, 2, 3]);
    assert!(store.events_after(log.id, i64::MAX, 10).await.unwrap().is_empty());
    store.close().await;
}

pub(crate) async fn what_retention_took_is_passed_over(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let log = alice.with(&store, &bob).await;
    for number in 1..=6 {
        store
            .append_and_wait(alice.text(&log, &format!("{number}")))
            .await
            .unwrap();
    }
    let id = log.id.0;
    bed.run(&format!(
        "UPDATE logs SET first = 5 WHERE id = {id}; DELETE FROM events WHERE log_id = {id} AND number < 5"
    ))
    .await;
    for held in [0, 2, 4] {
        let held = BTreeMap::from([(log.public_id.to_string(), held)]);
        let (pages, _) = store.newer(&bob.account, &held, 100, None).await.unwrap();
        let page = pages.iter().find(|page| page.log.id == log.id).unwrap();
        assert_eq!((page.first, page.newest), (5, 6));
        assert!(page.events.iter().map(|event| event.number).eq([5, 6]));
    }
    assert_eq!(
        store.append_and_wait(alice.text(&log, "7")).await.unwrap().number,
        7
    );
    store.close().await;
}

pub(crate) async fn ids_that_nobody_gave_out(bed: &Bed) {
    let store = bed.open().await;
    let alice = person(&store, "alice").await;
    for id in ["", "nothing", "' OR 1 = 1", "a\0b", &"x".repeat(100_000)] {
        assert_eq!(code(store.conversation(id).await), "NotFound");
        assert_eq!(code(store.announced_blob(alice.account.id, id).await), "NotFound");
    }
    // An account's own log is no conversation.
    assert_eq!(
        code(store.conversation(&alice.account.log.public_id).await),
        "NotFound"
    );
    store.close().await;
}

pub(crate) async fn the_seed_cursor_never_goes_back(bed: &Bed) {
    let store = bed.open().await;
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let carol = person(&store, "carol").await;
    let (log, other) = (alice.with(&store, &bob).await, alice.with(&store, &carol).await);
    for number in 0..5 {
        store
            .append_and_wait(bob.text(&log, &format!("{number}")))
            .await
            .unwrap();
    }
    store.append_and_wait(carol.text(&other, "hi")).await.unwrap();
    let backlog = async |who: &Person| -> Vec<_> {
        let found = store.seed_backlog(&who.account).await.unwrap();
        found
            .iter()
            .map(|backlog| (backlog.log.id, backlog.given))
            .collect()
    };
    let advance = async |given: &[(_, i64)]| {
        store
            .advance_seed(
                alice.account.id,
                &given.iter().copied().collect::<HashMap<_, _>>(),
            )
            .await
            .unwrap();
    };
    assert_eq!(backlog(&alice).await, [(log.id, 0), (other.id, 0)]);
    advance(&[]).await;
    advance(&[(log.id, 3), (other.id, 1)]).await;
    assert_eq!(backlog(&alice).await, [(log.id, 3)]);
    // Another connection, slower, has less to tell.
    advance(&[(log.id, 2), (other.id, 0)]).await;
    assert_eq!(backlog(&alice).await, [(log.id, 3)]);
    assert_eq!(backlog(&bob).await, [(log.id, 0)]);
    advance(&[(log.id, 5)]).await;
    assert!(backlog(&alice).await.is_empty());
    store.close().await;
}
