//! Power cuts while a server starts.

use kith_tests::Dice;
use serde_json::json;

use crate::disk::{Disk, Unsynced};

/// More syncs than a start has.
const MANY: u64 = 100;

#[tokio::test(flavor = "multi_thread")]
async fn crash_by_a_power_cut_in_the_first_start_leaves_a_database_to_start_with() {
    let seed = kith_tests::seed();
    let (disk, builder) = Disk::new();
    let mut server = builder.start();
    let mut cuts = 0;
    for cut in 1..MANY {
        server.kill();
        // Nothing but what `setup` makes before the database, which this start makes with all migrations.
        for file in ["kith.db", "kith.db-wal", "kith.db-shm"] {
            let _ = std::fs::remove_file(server.data().join(file));
        }
        let _ = std::fs::remove_dir_all(server.data().join("blobs"));
        disk.settle();
        disk.cut_at(cut, "*");
        if server.try_restart() {
            disk.spare();
            break;
        }
        cuts += 1;
        disk.lose_power(if cut % 2 == 0 {
            Unsynced::Lost
        } else {
            Unsynced::Scattered(Dice::new(seed + cut))
        });
        server.restart();
        server.native_user("alice").await;
    }
    assert!(cuts > 2, "a start with a new database has only {cuts} syncs");
    // What is acknowledged on a database that is as new is safe as well.
    let mut alice = server.native_user("alice").await;
    server.native_user("bob").await;
    let sent = alice
        .ok(json!({"action": "file", "receiver": "bob", "file_name": "a", "file_data": "SGVsbG8K"}))
        .await;
    server.kill();
    disk.lose_power(Unsynced::Lost);
    server.restart();
    let mut bob = server.native_login("bob").await;
    let got = bob.ok(json!({"action": "file_get", "file": sent["file"]})).await;
    assert_eq!(got["file_data"], "SGVsbG8K");
}
