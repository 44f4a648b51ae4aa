use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::certs::Machine;
use crate::random::SystemRandomness;

fn surroundings() -> Surroundings {
    Surroundings {
        now: || "2031-03-01T12:00:00Z".parse().unwrap(),
        machine: || Machine {
            name: "box".parse().ok(),
            addresses: vec![[192, 168, 1, 2].into()],
        },
        random: Arc::new(SystemRandomness::new()),
    }
}

/// A data directory that doesn't exist yet, in a directory that goes away.
fn fresh() -> (TempDir, Options) {
    let keep = tempfile::tempdir().unwrap();
    let options = Options {
        data: DataDir::new(keep.path().join("data")),
        hosts: Vec::new(),
        registration: None,
        certs: None,
        renew: false,
    };
    (keep, options)
}

fn run(options: &Options) -> Result<SetUp, SetupError> {
    set_up(options, [], &surroundings())
}

fn hosts(hosts: &[&str]) -> Vec<LinkHost> {
    hosts.iter().map(|host| host.parse().unwrap()).collect()
}

/// Every file below a directory with its content.
fn snapshot(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else {
            files.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    files
}

#[test]
fn a_first_run_makes_everything_privately() {
    let (_keep, options) = fresh();
    let options = Options {
        hosts: hosts(&["chat.example:443", "203.0.113.5"]),
        registration: Some(Registration::Open),
        ..options
    };
    let made = run(&options).unwrap();
    assert_eq!((made.config_file, made.pepper), (Step::Made, Step::Made));
    assert_eq!(made.link_address, ("chat.example".to_owned(), 443));
    assert_eq!(made.config.registration, Registration::Open);
    assert!(made.notes.is_empty(), "{:?}", made.notes);
    assert!(made.certificate.names().contains(&"203.0.113.5".parse().unwrap()));
    assert!(
        made.to_string()
            .contains(&made.certificate.pin().unwrap().to_string())
    );
    assert_eq!(
        Config::load(&options.data, [], &Flags::default()).unwrap(),
        made.config
    );
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(options.data.path()), 0o700);
    assert_eq!(mode(&options.data.pepper()), 0o600);
    assert_eq!(mode(&options.data.config_file()), 0o600);
}

#[test]
fn a_second_run_is_harmless_and_says_what_is_there() {
    let (_keep, mut options) = fresh();
    options.hosts = hosts(&["chat.example"]);
    let made = run(&options).unwrap();
    let before = snapshot(options.data.path());

    options.hosts = Vec::new();
    let again = run(&options).unwrap();
    assert_eq!((again.config_file, again.pepper), (Step::Kept, Step::Kept));
    assert_eq!(again.certificate.pin(), made.certificate.pin());
    assert_eq!(again.link_address, made.link_address);
    assert!(again.notes.is_empty(), "{:?}", again.notes);

    // What can't be had without overwriting something is said, not done.
    options.hosts = hosts(&["new.example"]);
    options.registration = Some(Registration::Closed);
    options.certs = Some(PathBuf::from("/elsewhere"));
    let notes = run(&options).unwrap().notes.join("\n");
    for expected in [
        "`host`",
        "`registration`",
        "`tls.directory`",
        "setup --renew --host new.example",
    ] {
        assert!(notes.contains(expected), "{expected} in {notes}");
    }
    assert_eq!(snapshot(options.data.path()), before);
}

#[test]
fn renewing_changes_the_server_s_certificate_alone() {
    let (_keep, mut options) = fresh();
    let made = run(&options).unwrap();
    let before = snapshot(options.data.path());
    options.renew = true;
    let renewed = run(&options).unwrap();
    assert_eq!(renewed.certificate.pin(), made.certificate.pin());
    let after = snapshot(options.data.path());
    let changed: Vec<_> = after
        .iter()
        .filter(|(path, content)| before.get(*path) != Some(content))
        .map(|(path, _)| path.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(changed, ["server-key.pem", "server.pem"]);

    let (_keep, mut options) = fresh();
    options.renew = true;
    assert!(run(&options).is_ok(), "with nothing to renew it is a first run");
}

#[test]
fn a_failed_run_can_be_tried_again_with_other_options() {
    let (_keep, mut options) = fresh();
    run(&options).unwrap();
    fs::remove_file(options.data.config_file()).unwrap();
    fs::remove_file(options.data.pepper()).unwrap();
    options.hosts = hosts(&["elsewhere.example"]);
    options.renew = true;
    assert!(matches!(
        run(&options),
        Err(SetupError::Certs(CertsError::NotPermitted { .. }))
    ));
    assert!(!options.data.config_file().exists());
    options.hosts = Vec::new();
    let completed = run(&options).unwrap();
    assert_eq!(
        (completed.config_file, completed.pepper),
        (Step::Made, Step::Made)
    );
}

#[test]
fn a_lost_pepper_is_not_replaced_while_there_are_accounts() {
    let (_keep, options) = fresh();
    run(&options).unwrap();
    fs::remove_file(options.data.pepper()).unwrap();
    fs::write(options.data.database(), "accounts").unwrap();
    let error = run(&options).unwrap_err().to_string();
    assert!(
        error.contains("nobody can log in") && error.contains("backup"),
        "{error}"
    );
    assert!(!options.data.pepper().exists());
}

#[test]
fn someone_s_own_certificate_is_used_and_left_alone() {
    let (keep, mut options) = fresh();
    let own = run(&options).unwrap();
    let text = "[tls]\ncertificate = \"certs/server.pem\"\nkey = \"certs/server-key.pem\"\n";
    let other = DataDir::new(keep.path().join("other"));
    fs::create_dir(other.path()).unwrap();
    fs::rename(options.data.path().join("certs"), other.path().join("certs")).unwrap();
    fs::write(other.config_file(), text).unwrap();
    options.data = other;
    let given = run(&options).unwrap();
    assert!(matches!(given.certificate, Certificate::Given { .. }));
    assert_eq!(given.certificate.pin(), own.certificate.pin());
    options.renew = true;
    assert!(matches!(run(&options), Err(SetupError::NotOurs(_))));
}

#[test]
fn certificates_beside_the_data_can_move_with_it() {
    let relative = |data, certs| relative(Path::new(data), Path::new(certs)).unwrap();
    assert_eq!(
        relative("/srv/kith/data", "/srv/kith/certs"),
        Path::new("../certs")
    );
    assert_eq!(
        relative("/srv/kith/data", "/srv/kith/data/tls/../x"),
        Path::new("x")
    );
    assert_eq!(relative("/srv/kith/data", "/etc/kith"), Path::new("/etc/kith"));
    assert_eq!(relative("/data", "/etc/kith"), Path::new("/etc/kith"));

    let (keep, mut options) = fresh();
    options.certs = Some(keep.path().join("certs"));
    run(&options).unwrap();
    assert!(keep.path().join("certs/ca.pem").exists());
    let again = run(&options).unwrap();
    assert!(again.notes.is_empty(), "{:?}", again.notes);
}

#[test]
fn a_host_that_is_none_is_refused_before_anything_is_made() {
    let (_keep, mut options) = fresh();
    options.hosts = hosts(&["a..b"]);
    let error = run(&options).unwrap_err().to_string();
    assert!(error.starts_with("--host: `a..b` is no host"), "{error}");
    assert!(!options.data.path().exists());
}
