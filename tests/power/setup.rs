//! Power cuts in `kith-server setup`, instead of each sync in turn: what it said to be done is done, and what isn't can
//! be gone on with.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Output;

use kith_tests::{Dice, Server};

use crate::disk::{Disk, Unsynced};

/// More syncs than a command has.
const MANY: u64 = 100;

/// SIGKILL, which is how the interposer ends a process.
const KILLED: Option<i32> = Some(9);

#[tokio::test(flavor = "multi_thread")]
async fn crash_by_a_power_cut_in_setup_leaves_something_to_go_on_with() {
    let seed = kith_tests::seed();
    for cut in 1..MANY {
        let (disk, builder) = Disk::new();
        let mut server = builder.bare();
        disk.cut_at(cut, "*");
        let first = set_up(&server);
        let was_cut = first.status.signal() == KILLED;
        assert!(was_cut || first.status.success(), "{first:?}");
        disk.lose_power(if cut % 2 == 0 {
            Unsynced::Lost
        } else {
            Unsynced::Scattered(Dice::new(seed + cut))
        });
        let second = set_up(&server);
        assert!(second.status.success(), "after a cut at sync {cut}: {second:?}");
        if let Some(pin) = fingerprint(&first) {
            assert_eq!(fingerprint(&second).as_ref(), Some(&pin), "cut at sync {cut}");
        }
        server.must(&["check"]);
        server.restart();
        assert_eq!(Some(server.pin.clone()), fingerprint(&second));
        if !was_cut {
            assert!(cut > 10, "setup has only {} syncs", cut - 1);
            return;
        }
    }
    panic!("setup has more than {MANY} syncs");
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_by_a_power_cut_after_setup_loses_none_of_its_files() {
    for certs in [None, Some("elsewhere/certs")] {
        let (disk, builder) = Disk::new();
        let mut server = builder.bare();
        let root = server.data().parent().unwrap().to_owned();
        let folder = certs.map(|certs| root.join(certs));
        let mut setup = vec!["setup", "--registration", "invite"];
        if let Some(folder) = &folder {
            setup.extend(["--certs", folder.to_str().unwrap()]);
        }
        let printed = server.must(&setup);
        let (_, invite) = printed.split_once("invite=").unwrap();
        let code = invite.lines().next().unwrap();
        let before = contents(&root);
        disk.lose_power(Unsynced::Lost);
        let after = contents(&root);
        for name in ["ca.pem", "ca-key.pem", "server.pem", "server-key.pem"] {
            let path = format!("{}/{name}", certs.unwrap_or("data/certs"));
            assert!(before.contains_key(&path), "{path} is missing");
            assert_eq!(after.get(&path), before.get(&path), "{path}");
        }
        for path in ["data/kith.toml", "data/pepper.toml"] {
            assert_eq!(after.get(path), before.get(path), "{path}");
        }
        // The administrator's invite is as good as before.
        server.restart();
        let ca = folder.map_or_else(|| server.ca(), |folder| folder.join("ca.pem"));
        let mut raw = kith_tests::Raw::connect(server.address, &ca, &[b"kith/1"]).await;
        raw.hello().await;
        let mut register = serde_json::json!({"action": "register", "username": "alice", "invite": code});
        register["password"] = kith_tests::PASSWORD.into();
        raw.ok(register).await;
        assert_eq!(raw.login("alice").await["admin"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_by_a_power_cut_in_a_renewal_leaves_a_server_that_clients_know() {
    let seed = kith_tests::seed();
    let (disk, builder) = Disk::new();
    let mut server = builder.start();
    let pin = server.pin.clone();
    for cut in 1..MANY {
        server.kill();
        disk.cut_at(cut, "*");
        let renewal = server.command(&["setup", "--renew"]);
        disk.lose_power(if cut % 2 == 0 {
            Unsynced::Lost
        } else {
            Unsynced::Scattered(Dice::new(seed + cut))
        });
        server.restart();
        assert_eq!(server.pin, pin, "cut at sync {cut}");
        server.connect_native().await;
        if renewal.status.success() {
            assert!(cut > 3, "a renewal has only {} syncs", cut - 1);
            return;
        }
    }
    panic!("a renewal has more than {MANY} syncs");
}

fn set_up(server: &Server) -> Output {
    server.command(&["setup", "--registration", "open"])
}

/// What `setup` printed of the server's key, if it came so far.
fn fingerprint(setup: &Output) -> Option<String> {
    let printed = String::from_utf8_lossy(&setup.stdout);
    let mut lines = printed.lines();
    lines.find_map(|line| Some(line.strip_prefix("fingerprint ")?.to_owned()))
}

/// All files below a folder.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut contents = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        let name = name.into_string().unwrap();
        if path.is_dir() {
            let below = self::contents(&path).into_iter();
            contents.extend(below.map(|(below, content)| (format!("{name}/{below}"), content)));
        } else {
            contents.insert(name, fs::read(&path).unwrap());
        }
    }
    contents
}
