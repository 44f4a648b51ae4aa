use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{CertificateError, Error, RootCertStore};
use rustls_pki_types::{ServerName, UnixTime};
use tempfile::TempDir;

use super::*;
use crate::random::SystemRandomness;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A fresh directory for certificates, the machine they are for, and the time.
struct Place {
    _keep: TempDir,
    directory: CertDirectory,
    machine: Machine,
    now: Timestamp,
}

impl Place {
    fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        Self {
            directory: CertDirectory::new(keep.path().join("certs")),
            machine: Machine {
                name: "box".parse().ok(),
                addresses: vec!["192.168.1.2".parse().unwrap(), "2001:db8::7".parse().unwrap()],
            },
            now: "2031-03-01T12:00:00Z".parse().unwrap(),
            _keep: keep,
        }
    }

    fn prepare(&self, hosts: &[&str]) -> Result<Prepared, CertsError> {
        self.with(hosts, prepare)
    }

    fn renew(&self, hosts: &[&str]) -> Result<Prepared, CertsError> {
        self.with(hosts, renew)
    }

    fn with(
        &self,
        hosts: &[&str],
        action: fn(&CertDirectory, &Request<'_>) -> Result<Prepared, CertsError>,
    ) -> Result<Prepared, CertsError> {
        let hosts: Vec<HostName> = hosts.iter().map(|host| host.parse().unwrap()).collect();
        let request = Request {
            hosts: &hosts,
            machine: &self.machine,
            now: self.now,
            random: &SystemRandomness::new(),
        };
        action(&self.directory, &request)
    }

    /// The content of every file, to see what changed.
    fn files(&self) -> Vec<Vec<u8>> {
        let paths = [
            self.directory.authority(),
            self.directory.authority_key(),
            self.directory.server(),
            self.directory.server_key(),
        ];
        paths.iter().map(|path| fs::read(path).unwrap()).collect()
    }

    /// What a client says that trusts this CA, the chain being the one in `server.pem`.
    fn verify(&self, name: &str) -> Result<(), Error> {
        let chain: Vec<_> = CertificateDer::pem_file_iter(self.directory.server())
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(self.directory.authority()).unwrap())
            .unwrap();
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(default_provider()))
                .build()
                .unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(self.now.as_second().try_into().unwrap()));
        let name = ServerName::try_from(name).unwrap();
        verifier
            .verify_server_cert(&chain[0], &chain[1..], &name, &[], now)
            .map(|_| ())
    }
}

#[test]
fn a_client_accepts_every_name_of_the_certificate_and_no_other() {
    let place = Place::new();
    let made = place.prepare(&["chat.example", "203.0.113.9"]).unwrap();
    assert_eq!((made.authority, made.server), (Step::Made, Step::Made));
    let names = [
        "chat.example",
        "203.0.113.9",
        "box",
        "box.local",
        "localhost",
        "127.0.0.1",
        "::1",
        "192.168.1.2",
        "2001:db8::7",
    ];
    assert_eq!(
        made.names.iter().map(HostName::to_string).collect::<Vec<_>>(),
        names
    );
    for name in names {
        assert_eq!(place.verify(name), Ok(()), "{name}");
    }
    assert!(place.verify("other.example").is_err());
}

#[test]
fn a_certificate_for_a_foreign_name_from_the_ca_is_refused() {
    for foreign in ["bank.example", "198.51.100.1"] {
        let place = Place::new();
        place.prepare(&["chat.example"]).unwrap();
        let authority = load_authority(&place.directory).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = [foreign.parse().unwrap(), HostName::localhost()];
        let chain = authority
            .issue(&key, &names, place.now, &SystemRandomness::new())
            .unwrap();
        fs::write(place.directory.server(), chain).unwrap();
        match place.verify(foreign) {
            Err(Error::InvalidCertificate(CertificateError::Other(other))) => {
                assert!(other.to_string().contains("NameConstraintViolation"), "{other}");
            }
            other => panic!("{foreign}: {other:?}"),
        }
    }
}

#[test]
fn dates_are_within_what_clients_accept() {
    let mut place = Place::new();
    let made = place.prepare(&[]).unwrap();
    let leaf = place.directory.server_pair().unwrap().leaf;
    assert_eq!(leaf.not_before, place.now - DAY);
    assert!(leaf.not_after.duration_since(leaf.not_before) < 397 * DAY);
    assert_eq!(made.expires, leaf.not_after);
    assert!(!leaf.is_renewal_due(place.now + 240 * DAY));
    assert!(leaf.is_renewal_due(place.now + 270 * DAY));
    assert!(leaf.is_renewal_due(place.now + 500 * DAY));

    // A certificate never outlives its CA, and a CA that ended signs nothing.
    place.now += 3600 * DAY;
    let last = place.renew(&[]).unwrap();
    let authority = load_authority(&place.directory).unwrap().facts;
    assert_eq!(last.expires, authority.not_after);
    place.now += 100 * DAY;
    let error = place.renew(&[]).unwrap_err();
    assert!(matches!(error, CertsError::AuthorityExpired { .. }), "{error}");
}

