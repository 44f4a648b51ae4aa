//! A picture in a few bytes, that stands where a picture will be: [ThumbHash](https://evanw.github.io/thumbhash/).

/// Longest side of what it is made of, in pixels; it holds no more.
pub const SIDE: u32 = 100;

/// Bytes in front of the pixels of a bitmap: a file's head, and `BITMAPV4HEADER`.
const HEAD: usize = 14 + 108;

/// Makes it from pixels of four bytes: red, green, blue, opacity. None where there aren't as many as there should be.
pub fn make(width: u32, height: u32, pixels: &[u8]) -> Option<Vec<u8>> {
    let (width, height) = (width as usize, height as usize);
    let fits = (1..=SIDE as usize).contains(&width) && (1..=SIDE as usize).contains(&height);
    (fits && pixels.len() == width * height * 4).then(|| thumbhash::rgba_to_thumb_hash(width, height, pixels))
}

/// The picture, as a Windows bitmap with opacity: what every browser shows and needs no compression. None where the bytes are no
/// such picture.
pub fn bitmap(thumb: &[u8]) -> Option<Vec<u8>> {
    let (width, height, pixels) = thumbhash::thumb_hash_to_rgba(thumb).ok()?;
    // Some bytes make a picture without pixels.
    if !(1..=32).contains(&width) || !(1..=32).contains(&height) {
        return None;
    }
    let mut file = b"BM".to_vec();
    let mut long = |numbers: &[u32]| file.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    let size = u32::try_from(pixels.len()).ok()?;
    long(&[HEAD as u32 + size, 0, HEAD as u32]);
    // One plane of 32 bits, by masks; a negative height begins at the top.
    long(&[
        108,
        width,
        height.wrapping_neg(),
        1 | 32 << 16,
        3,
        size,
        2835,
        2835,
        0,
        0,
    ]);
    long(&[0xff, 0xff00, 0x00ff_0000, 0xff00_0000]);
    // In sRGB.
    long(&[0x7352_4742, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(pixels);
    Some(file)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_shown_is_like_what_it_was_made_of() {
        // Left red, right blue.
        let pixels: Vec<u8> = (0..60 * 40)
            .flat_map(|place| {
                if place % 60 < 30 {
                    [200, 30, 30, 255]
                } else {
                    [30, 30, 200, 255]
                }
            })
            .collect();
        let thumb = make(60, 40, &pixels).unwrap();
        assert!(thumb.len() <= kith_common::limits::THUMBHASH_BYTES);
        let shown = image::load_from_memory(&bitmap(&thumb).unwrap())
            .unwrap()
            .into_rgba8();
        let (width, height) = shown.dimensions();
        let (left, right) = (
            shown.get_pixel(2, height / 2).0,
            shown.get_pixel(width - 3, height / 2).0,
        );
        assert!(left[0] > 120 && left[2] < 120, "{left:?}");
        assert!(right[2] > 120 && right[0] < 120, "{right:?}");
        assert_eq!(make(60, 40, &pixels[4..]), None);
        assert_eq!(make(0, 40, &[]), None);
        assert_eq!(make(101, 1, &[0; 404]), None);
    }

    proptest! {
        #[test]
        fn nothing_breaks_on_other_bytes(bytes in prop::collection::vec(any::<u8>(), 0..70)) {
            if let Some(file) = bitmap(&bytes) {
                prop_assert!(file.len() > HEAD);
            }
        }
    }
}
