use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use jiff::SignedDuration;
use tempfile::TempDir;

use super::*;
use crate::certs::Machine;
use crate::random::SystemRandomness;
use crate::setup::{Options, set_up};
use crate::tls::Surroundings;

fn now() -> Timestamp {
    "2031-03-01T12:00:00Z".parse().unwrap()
}

/// A data directory that is set up, with a database file, listening where the system finds a free port.
fn server() -> (TempDir, DataDir) {
    let keep = tempfile::tempdir().unwrap();
    let data = DataDir::new(keep.path().join("data"));
    let options = Options {
        data: data.clone(),
        hosts: vec!["chat.example".parse().unwrap()],
        registration: None,
        certs: None,
        renew: false,
    };
    let surroundings = Surroundings {
        now,
        machine: Machine::default,
        random: Arc::new(SystemRandomness::new()),
    };
    set_up(&options, [], &surroundings).unwrap();
    fs::write(data.database(), "").unwrap();
    (keep, data)
}

fn look(data: &DataDir, now: Timestamp) -> Vec<Finding> {
    let flags = Flags {
        listen: "127.0.0.1:0".parse().ok(),
    };
    check(data, [], &flags, now, |_| vec![Finding::ok("deeper")])
}

/// The findings that aren't ok, as they are printed, except for the disk's (which is the machine's).
fn complaints(findings: &[Finding]) -> Vec<String> {
    let bad = findings.iter().filter(|finding| finding.verdict != Verdict::Ok);
    bad.map(Finding::to_string)
        .filter(|line| !line.contains("disk of"))
        .collect()
}

#[test]
fn a_server_that_is_set_up_is_well() {
    let (_keep, data) = server();
    let findings = look(&data, now());
    assert_eq!(complaints(&findings), Vec::<String>::new());
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    for expected in [
        "configuration",
        "certificate",
        "pepper",
        "database",
        "deeper",
        "disk of",
        "port",
    ] {
        assert!(
            lines.iter().any(|line| line.contains(expected)),
            "{expected} in {lines:?}"
        );
    }
}

#[test]
fn each_thing_that_is_wrong_has_its_line_and_its_remedy() {
    let (_keep, data) = server();
    let certs = data.path().join("certs");
    for open in [
        certs.join("server-key.pem"),
        certs.join("ca-key.pem"),
        data.pepper(),
    ] {
        fs::set_permissions(open, Permissions::from_mode(0o644)).unwrap();
    }
    fs::remove_file(data.database()).unwrap();
    let text = fs::read_to_string(data.config_file()).unwrap();
    fs::write(
        data.config_file(),
        text.replace("host = \"chat.example\"", "host = \"new.example\""),
    )
    .unwrap();
    let lines = complaints(&look(&data, now()));
    let expected = [
        "new.example",
        "server-key.pem",
        "ca-key.pem",
        "pepper.toml",
        "kith.db is not there",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(
            line.starts_with("warn  ") && line.contains(expected) && line.contains(" — "),
            "{line}"
        );
    }
}

#[test]
fn a_certificate_s_time_is_watched() {
    let (_keep, data) = server();
    let after = |days: i64| complaints(&look(&data, now() + SignedDuration::from_hours(24 * days)));
    assert_eq!(after(200), Vec::<String>::new());
    assert!(after(300)[0].starts_with("warn") && after(300)[0].contains("setup --renew"));
    assert!(after(400)[0].starts_with("FAIL") && after(400)[0].contains("has ended"));
    assert!(after(3300)[1].starts_with("warn") && after(3300)[1].contains("the CA ends in 348 days"));
    assert!(after(-10)[0].contains("begins only on"));
}

#[test]
fn what_stops_a_server_fails() {
    let (_keep, data) = server();
    fs::remove_file(data.path().join("certs/server-key.pem")).unwrap();
    fs::write(data.pepper(), "").unwrap();
    let lines = complaints(&look(&data, now()));
    assert!(
        lines[0].starts_with("FAIL  certificate: ") && lines[0].contains("server-key.pem is missing"),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("FAIL  pepper: "), "{lines:?}");

    fs::write(data.config_file(), "nonsense = 1").unwrap();
    assert!(complaints(&look(&data, now()))[0].contains("kith.toml, line 1: unknown field"));
    let nowhere = look(&DataDir::new("/nonexistent/kith"), now());
    assert!(
        nowhere[0]
            .to_string()
            .contains("kith-server setup --data /nonexistent/kith")
    );
    assert_eq!(nowhere.len(), 1);
}

#[test]
fn a_port_that_is_taken_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = Config {
        listen: taken.local_addr().unwrap(),
        ..Config::default()
    };
    let finding = port(&config);
    assert_eq!(finding.verdict, Verdict::Warn);
    assert!(
        finding
            .to_string()
            .contains(&format!("ss -ltnp 'sport = :{}'", config.listen.port())),
        "{finding}"
    );
    config.listen = "192.0.2.1:7443".parse().unwrap();
    assert_eq!(port(&config).verdict, Verdict::Fail);
}

#[test]
fn little_space_warns_and_no_space_fails() {
    let verdict = |mebibytes: u64| space(Path::new("/"), mebibytes * 1024 * 1024).verdict;
    assert_eq!(
        (verdict(2000), verdict(500), verdict(99)),
        (Verdict::Ok, Verdict::Warn, Verdict::Fail)
    );
}

#[test]
fn a_web_app_that_is_named_has_to_be_there() {
    let (keep, data) = server();
    let config = fs::read_to_string(data.config_file()).unwrap();
    let config = config.replace("#directory = \"web\"", "directory = \"../app\"");
    fs::write(data.config_file(), config).unwrap();
    let complaint = &complaints(&look(&data, now()))[..];
    assert!(
        matches!(complaint, [line] if line.starts_with("FAIL  the web app in ")),
        "{complaint:?}"
    );
    let app = keep.path().join("app");
    fs::create_dir(&app).unwrap();
    fs::write(app.join("index.html"), "").unwrap();
    assert_eq!(complaints(&look(&data, now())), Vec::<String>::new());
}
