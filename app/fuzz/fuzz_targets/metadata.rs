//! Takes away what any bytes say as pictures and films, and checks that it ends and stays within them.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../../client/src/engine/transfers/blank.rs"]
mod blank;
#[path = "../../src/model"]
mod model {
    pub(crate) mod boxes;
    pub(crate) mod media;
    pub(crate) mod metadata;

    pub(crate) use crate::blank::Blank;
}

use model::boxes::Boxes;
use model::{media, metadata};

/// What a picture grows by at most: which way is up, told anew.
const GROWS: usize = 64;

fuzz_target!(|input: &[u8]| {
    if let Some(cleaned) = metadata::without(input) {
        assert!(cleaned.len() <= input.len() + GROWS, "it grows");
        assert_eq!(media::media_type(&cleaned), media::media_type(input));
        let again = metadata::without(&cleaned);
        assert_eq!(again.as_ref(), Some(&cleaned), "there was more to be taken away");
    }

    let size = input.len() as u64;
    let mut boxes = Boxes::of(size);
    let mut reads = 0;
    while let Some((from, most)) = boxes.wanted() {
        reads += 1;
        assert!(reads <= 2 * input.len(), "it doesn't get on");
        assert!(most > 0 && from + most <= size, "it reads beyond the end");
        boxes.take(&input[from as usize..(from + most) as usize]);
    }
    let mut cleaned = input.to_vec();
    let mut end = 0;
    for blank in &boxes.blanks {
        assert!(end <= blank.at && blank.length > 0, "out of order");
        end = blank.end();
        blank.cover(&mut cleaned, 0);
    }
    assert!(end <= size, "beyond the end");
    if !boxes.blanks.is_empty() {
        assert_ne!(cleaned, input, "nothing is taken away");
    }
});
