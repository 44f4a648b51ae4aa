use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Identity, Source};
use crate::certs::{self, CertsError, HostName, Machine, Pair, PairError, Request};
use crate::files::{self, FileError};
use crate::random::Random;

/// What a [`Reloader`] takes from outside, so that tests can choose it.
#[derive(Clone)]
pub struct Surroundings {
    /// The clock.
    pub now: fn() -> Timestamp,
    /// The names and addresses of this machine.
    pub machine: fn() -> Machine,
    /// For serial numbers.
    pub random: Arc<dyn Random>,
}

/// Watches the files of the server's certificate, and renews it in time where it is setup's own.
pub struct Reloader {
    source: Source,
    identity: Arc<Identity>,
    surroundings: Surroundings,
    /// What was read last, so that an unchanged file costs no parsing.
    seen: [u8; 32],
    /// The last warning, so that the same one isn't written again at every look.
    pub(super) warned: Option<String>,
}

/// What a look at the files led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Nothing new.
    No,
    /// The files had changed, and what they hold is shown from now on.
    Reloaded,
    /// The certificate was due and a new one is shown.
    Renewed,
    /// The files can't be used; what was shown before still is.
    Refused,
}

impl Reloader {
    /// Reads the certificate for the first time. Setup's own is renewed at once if it is due, or if a renewal was
    /// interrupted.
    ///
    /// # Errors
    /// If there is no certificate to start with.
    pub fn open(source: Source, surroundings: Surroundings) -> Result<(Arc<Identity>, Self), CertsError> {
        let now = (surroundings.now)();
        let pair = match (source.read(), &source) {
            (Err(error), Source::Own { .. }) if is_interrupted_renewal(&error) => {
                warn!(%error, "certificate is half renewed; renewing again");
                renewed(&source, &surroundings, now)?
            }
            (read, _) => read?,
        };
        warn_if_exposed(&source.files().1);
        if let Source::Own { directory, .. } = &source {
            warn_if_exposed(&directory.authority_key());
        }
        let identity = Arc::new(Identity::new(pair));
        let mut reloader = Self {
            seen: fingerprint(&source).unwrap_or_default(),
            identity: Arc::clone(&identity),
            source,
            surroundings,
            warned: None,
        };
        reloader.renew_if_due(now);
        Ok((identity, reloader))
    }

    /// Looks at the files again and again until the shutdown.
    pub async fn keep_fresh(mut self, every: Duration, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(every) => {}
            }
            // A file system may hang, and a runtime's thread must not.
            let look = tokio::task::spawn_blocking(move || {
                self.look();
                self
            });
            match look.await {
                Ok(reloader) => self = reloader,
                Err(error) => {
                    warn!(%error, "certificate is no longer watched; restart the server after changing it");
                    return;
                }
            }
        }
    }

    /// Looks at the files once: takes over a pair that is new and whole, and renews setup's own when it is due.
    pub fn look(&mut self) -> Changed {
        let now = (self.surroundings.now)();
        let reloaded = match self.reload() {
            Ok(reloaded) => reloaded,
            Err(error) => {
                self.warn_once(
                    &error,
                    "certificate files are not usable; still showing the one from before",
                );
                return Changed::Refused;
            }
        };
        match (self.renew_if_due(now), reloaded) {
            (Changed::No, true) => Changed::Reloaded,
            (changed, _) => changed,
        }
    }

    fn reload(&mut self) -> Result<bool, CertsError> {
        let seen = fingerprint(&self.source)?;
        if seen == self.seen {
            return Ok(false);
        }
        let pair = self.source.read()?;
        self.seen = seen;
        self.show(pair, "certificate changed");
        Ok(true)
    }

    fn renew_if_due(&mut self, now: Timestamp) -> Changed {
        if !self.identity.0.load().leaf.is_renewal_due(now) {
            return Changed::No;
        }
        let shown = self.identity.0.load_full();
        let expires = shown.leaf.not_after;
        if let Source::Given { .. } = self.source {
            // Whoever brings a certificate renews it in their own rhythm; only the last days are worth a word.
            if expires.as_second() - now.as_second() < 7 * 24 * 60 * 60 {
                self.warn_once(
                    &format!("it ends on {expires}"),
                    "certificate ends soon; renew it",
                );
            }
            return Changed::No;
        }
        // A certificate can't outlive its CA: near the CA's end every new one would be due again at once.
        if shown.root.as_ref().is_some_and(|root| root.not_after <= expires) {
            self.warn_once(
                &format!("the CA ends on {expires}"),
                "certificate can't be renewed; set up a new CA",
            );
            return Changed::No;
        }
        match renewed(&self.source, &self.surroundings, now) {
            Ok(pair) => {
                self.seen = fingerprint(&self.source).unwrap_or_default();
                self.show(pair, "certificate renewed");
                Changed::Renewed
            }
            Err(error) => {
                self.warn_once(&error, "certificate is due and can't be renewed");
                Changed::No
            }
        }
    }

    fn show(&mut self, pair: Pair, message: &'static str) {
        info!(expires = %pair.leaf.not_after, pin = ?pair.pin(), "{message}");
        self.identity.swap(pair);
        self.warned = None;
    }

    fn warn_once(&mut self, reason: &dyn ToString, message: &'static str) {
        let reason = reason.to_string();
        if self.warned.as_ref() != Some(&reason) {
            warn!(%reason, "{message}");
            self.warned = Some(reason);
        }
    }
}

fn renewed(source: &Source, surroundings: &Surroundings, now: Timestamp) -> Result<Pair, CertsError> {
    if let Source::Own { directory, host } = source {
        let machine = (surroundings.machine)();
        let renew = |hosts: &[HostName]| {
            let random = surroundings.random.as_ref();
            certs::renew(
                directory,
                &Request {
                    hosts,
                    machine: &machine,
                    now,
                    random,
                },
            )
        };
        match renew(host.as_slice()) {
            // A name that was written into kith.toml later is no reason to let the certificate run out.
            Err(error @ CertsError::NotPermitted { .. }) => {
                warn!(%error, "certificate is renewed without the configured host");
                renew(&[])?
            }
            prepared => prepared?,
        };
    }
    source.read()
}

/// Whether these files are what a crash in the middle of a renewal leaves.
fn is_interrupted_renewal(error: &CertsError) -> bool {
    let mismatch = |reason: &PairError| *reason == PairError::Mismatch;
    matches!(error, CertsError::Pair { reason, .. } if mismatch(reason))
}

/// A digest of both files.
fn fingerprint(source: &Source) -> Result<[u8; 32], FileError> {
    let (certificate, key) = source.files();
    let mut digest = Context::new(&SHA256);
    for file in [certificate, key] {
        let bytes = files::read(&file)?;
        digest.update(&bytes.len().to_le_bytes());
        digest.update(&bytes);
    }
    let mut seen = [0; 32];
    seen.copy_from_slice(digest.finish().as_ref());
    Ok(seen)
}

fn warn_if_exposed(key: &Path) {
    if let Ok(Some(mode)) = files::exposed_mode(key) {
        let advice = format!("chmod 600 {}", key.display());
        warn!(
            mode = format!("{mode:o}"),
            advice, "private key can be read by others"
        );
    }
}
