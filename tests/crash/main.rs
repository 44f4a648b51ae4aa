//! The server killed under load, again and again: nothing acknowledged is lost, nothing comes twice.
//!
//! Writers pipeline texts (and now and then a file) with a `client_id` each, and note what was acknowledged. The server is
//! killed with SIGKILL at a moment that nobody chose and started again on the same data; the writers resume
//! by token and send again what has no answer yet. In the end the logs have to agree with every answer.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is a test"
)]

mod check;
mod database;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use kith_tests::Server;
use tokio::sync::watch;
use tokio::task::JoinSet;

use writer::{Known, Room, Writer};

/// How often the server is killed.
const KILLS: u64 = 25;

/// Writers, each into conversations with the others.
const WRITERS: usize = 6;

/// A generator whose every run can be repeated: `KITH_TEST_SEED=…` (Marsaglia's xorshift).
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_after_crash_loses_nothing_that_was_acknowledged() {
    let random =
        u64::from(std::process::id()) ^ u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos());
    let seed = std::env::var("KITH_TEST_SEED").map_or(random, |seed| seed.parse().unwrap());
    println!("KITH_TEST_SEED={seed}");
    let mut dice = Dice::new(seed);

    let mut server = Server::start();
    let names: Arc<Vec<String>> = Arc::new((0..WRITERS).map(|number| format!("writer{number}")).collect());
    let mut tokens = Vec::new();
    for name in names.iter() {
        let mut raw = server.connect_native().await;
        raw.register(name).await;
        let login = raw.login(name).await;
        tokens.push(login["token"].as_str().unwrap().to_owned());
        raw.leave().await;
    }

    let (room, rooms) = watch::channel(Room::open(&server));
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for (number, token) in tokens.iter().enumerate() {
        let writer = Writer::new(
            number,
            token.clone(),
            names.clone(),
            Dice::new(seed + 1 + number as u64),
        );
        tasks.spawn(writer.run(rooms.clone(), stopped.clone()));
    }
    for _ in 0..KILLS {
        // The moment is a number of acknowledgements, not a time: so every round has written something.
        let until = writer::acknowledged() + 1 + dice.below(400);
        tokio::select! {
            () = writer::wait_for_acknowledgements(until) => {}
            Some(ended) = tasks.join_next() => panic!("a writer ended: {:?}", ended.err()),
        }
        // Not always right after an answer, when the writer is likely to be between two transactions.
        tokio::time::sleep(Duration::from_micros(dice.below(20_000))).await;
        server.kill();
        server.restart();
        if dice.below(5) == 0 {
            // While the first connections come back.
            server.kill();
            server.restart();
        }
        room.send(Room::open(&server)).unwrap();
    }
    stop.send(true).unwrap();
    let mut known: Vec<Known> = tasks.join_all().await;
    known.sort_by_key(|known| known.writer);
    let total: usize = known.iter().map(|known| known.written.len()).sum();
    println!("{total} acknowledged over {KILLS} crashes");
    assert!(
        total > KILLS as usize * 10,
        "hardly anything was written: {total}"
    );
    check::everything(&mut server, &names, &tokens, &known).await;
    server.stop();
    database::is_sound(&server.data()).await;
}
