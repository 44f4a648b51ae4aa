//! Parts of a file that don't leave the device.

use serde::{Deserialize, Serialize};

/// A part of a file in whose place a few bytes and then zeros go out, so that nothing of the file moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blank {
    /// Where it begins, in bytes from the file's beginning.
    pub at: u64,
    /// Its length in bytes.
    pub length: u64,
    /// What stands at its beginning, instead of zeros.
    pub begins: Vec<u8>,
}

impl Blank {
    /// Where it ends.
    pub fn end(&self) -> u64 {
        self.at.saturating_add(self.length)
    }

    /// Writes over as much of it as lies in a piece of the file that begins at an offset.
    pub fn cover(&self, piece: &mut [u8], from: u64) {
        let first = self.at.max(from);
        let skipped = usize::try_from(first - from).unwrap_or(usize::MAX);
        for (byte, place) in piece.iter_mut().skip(skipped).zip(first..self.end()) {
            let begins = usize::try_from(place - self.at).ok();
            *byte = begins
                .and_then(|place| self.begins.get(place))
                .copied()
                .unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_in_any_pieces() {
        let blank = Blank {
            at: 3,
            length: 5,
            begins: b"free".to_vec(),
        };
        for size in 1..12 {
            let mut file = *b"0123456789";
            let mut from = 0;
            for piece in file.chunks_mut(size) {
                blank.cover(piece, from);
                from += piece.len() as u64;
            }
            assert_eq!(&file, b"012free\089", "{size}");
        }
        let endless = Blank {
            at: u64::MAX,
            length: u64::MAX,
            ..blank
        };
        let mut piece = *b"abc";
        endless.cover(&mut piece, u64::MAX - 1);
        assert_eq!(&piece, b"abc");
    }
}
