//! The library behind TLS and fingerprints: aws-lc, which also has the key exchange that withstands quantum computers, or on
//! Android ring, whose C code is easily built for it.

#[cfg(not(target_os = "android"))]
use aws_lc_rs::digest;
#[cfg(target_os = "android")]
use ring::digest;
use rustls::crypto::CryptoProvider;
#[cfg(not(target_os = "android"))]
use rustls::crypto::aws_lc_rs as library;
#[cfg(target_os = "android")]
use rustls::crypto::ring as library;

/// What rustls computes with.
pub(super) fn provider() -> CryptoProvider {
    library::default_provider()
}

/// The SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}
