//! Power cuts while people write.

use kith_tests::Dice;
use kith_tests::writers::{Writers, is_sound};

use crate::disk::{Disk, Unsynced};

/// How often the power goes.
const CUTS: u64 = 12;

/// People who write.
const WRITERS: usize = 6;

/// Acknowledgements after which the power goes in any case.
const LATEST: u64 = 800;

#[tokio::test(flavor = "multi_thread")]
async fn crash_by_power_cuts_loses_nothing_that_was_acknowledged() {
    let seed = kith_tests::seed();
    let mut dice = Dice::new(seed);
    let (disk, builder) = Disk::new();
    let mut server = builder.start();
    let mut writers = Writers::start(&server, WRITERS, seed).await;
    for cut in 0..CUTS {
        // After some answers, or instead of some sync: any of the first ones, one of a file or its folder, or one of the
        // database itself, which is when the write-ahead log is copied into it.
        let latest = match cut % 4 {
            0 => 1 + dice.below(LATEST),
            kind => {
                let pattern = ["*", "data/blobs*", "data/kith.db"][kind as usize - 1];
                let most = [40, 8, 1][kind as usize - 1];
                disk.cut_at(1 + dice.below(most), pattern);
                LATEST
            }
        };
        let latest = writers.acknowledged() + latest;
        tokio::select! {
            () = writers.reach(latest) => {}
            () = server.ended() => {}
        }
        server.kill();
        disk.lose_power(if cut % 3 == 0 {
            Unsynced::Lost
        } else {
            Unsynced::Scattered(Dice::new(seed ^ (cut << 32)))
        });
        server.restart();
        writers.follow(&server);
    }
    let story = writers.finish().await;
    let total = story.acknowledged();
    println!("{total} acknowledged over {CUTS} power cuts");
    assert!(total > CUTS as usize * 10, "hardly anything was written: {total}");
    // Once more, so that nothing is read that was only in memory.
    server.kill();
    disk.lose_power(Unsynced::Lost);
    server.restart();
    story.is_kept_by(&server).await;
    server.stop();
    is_sound(&server.data()).await;
    // What the interposer doesn't see it can't judge.
    for what in ["data/kith.db-wal", "data/blobs/", "data/blobs"] {
        assert!(disk.synced(what) > 0, "no sync of {what} was seen");
    }
}
