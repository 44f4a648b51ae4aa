//! Session tokens: 256 random bits, of which the server keeps only the SHA-256.
//!
//! A token has as much randomness as a hash could add, so nothing slow is needed (OWASP Session Management).

use aws_lc_rs::digest;

use crate::random::{self, Random, RandomError};

/// A new token, as it is given to a client.
///
/// # Errors
/// The system gives no randomness.
pub fn new(random: &dyn Random) -> Result<String, RandomError> {
    random::text::<32>(random)
}

/// What is kept of a token.
pub fn hash(token: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}
