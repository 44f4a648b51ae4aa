//! The hash of the bytes of a transfer as far as they were read, so that not all of them are read again after each cut.

use std::collections::VecDeque;

use kith_common::FileHash;

use crate::limits;

/// The hash of the first bytes of a file, for several numbers of them.
#[derive(Default)]
pub(in crate::engine) struct Hashes(VecDeque<(u64, blake3::Hasher)>);

impl Hashes {
    /// The most that is known and isn't beyond this: how many bytes, and their hash so far.
    pub(super) fn up_to(&mut self, offset: u64) -> (u64, blake3::Hasher) {
        // What is beyond will be read once more.
        while self.0.back().is_some_and(|(at, _)| *at > offset) {
            self.0.pop_back();
        }
        self.0
            .back()
            .cloned()
            .unwrap_or_else(|| (0, blake3::Hasher::new()))
    }

    /// The hash of so many bytes is known.
    pub(super) fn note(&mut self, at: u64, hasher: &blake3::Hasher) {
        if self.0.len() >= limits::KNOWN_HASHES {
            self.0.pop_front();
        }
        self.0.push_back((at, hasher.clone()));
    }

    /// Nothing is known.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

/// The hash in the protocol's form.
pub(super) fn finish(hasher: &blake3::Hasher) -> FileHash {
    FileHash(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_from_what_is_known() {
        let mut hashes = Hashes::default();
        let mut hasher = blake3::Hasher::new();
        for at in 1..=100_u64 {
            hasher.update(&[u8::try_from(at).unwrap()]);
            hashes.note(at, &hasher);
        }
        assert_eq!(hashes.up_to(1).0, 0, "too long ago");
        let mut hashes = Hashes::default();
        hashes.note(50, &blake3::Hasher::new());
        hashes.note(100, &hasher);
        let (at, known) = hashes.up_to(120);
        assert_eq!((at, finish(&known)), (100, finish(&hasher)));
        assert_eq!(hashes.up_to(99).0, 50);
        assert_eq!(hashes.up_to(120).0, 50, "what was beyond is read again");
        hashes.forget();
        assert_eq!(hashes.up_to(120).0, 0);
    }
}
