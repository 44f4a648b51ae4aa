//! What a test stands on: an empty database, a clock that it moves, randomness that repeats, an observer that remembers.

use std::collections::HashMap;
use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use kith_common::Notice;
use kith_server::clock::Clock;
use kith_server::random::{Random, RandomError};
use kith_server::store::{AccountId, Announcement, LogId, Observer, OpenError, Store, Stored, WriterTask};
use kith_tests::PATIENCE;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::cluster::Cluster;

/// When every test begins.
pub(crate) const BEGIN: i64 = 1_800_000_000_000;

pub(crate) struct Bed {
    pub(crate) clock: Arc<TestClock>,
    observed: Arc<Observed>,
    random: Arc<TestRandom>,
    directory: TempDir,
    cluster: Option<Cluster>,
}

impl Bed {
    pub(crate) fn sqlite() -> Self {
        Self::on(None)
    }

    pub(crate) fn postgres() -> Self {
        Self::on(Some(Cluster::start()))
    }

    fn on(cluster: Option<Cluster>) -> Self {
        Self {
            clock: Arc::new(TestClock(AtomicI64::new(BEGIN))),
            observed: Arc::default(),
            random: Arc::default(),
            directory: tempfile::tempdir().unwrap(),
            cluster,
        }
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.cluster.is_some()
    }

    /// Opens the store, as the server does.
    pub(crate) async fn open(&self) -> Opened {
        self.try_open().await.unwrap()
    }

    pub(crate) async fn try_open(&self) -> Result<Opened, OpenError> {
        let url = self.cluster.as_ref().map_or("sqlite".to_owned(), Cluster::url);
        let opening = Store::open(
            &url,
            self.data(),
            self.clock.clone(),
            self.random.clone(),
            self.observed.clone(),
        );
        let (store, writer) = opening.await?;
        Ok(Opened {
            store: Arc::new(store),
            writer,
            observed: self.observed.clone(),
        })
    }

    pub(crate) fn data(&self) -> &Path {
        self.directory.path()
    }

    /// A connection of one's own to the same database.
    pub(crate) async fn raw(&self) -> DatabaseConnection {
        let url = match &self.cluster {
            Some(cluster) => cluster.url(),
            None => format!("sqlite:{}?mode=rwc", self.data().join("kith.db").display()),
        };
        let mut options = sea_orm::ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        Database::connect(options).await.unwrap()
    }

    /// Runs statements as they are.
    pub(crate) async fn run(&self, statements: &str) {
        let raw = self.raw().await;
        raw.execute_unprepared(statements).await.unwrap();
        raw.close().await.unwrap();
    }
}

/// An open store and its writer.
pub(crate) struct Opened {
    pub(crate) store: Arc<Store>,
    pub(crate) writer: WriterTask,
    observed: Arc<Observed>,
}

impl Deref for Opened {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Opened {
    /// What the observer was told of a log. Panics unless its numbers are 1, 2, 3 ….
    pub(crate) async fn told(&self, log: LogId) -> Vec<Stored> {
        self.told_in_order().await;
        let all = self.observed.0.lock().unwrap();
        all.iter().filter(|event| event.log.id == log).cloned().collect()
    }

    /// What the observer was told, since this was asked last, that is no event of a log; and whom it is for, by account.
    pub(crate) async fn announced(&self) -> Vec<(Vec<AccountId>, Notice)> {
        self.told_in_order().await;
        let announcements = self.observed.1.lock().unwrap().split_off(0);
        let sorted = |announcement: Announcement| {
            let mut audience = announcement.audience;
            audience.sort_unstable();
            (audience, announcement.notice)
        };
        announcements.into_iter().map(sorted).collect()
    }

    /// Panics unless each log's events were told in the order of their numbers, all of them, once.
    pub(crate) async fn told_in_order(&self) {
        // Whoever wrote is answered before the observer hears of it. A change that changes nothing comes after both.
        let nothing = HashMap::from([(LogId(0), 0)]);
        self.advance_seed(AccountId(0), &nothing).await.unwrap();
        let mut newest: HashMap<LogId, i64> = HashMap::new();
        for event in self.observed.0.lock().unwrap().iter() {
            let newest = newest.entry(event.log.id).or_default();
            assert_eq!(event.number, *newest + 1, "{event:?} came out of order");
            *newest = event.number;
        }
    }

    /// Closes it as the server does: by dropping the last handle.
    pub(crate) async fn close(self) {
        assert_eq!(Arc::strong_count(&self.store), 1, "somebody still has the store");
        drop(self.store);
        timeout(PATIENCE, self.writer.finished())
            .await
            .expect("the writer did not end");
    }
}

/// A clock that stands still unless it is moved.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn advance(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Numbers that look random and are the same in every run (splitmix64).
#[derive(Default)]
pub(crate) struct TestRandom(AtomicU64);

impl Random for TestRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        for chunk in buffer.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::SeqCst);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

/// Everything that was committed, in the order in which the store told of it.
#[derive(Default)]
struct Observed(Mutex<Vec<Stored>>, Mutex<Vec<Announcement>>);

impl Observer for Observed {
    fn committed(&self, events: &[Stored]) {
        self.0.lock().unwrap().extend_from_slice(events);
    }

    fn announced(&self, changes: &[Announcement]) {
        self.1.lock().unwrap().extend_from_slice(changes);
    }
}
