//! Randomness, passed in so that tests can repeat it.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Gives random bytes.
pub trait Random: Send + Sync {
    /// Fills the buffer with bytes that nobody can guess.
    ///
    /// # Errors
    /// The system has no randomness to give.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError>;
}

/// The system gave no random bytes; nothing secret can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct RandomError;

/// The system's randomness.
#[derive(Debug, Default)]
pub struct SystemRandomness(SystemRandom);

impl SystemRandomness {
    /// The system's randomness.
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Random for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        self.0.fill(buffer).map_err(|_| RandomError)
    }
}

/// `N` random bytes as base64url without padding (RFC 4648, section 5).
///
/// # Errors
/// The system has no randomness to give.
pub fn text<const N: usize>(random: &dyn Random) -> Result<String, RandomError> {
    let mut bytes = [0u8; N];
    random.fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
