//! The server killed under load, again and again, with SIGKILL and at a moment that nobody chose: nothing acknowledged
//! is lost, nothing comes twice.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "this is a test"
)]

mod uploads;

use std::time::Duration;

use kith_tests::writers::{Writers, is_sound};
use kith_tests::{Dice, Server};

/// How often the server is killed.
const KILLS: u64 = 25;

/// People who write.
const WRITERS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn crash_after_crash_loses_nothing_that_was_acknowledged() {
    let seed = kith_tests::seed();
    let mut dice = Dice::new(seed);
    let mut server = Server::start();
    let mut writers = Writers::start(&server, WRITERS, seed).await;
    for _ in 0..KILLS {
        // The moment is a number of acknowledgements, not a time: so every round has written something.
        let until = writers.acknowledged() + 1 + dice.below(400);
        writers.reach(until).await;
        // Not always right after an answer, when the writer is likely to be between two transactions.
        tokio::time::sleep(Duration::from_micros(dice.below(20_000))).await;
        server.kill();
        server.restart();
        if dice.below(5) == 0 {
            // While the first connections come back.
            server.kill();
            server.restart();
        }
        writers.follow(&server);
    }
    let story = writers.finish().await;
    let total = story.acknowledged();
    println!("{total} acknowledged over {KILLS} crashes");
    assert!(
        total > KILLS as usize * 10,
        "hardly anything was written: {total}"
    );
    // Once more, so that nothing is read that was only in memory.
    server.kill();
    server.restart();
    story.is_kept_by(&server).await;
    server.stop();
    is_sound(&server.data()).await;
}
