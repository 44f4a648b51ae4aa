//! Power cuts while a large file is on its way, also the largest that fits into a message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kith_common::limits;
use kith_tests::{Dice, Server};
use serde_json::{Value, json};

use crate::disk::{Disk, Unsynced};

/// When the power goes.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Half of the file has been sent.
    HalfSent,
    /// Instead of the first sync of what matches.
    Instead(&'static str),
    /// It has been acknowledged.
    Acknowledged,
}

const MOMENTS: [Moment; 5] = [
    Moment::HalfSent,
    // The bytes, their name, the event that announces them.
    Moment::Instead("data/blobs/*"),
    Moment::Instead("data/blobs"),
    Moment::Instead("data/kith.db-wal"),
    Moment::Acknowledged,
];

#[tokio::test(flavor = "multi_thread")]
async fn crash_by_a_power_cut_in_an_upload_leaves_the_file_whole_or_not_there() {
    let seed = kith_tests::seed();
    let (disk, builder) = Disk::new();
    let mut server = builder.start();
    let mut tokens = Vec::new();
    for name in ["alice", "bob"] {
        let mut raw = server.connect_native().await;
        raw.register(name).await;
        tokens.push(raw.login(name).await["token"].as_str().unwrap().to_owned());
    }
    let mut uploads: Vec<(Value, Vec<u8>)> = Vec::new();
    for (round, moment) in MOMENTS.into_iter().chain(MOMENTS).enumerate() {
        let size = if round < 2 { limits::INLINE_FILE } else { 300_000 };
        let bytes: Vec<u8> = (0..size).map(|at| (at * 31 + at / 4096 + round) as u8).collect();
        let request = json!({"action": "file", "receiver": "bob", "client_id": format!("file {round}"),
            "file_name": format!("{round}.bin"), "file_data": STANDARD.encode(&bytes)});
        let reply = upload(&mut server, &disk, &tokens[0], &request, moment).await;
        disk.lose_power(if round >= MOMENTS.len() {
            Unsynced::Scattered(Dice::new(seed + round as u64))
        } else {
            Unsynced::Lost
        });
        server.restart();
        if let Some(reply) = &reply {
            uploads.push((reply.clone(), bytes.clone()));
            holds(&server, &tokens[1], &uploads).await;
        }
        // Sent again, it is there once, and whoever was told of it before is told the same.
        let again = server.native_resume(&tokens[0]).await.ok(request).await;
        match reply {
            Some(reply) => assert_eq!(again, reply, "{moment:?}"),
            None => uploads.push((again, bytes)),
        }
    }
    holds(&server, &tokens[1], &uploads).await;
}

/// Sends the file until the power goes. The reply, if there was one.
async fn upload(
    server: &mut Server,
    disk: &Disk,
    token: &str,
    request: &Value,
    moment: Moment,
) -> Option<Value> {
    let mut raw = server.native_resume(token).await;
    let line = format!("{request}\n");
    let reply = match moment {
        Moment::HalfSent => {
            raw.send_bytes(&line.as_bytes()[..line.len() / 2]).await;
            None
        }
        Moment::Instead(pattern) => {
            disk.cut_at(1, pattern);
            // The rest of the line may find the connection closed.
            let _ = raw.try_send_bytes(line.as_bytes()).await;
            let reply = raw.next().await;
            assert_eq!(reply, None, "acknowledged without a sync of {pattern}");
            server.ended().await;
            None
        }
        Moment::Acknowledged => Some(raw.ok(request.clone()).await),
    };
    server.kill();
    reply
}

/// Every file is there once, in order, and whole.
async fn holds(server: &Server, token: &str, uploads: &[(Value, Vec<u8>)]) {
    let mut raw = server.native_resume(token).await;
    let conversation = uploads[0].0["conversation"].as_str().unwrap();
    let synced = raw.ok(json!({"action": "sync", "logs": {conversation: 0}})).await;
    let logs = synced["logs"].as_array().unwrap();
    let log = logs
        .iter()
        .find(|log| log["conversation"] == conversation)
        .unwrap();
    let events = log["events"].as_array().unwrap();
    assert_eq!(events.len(), uploads.len());
    for (number, (event, (reply, bytes))) in events.iter().zip(uploads).enumerate() {
        assert_eq!(event["number"], number + 1);
        assert_eq!(event["body"]["file"], reply["file"]);
        let file = raw.ok(json!({"action": "file_get", "file": reply["file"]})).await;
        let data = STANDARD.decode(file["file_data"].as_str().unwrap()).unwrap();
        assert!(data == *bytes, "file {number} is not what was sent");
    }
}