#[test]
fn keys_are_private_and_so_is_the_directory() {
    let place = Place::new();
    place.prepare(&[]).unwrap();
    place.renew(&[]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.directory.path()), 0o700);
    assert_eq!(mode(&place.directory.authority_key()), 0o600);
    assert_eq!(mode(&place.directory.server_key()), 0o600);
    assert_eq!(fs::read_dir(place.directory.path()).unwrap().count(), 4);
}

#[test]
fn a_second_run_changes_nothing_and_names_what_the_certificate_lacks() {
    let place = Place::new();
    let made = place.prepare(&["chat.example"]).unwrap();
    let before = place.files();
    let again = place.prepare(&["chat.example", "new.example"]).unwrap();
    assert_eq!((again.authority, again.server), (Step::Kept, Step::Kept));
    assert_eq!(again.unnamed, ["new.example".parse().unwrap()]);
    assert_eq!((again.pin, again.names), (made.pin, made.names));
    assert_eq!(place.files(), before);
}

#[test]
fn renewing_keeps_the_pin_and_the_names() {
    let mut place = Place::new();
    let made = place.prepare(&["chat.example"]).unwrap();
    let before = place.files();
    // The machine got another private address, a public one that the CA knows nothing of, and another name.
    place.machine = Machine {
        name: "crate".parse().ok(),
        addresses: vec!["10.0.0.9".parse().unwrap(), "198.51.100.7".parse().unwrap()],
    };
    place.now += 300 * DAY;
    let renewed = place.renew(&["www.chat.example"]).unwrap();
    assert_eq!((renewed.authority, renewed.server), (Step::Kept, Step::Made));
    assert_eq!(renewed.pin, made.pin);
    assert!(renewed.expires > made.expires);
    let has = |name: &str| renewed.names.contains(&name.parse().unwrap());
    assert!(made.names.iter().all(|name| renewed.names.contains(name)));
    assert!(has("www.chat.example") && has("10.0.0.9"));
    assert!(!has("198.51.100.7") && !has("crate"));
    assert_eq!(place.verify("10.0.0.9"), Ok(()));
    let after = place.files();
    assert_eq!(after[..2], before[..2], "the CA is untouched");
    assert!(after[2] != before[2] && after[3] != before[3]);
}

#[test]
fn renewing_for_a_name_the_ca_may_not_sign_for_says_so_and_changes_nothing() {
    let place = Place::new();
    place.prepare(&["chat.example"]).unwrap();
    let before = place.files();
    let error = place.renew(&["other.example"]).unwrap_err().to_string();
    assert!(
        error.contains("may not sign for other.example") && error.contains("new pin"),
        "{error}"
    );
    assert_eq!(place.files(), before);
}

#[test]
fn an_interrupted_setup_is_completed_with_the_keys_that_are_there() {
    let place = Place::new();
    let made = place.prepare(&[]).unwrap();
    let keys = |place: &Place| (place.files()[1].clone(), place.files()[3].clone());
    let before = keys(&place);

    fs::remove_file(place.directory.server()).unwrap();
    let completed = place.prepare(&[]).unwrap();
    assert_eq!((completed.authority, completed.server), (Step::Kept, Step::Made));
    assert_eq!((completed.pin, keys(&place)), (made.pin, before.clone()));

    fs::remove_file(place.directory.server()).unwrap();
    fs::remove_file(place.directory.authority()).unwrap();
    let completed = place.prepare(&[]).unwrap();
    assert_eq!(completed.authority, Step::Made);
    assert_eq!((completed.pin, keys(&place)), (made.pin, before));

    fs::remove_file(place.directory.server_key()).unwrap();
    assert_eq!(place.prepare(&[]).unwrap().server, Step::Made);
    assert_eq!(place.verify("localhost"), Ok(()));
}

#[test]
fn a_ca_key_that_is_kept_elsewhere_is_missed_only_for_renewing() {
    let place = Place::new();
    let made = place.prepare(&[]).unwrap();
    fs::remove_file(place.directory.authority_key()).unwrap();
    assert_eq!(place.prepare(&[]).unwrap().pin, made.pin);
    let error = place.renew(&[]).unwrap_err().to_string();
    assert!(
        error.contains("ca-key.pem is missing") && error.contains("backup"),
        "{error}"
    );
    fs::remove_file(place.directory.server()).unwrap();
    assert!(matches!(place.prepare(&[]), Err(CertsError::NoAuthority(_))));
    fs::remove_file(place.directory.authority()).unwrap();
    assert!(
        matches!(place.prepare(&[]), Err(CertsError::NoAuthority(_))),
        "no new CA beside an old key"
    );
}

