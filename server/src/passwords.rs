//! Passwords: what is accepted, and how they are hashed.
//!
//! A password is prepared as RFC 8265 (OpaqueString) has it, then bcrypt over base64(HMAC-SHA-384(pepper, password)),
//! as the OWASP Password Storage Cheat Sheet has it: 64 characters, so that nothing is cut at bcrypt's 72 bytes.
//! Hashing runs on few threads behind a queue: a storm of logins delays logins, never messages.

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use kith_common::limits;
use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::PrecisFastInvocation as _;
use tokio::sync::Semaphore;

use crate::random::{Random, RandomError};
use crate::secrets::{PepperKey, Peppers};

/// A password that may be used for a new hash, in its prepared form.
pub struct NewPassword(String);

/// Why a new password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Fewer than 8 or more than 1024 characters.
    #[error("a password has 8 to 1024 characters")]
    Length,
    /// It holds characters that nobody can type again (control characters, unassigned ones).
    #[error("the password has characters that can't be typed on every device")]
    Characters,
    /// It is among the passwords that are tried first.
    #[error("this password is among the most common ones; choose another")]
    Common,
    /// It is the user name.
    #[error("the password must not be the user name")]
    Name,
}

/// Why nothing was hashed.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub enum HashError {
    /// Too many logins wait already.
    #[error("too many logins at once")]
    Busy,
    /// The library or the system failed.
    #[error("hashing failed")]
    Failed,
}

/// A hash and the version of the pepper in it.
#[derive(Clone, Debug)]
pub struct Hashed {
    /// The bcrypt hash.
    pub hash: String,
    /// The pepper's version.
    pub pepper: i32,
}

/// Hashes and checks passwords.
pub struct Passwords {
    peppers: Peppers,
    cost: u32,
    random: Arc<dyn Random>,
    turns: Semaphore,
    queue: Semaphore,
    /// What is checked when nobody has the name, so that the answer takes as long.
    decoy: String,
}

impl NewPassword {
    /// Prepares and judges a password that somebody wants to use.
    ///
    /// # Errors
    /// It is too weak, or nobody could type it again.
    pub fn new(password: &str, username: &str) -> Result<Self, WeakPassword> {
        // Checked before preparing too, so that nothing long is worked on.
        if password.chars().count() > *limits::PASSWORD.end() {
            return Err(WeakPassword::Length);
        }
        let prepared = OpaqueString::enforce(password).map_err(|_| match password {
            "" => WeakPassword::Length,
            _ => WeakPassword::Characters,
        })?;
        if !limits::PASSWORD.contains(&prepared.chars().count()) {
            return Err(WeakPassword::Length);
        }
        let lower = prepared.to_lowercase();
        if lower == username.to_lowercase() {
            return Err(WeakPassword::Name);
        }
        let is_common = |password: &str| passwords::analyzer::is_common_password(password);
        if is_common(&prepared) || is_common(&lower) {
            return Err(WeakPassword::Common);
        }
        Ok(Self(prepared.into_owned()))
    }
}

impl Passwords {
    /// `threads` hash at a time, `queue` may wait.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn new(
        peppers: Peppers,
        cost: u32,
        threads: usize,
        queue: usize,
        random: Arc<dyn Random>,
    ) -> Result<Self, HashError> {
        let salt = salt(&*random)?;
        let decoy = bcrypt::hash_with_salt("", cost, salt).map_err(|_| HashError::Failed)?;
        Ok(Self {
            peppers,
            cost,
            random,
            turns: Semaphore::new(threads),
            queue: Semaphore::new(threads + queue),
            decoy: decoy.to_string(),
        })
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`HashError::Busy`] when too many wait.
    pub async fn hash(&self, password: NewPassword) -> Result<Hashed, HashError> {
        let (version, key) = self.peppers.newest();
        let (cost, salt) = (self.cost, salt(&*self.random)?);
        let hash = self
            .in_turn(move || {
                bcrypt::hash_with_salt(peppered(&key, &password.0), cost, salt).map(|parts| parts.to_string())
            })
            .await?
            .map_err(|_| HashError::Failed)?;
        Ok(Hashed {
            hash,
            pepper: i32::try_from(version).map_err(|_| HashError::Failed)?,
        })
    }

    /// Whether the password belongs to the hash; takes as long where there is no hash to compare with.
    ///
    /// # Errors
    /// [`HashError::Busy`] when too many wait.
    pub async fn verify(&self, password: &str, against: Option<&Hashed>) -> Result<bool, HashError> {
        let known = against.and_then(|hashed| {
            let version = u32::try_from(hashed.pepper).ok()?;
            Some((hashed.hash.clone(), self.peppers.version(version)?))
        });
        let is_known = known.is_some();
        let (hash, key) = known.unwrap_or_else(|| (self.decoy.clone(), self.peppers.newest().1));
        // What can't be prepared can't have been hashed; it is compared all the same, for the time it takes.
        let prepared =
            OpaqueString::enforce(password).map_or_else(|_| password.to_owned(), |text| text.into_owned());
        let matches = self
            .in_turn(move || bcrypt::verify(peppered(&key, &prepared), &hash))
            .await?
            .unwrap_or(false);
        Ok(matches && is_known)
    }

    /// Whether a hash was made with an older pepper or another cost, so that the next login should renew it.
    pub fn is_outdated(&self, hashed: &Hashed) -> bool {
        let cost = hashed.hash.split('$').nth(2).and_then(|cost| cost.parse().ok());
        cost != Some(self.cost) || u32::try_from(hashed.pepper) != Ok(self.peppers.newest().0)
    }

    /// The password of a login that has just been checked, for hashing it anew. Rules for new passwords don't apply.
    pub fn checked(password: &str) -> Option<NewPassword> {
        OpaqueString::enforce(password)
            .ok()
            .map(|text| NewPassword(text.into_owned()))
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let _place = self.queue.try_acquire().map_err(|_| HashError::Busy)?;
        let _turn = self.turns.acquire().await.map_err(|_| HashError::Busy)?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| HashError::Failed)
    }
}

fn peppered(key: &PepperKey, prepared: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA384, key.as_bytes());
    STANDARD_NO_PAD.encode(hmac::sign(&key, prepared.as_bytes()))
}

fn salt(random: &dyn Random) -> Result<[u8; 16], HashError> {
    let mut salt = [0; 16];
    random.fill(&mut salt).map_err(|RandomError| HashError::Failed)?;
    Ok(salt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_passwords_are_judged() {
        let judge = |password: &str| NewPassword::new(password, "Alice-Liddell").map(|_| ());
        assert_eq!(judge("a good long one"), Ok(()));
        assert_eq!(judge("пароль-для-всех"), Ok(()));
        assert_eq!(judge("short"), Err(WeakPassword::Length));
        assert_eq!(judge(""), Err(WeakPassword::Length));
        assert_eq!(judge(&"x".repeat(1025)), Err(WeakPassword::Length));
        assert_eq!(judge("password"), Err(WeakPassword::Common));
        assert_eq!(judge("PASSWORD"), Err(WeakPassword::Common));
        assert_eq!(judge("alice-liddell"), Err(WeakPassword::Name));
        assert_eq!(judge("eight\u{7}chars"), Err(WeakPassword::Characters));
    }

    #[test]
    fn other_spaces_are_the_same_password() {
        let prepared = |password: &str| NewPassword::new(password, "x").unwrap().0;
        assert_eq!(prepared("correct\u{3000}horse"), prepared("correct horse"));
        assert_eq!(prepared("cafe\u{301}-ole"), prepared("café-ole"));
    }
}
