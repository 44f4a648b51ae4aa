//! The store against a model of it that takes one write after the other, with random writes in random batches.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kith_server::store::{Append, Log, Store};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::bed::Bed;
use crate::people::{Person, code, in_one_batch, person, queue};

const PEOPLE: usize = 3;
const KEYS: u8 = 6;
const TEXTS: u8 = 2;

/// A write, by indexes.
#[derive(Clone, Debug)]
struct Write {
    sender: usize,
    log: usize,
    key: Option<u8>,
    text: u8,
    /// Relative to the newest number when the batch begins.
    expect: Option<i64>,
}

/// Writes that are queued together.
#[derive(Clone, Debug)]
struct Wave {
    writes: Vec<Write>,
    /// Whether the writer is held up until they all wait, so that they surely share a transaction.
    one_batch: bool,
    /// Whether the store is opened anew before.
    reopen: bool,
}

fn writes() -> impl Strategy<Value = Write> {
    (
        0..PEOPLE,
        0..PEOPLE,
        option::of(0..KEYS),
        0..TEXTS,
        option::weighted(0.2, -1_i64..4),
    )
        .prop_map(|(sender, log, key, text, expect)| Write {
            sender,
            log,
            key,
            text,
            expect,
        })
}

fn waves() -> impl Strategy<Value = Vec<Wave>> {
    let wave = (vec(writes(), 1..12), any::<bool>(), proptest::bool::weighted(0.1));
    vec(
        wave.prop_map(|(writes, one_batch, reopen)| Wave {
            writes,
            one_batch,
            reopen,
        }),
        1..8,
    )
}

pub(crate) async fn behaves_as_if_one_after_the_other(bed: &Bed) {
    let config = Config {
        cases: 40,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let rounds = Cell::new(0);
    let checked = block_in_place(|| {
        TestRunner::new(config).run(&waves(), |waves| {
            rounds.set(rounds.get() + 1);
            Handle::current().block_on(check(bed, &waves, rounds.get()));
            Ok(())
        })
    });
    checked.unwrap_or_else(|failure| panic!("{failure}"));
}

async fn check(bed: &Bed, waves: &[Wave], round: u32) {
    let mut store = bed.open().await;
    let World { people, logs } = world(&store, round).await;
    let mut model = Model::default();
    for wave in waves {
        if wave.reopen {
            store.close().await;
            store = bed.open().await;
        }
        let mut appends = Vec::new();
        let mut expected = Vec::new();
        // The write that holds the writer up comes before the others.
        let holder = people[0].text(&logs[0], "holder");
        if wave.one_batch {
            model.write(0, 0, None, b"holder", None).unwrap();
        }
        let newest: Vec<i64> = (0..PEOPLE).map(|log| model.newest(log)).collect();
        for write in &wave.writes {
            let text = format!("text {}", write.text);
            let expect = write.expect.map(|offset| newest[write.log] + offset);
            let append = match write.key {
                Some(key) => people[write.sender].keyed_text(&logs[write.log], &text, &format!("key {key}")),
                None => people[write.sender].text(&logs[write.log], &text),
            };
            appends.push(Append { expect, ..append });
            expected.push(model.write(write.sender, write.log, write.key, text.as_bytes(), expect));
        }
        let results = if wave.one_batch {
            in_one_batch(&store, holder, appends).await
        } else {
            let mut receipts = Vec::new();
            for append in appends {
                receipts.push(queue(&store, append).await);
            }
            let mut results = Vec::new();
            for receipt in receipts {
                results.push(receipt.await.unwrap());
            }
            results
        };
        let results: Vec<_> = results
            .into_iter()
            .map(|result| match result {
                Ok(receipt) => Ok((receipt.number, receipt.replayed)),
                error => Err(code(error)),
            })
            .collect();
        assert_eq!(results, expected);
    }
    for (index, log) in logs.iter().enumerate() {
        let stored = store.events_after(log.id, 0, 1000).await.unwrap();
        let stored = stored
            .iter()
            .map(|event| (event.number, event.body.as_deref().unwrap().to_vec()));
        assert!(
            stored.eq(model.texts(index)),
            "what is stored is not what was acknowledged"
        );
        let observed = store.told(log.id).await;
        assert!(
            observed
                .iter()
                .map(|event| (event.number, event.body.to_vec()))
                .eq(model.texts(index))
        );
    }
    for (index, person) in people.iter().enumerate() {
        let (pages, more) = store
            .newer(&person.account, &BTreeMap::new(), 1000, None)
            .await
            .unwrap();
        assert!(!more);
        for log in (0..PEOPLE).filter(|log| is_member(index, *log)) {
            let page = pages.iter().find(|page| page.log.id == logs[log].id);
            assert_eq!(page.map_or(0, |page| page.events.len()), model.texts(log).len());
        }
    }
    store.close().await;
}

/// Three people, and the three conversations between them: everybody is in two.
struct World {
    people: Vec<Person>,
    logs: Vec<Arc<Log>>,
}

async fn world(store: &Store, round: u32) -> World {
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        people.push(person(store, &format!("person{number}.{round}")).await);
    }
    let mut logs = Vec::new();
    for number in 0..PEOPLE {
        logs.push(people[number].with(store, &people[(number + 1) % PEOPLE]).await);
    }
    World { people, logs }
}

fn is_member(person: usize, log: usize) -> bool {
    person == log || person == (log + 1) % PEOPLE
}

/// A number, and whether it was given before.
type Outcome = Result<(i64, bool), &'static str>;

/// What the store must do.
#[derive(Default)]
struct Model {
    logs: [Vec<Vec<u8>>; PEOPLE],
    keys: HashMap<(usize, u8), (usize, Vec<u8>, i64)>,
}

impl Model {
    fn newest(&self, log: usize) -> i64 {
        self.logs[log].len() as i64
    }

    fn texts(&self, log: usize) -> impl ExactSizeIterator<Item = (i64, Vec<u8>)> {
        self.logs[log]
            .iter()
            .enumerate()
            .map(|(index, text)| (index as i64 + 1, text.clone()))
    }

    fn write(
        &mut self,
        sender: usize,
        log: usize,
        key: Option<u8>,
        text: &[u8],
        expect: Option<i64>,
    ) -> Outcome {
        let earlier = key.and_then(|key| self.keys.get(&(sender, key)));
        if !is_member(sender, log) {
            return Err("NotFound");
        }
        match earlier {
            Some((first, content, number)) if *first == log && content == text => return Ok((*number, true)),
            Some(_) => return Err("ClientIdReused"),
            None => {}
        }
        if expect.is_some_and(|expect| expect != self.newest(log) + 1) {
            return Err("ExpectFailed");
        }
        self.logs[log].push(text.to_vec());
        let number = self.newest(log);
        if let Some(key) = key {
            self.keys.insert((sender, key), (log, text.to_vec(), number));
        }
        Ok((number, false))
    }
}