#[test]
fn damage_is_named_and_renewing_repairs_what_can_be() {
    let place = Place::new();
    place.prepare(&[]).unwrap();
    let key = KeyPair::generate().unwrap().serialize_pem();
    fs::write(place.directory.server_key(), &key).unwrap();
    let error = place.prepare(&[]).unwrap_err().to_string();
    assert!(
        error.contains("server-key.pem: the key does not belong"),
        "{error}"
    );
    assert_eq!(place.renew(&[]).unwrap().server, Step::Made);

    fs::write(place.directory.authority_key(), &key).unwrap();
    let error = place.renew(&[]).unwrap_err().to_string();
    assert!(
        error.contains("the CA's key does not belong to its certificate"),
        "{error}"
    );

    // Another CA's certificates copied over this one's.
    let (place, other) = (Place::new(), Place::new());
    place.prepare(&[]).unwrap();
    other.prepare(&[]).unwrap();
    fs::copy(other.directory.server(), place.directory.server()).unwrap();
    fs::copy(other.directory.server_key(), place.directory.server_key()).unwrap();
    let error = place.prepare(&[]).unwrap_err();
    assert!(matches!(error, CertsError::Foreign { .. }), "{error}");
    place.renew(&[]).unwrap();
    assert_eq!(place.verify("localhost"), Ok(()));
}

#[test]
fn only_a_chain_that_ends_in_its_own_authority_is_pinned() {
    let place = Place::new();
    let made = place.prepare(&[]).unwrap();
    let [authority, _, chain, key] = place.files().try_into().unwrap();
    assert_eq!(Pair::parse(&chain, &key).unwrap().pin(), made.pin);
    // The chain without the CA: its clients trust that CA by other means.
    let leaf = &chain[..chain.len() - authority.len()];
    assert_eq!(Pair::parse(leaf, &key).unwrap().pin(), None);
    // A self-signed certificate is its own end.
    let own = KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["x.example".to_owned()])
        .unwrap()
        .self_signed(&own)
        .unwrap();
    let pair = Pair::parse(certificate.pem().as_bytes(), own.serialize_pem().as_bytes()).unwrap();
    assert_eq!(pair.pin(), Some(pair.leaf.pin));

    assert_eq!(Pair::parse(b"", &key).unwrap_err(), PairError::Certificate);
    assert_eq!(Pair::parse(&chain, b"").unwrap_err(), PairError::Key);
    assert_eq!(Pair::parse(&authority, &key).unwrap_err(), PairError::Mismatch);
}

#[test]
fn a_host_too_long_for_a_common_name_works() {
    let place = Place::new();
    let host = format!("{}.{}.example", "a".repeat(60), "b".repeat(60));
    place.prepare(&[&host]).unwrap();
    assert_eq!(place.verify(&host), Ok(()));
}

#[test]
fn openssl_accepts_the_chain_strictly() {
    let place = Place::new();
    place.prepare(&["chat.example", "203.0.113.9"]).unwrap();
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl")
            .args(arguments)
            .output()
            .expect("this test needs openssl");
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    let (authority, server) = (place.directory.authority(), place.directory.server());
    let (authority, server) = (authority.to_str().unwrap(), server.to_str().unwrap());
    let time = place.now.as_second().to_string();
    let strict = [
        "-x509_strict",
        "-purpose",
        "sslserver",
        "-attime",
        &time,
        "-CAfile",
        authority,
    ];
    for name in [
        ["-verify_hostname", "chat.example"],
        ["-verify_ip", "203.0.113.9"],
        ["-verify_ip", "::1"],
    ] {
        let said = openssl(&[&["verify"], &strict[..], &name, &[server]].concat());
        assert!(said.trim_end().ends_with(": OK"), "{name:?}: {said}");
    }
    let said = openssl(&["x509", "-noout", "-in", server, "-checkhost", "localhost"]);
    assert!(said.contains("does match"), "{said}");
    let said = openssl(&["x509", "-noout", "-text", "-in", authority]);
    for expected in [
        "CA:TRUE, pathlen:0",
        "X509v3 Name Constraints: critical",
        "DNS:chat.example",
        "NIST CURVE: P-256",
    ] {
        assert!(said.contains(expected), "{expected} in {said}");
    }
}
