//! What a picture says beside its pixels: where and when it was taken, with which camera, by whom.

use core::ops::Range;

use super::media::picture_type;

/// The parts of a PNG that its pixels and their colours need (its third edition, sections 11.2 and 11.3). All others say something
/// of it.
const PNG_KEPT: [&[u8]; 16] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP",
    b"mDCV", b"cLLI", b"acTL", b"fcTL", b"fdAT",
];

/// How an Exif block begins in a JPEG (CIPA DC-008, section 4.7.2).
const EXIF: &[u8] = b"Exif\0\0";

/// The tag of which way is up (CIPA DC-008, section 4.6.5).
const ORIENTATION: usize = 0x0112;

/// Where pixels of a JPEG begin, and its end (ITU-T T.81, table B.1).
const SOS: u8 = 0xda;
const EOI: u8 = 0xd9;

/// A picture without all that isn't needed to show it, the same where it says nothing else; none where it is damaged, or of another
/// kind. The pixels stay as they are, bit for bit, and so does which way is up.
///
/// The parts of three kinds of files are told apart here and not by a library: those that were found make sums of their own, with
/// tables that take a browser sixteen kilobytes.
pub fn without(bytes: &[u8]) -> Option<Vec<u8>> {
    match picture_type(bytes)? {
        "image/jpeg" => jpeg(bytes),
        "image/png" => png(bytes),
        "image/webp" => webp(bytes),
        _ => None,
    }
}

/// JPEG: segments that a marker begins, in front of some of which lies what their pixels are (ITU-T T.81, annex B).
fn jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut kept = bytes.get(..2)?.to_vec();
    let mut way = None;
    let mut at = 2;
    loop {
        let behind = at;
        // Before a marker there may be more of what begins it.
        while *bytes.get(at)? == 0xff {
            at += 1;
        }
        let marker = *bytes.get(at)?;
        at += 1;
        let from = at.checked_sub(2).filter(|from| *from >= behind)?;
        if !is_marker(&[0xff, marker]) {
            return None;
        }
        if marker == EOI {
            break;
        }
        let length = usize::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
        let contents = bytes.get(at + 2..at.checked_add(length)?)?;
        at += length;
        let mut end = at;
        // Behind it are pixels, or nothing that is needed.
        at += bytes.get(at..)?.windows(2).position(is_marker)?;
        if marker == SOS {
            end = at;
        }
        let is_kept = match marker {
            // The colours, and Adobe's word on how they are to be read; all else is what programs add, and comments.
            0xe2 => contents.starts_with(b"ICC_PROFILE\0"),
            0xee => contents.starts_with(b"Adobe"),
            0xe1 if contents.starts_with(EXIF) => {
                way = way.or_else(|| turned(contents));
                false
            }
            _ => !matches!(marker, 0xe1..=0xef | 0xfe),
        };
        if is_kept {
            kept.extend_from_slice(bytes.get(from..end)?);
        }
    }
    kept.extend([0xff, EOI]);
    if let Some(way) = way {
        let contents = [EXIF, &only_turned(way)].concat();
        let head = [
            &[0xff, 0xe1],
            &(u16::try_from(contents.len()).ok()? + 2).to_be_bytes()[..],
        ]
        .concat();
        // Behind what JFIF wants to come first.
        let at = match kept.get(2..6)? {
            [0xff, 0xe0, high, low] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
            _ => 2,
        };
        kept.splice(at..at, [head, contents].concat());
    }
    Some(kept)
}

/// Whether a part of a JPEG begins so: some pairs stand among pixels, or alone.
fn is_marker(pair: &[u8]) -> bool {
    matches!(pair, [0xff, marker] if !matches!(marker, 0x00 | 0x01 | 0xd0..=0xd7 | 0xff))
}

/// PNG: chunks of a length, a kind, so many bytes, and their sum (its third edition, section 5.3).
fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut kept = bytes.get(..8)?.to_vec();
    let mut way = None;
    let mut at = 8;
    loop {
        let length = number(bytes, at..at + 4, false)?;
        let kind = bytes.get(at + 4..at + 8)?;
        let end = at.checked_add(12)?.checked_add(length)?;
        let chunk = bytes.get(at..end)?;
        if kind == b"eXIf" {
            way = turned(bytes.get(at + 8..at + 8 + length)?);
        } else if PNG_KEPT.contains(&kind) {
            kept.extend_from_slice(chunk);
        }
        at = end;
        if kind == b"IEND" {
            break;
        }
    }
    if let Some(way) = way {
        let mut chunk = b"eXIf".to_vec();
        chunk.extend(only_turned(way));
        let length = u32::try_from(chunk.len()).ok()? - 4;
        chunk.extend(crc(&chunk).to_be_bytes());
        // Behind the first, which has a length of its own.
        (kept.get(12..16)? == b"IHDR").then_some(())?;
        let at = 8 + 12 + number(&kept, 8..12, false)?;
        kept.splice(at..at, [&length.to_be_bytes()[..], &chunk].concat());
    }
    Some(kept)
}

/// The sum of a PNG's chunk (its annex D), a bit at a time: there is little to add.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

/// WebP: chunks of a kind, a length and so many bytes, filled up to an even number (RFC 9649, section 2.3).
fn webp(bytes: &[u8]) -> Option<Vec<u8>> {
    let end = 8_usize.checked_add(number(bytes, 4..8, true)?)?;
    let mut kept = bytes.get(..12)?.to_vec();
    let mut way = None;
    let mut at = 12;
    while at < end {
        let length = number(bytes, at + 4..at + 8, true)?;
        let next = at.checked_add(8)?.checked_add(length)?.checked_add(length % 2)?;
        match bytes.get(at..at + 4)? {
            b"EXIF" => way = turned(bytes.get(at + 8..at + 8 + length)?),
            b"XMP " => {}
            _ => kept.extend_from_slice(bytes.get(at..next)?),
        }
        at = next;
    }
    if let Some(way) = way {
        let tiff = only_turned(way);
        kept.extend(b"EXIF");
        kept.extend(u32::try_from(tiff.len()).ok()?.to_le_bytes());
        kept.extend(tiff);
    }
    // The head says what there is (section 2.7.1).
    if kept.get(12..16)? == b"VP8X" {
        let flags = kept.get_mut(20)?;
        *flags = *flags & !0x0c | if way.is_some() { 0x08 } else { 0 };
    }
    let length = u32::try_from(kept.len()).ok()? - 8;
    kept.splice(4..8, length.to_le_bytes());
    Some(kept)
}

/// A number of some bytes.
fn number(bytes: &[u8], range: Range<usize>, is_little: bool) -> Option<usize> {
    let bytes = bytes.get(range)?.iter();
    let add = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
    Some(match is_little {
        true => bytes.rev().fold(0, add),
        false => bytes.fold(0, add),
    })
}

/// Which way is up, from 2 to 8, as a TIFF says (its revision 6.0, section 2); none where it is as it lies.
fn turned(exif: &[u8]) -> Option<u8> {
    let exif = exif.strip_prefix(EXIF).unwrap_or(exif);
    let is_little = match exif.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let read = |at: usize, length: usize| number(exif, at..at.checked_add(length)?, is_little);
    let directory = read(4, 4)?;
    let entries = read(directory, 2)?;
    let at = (0..entries)
        .map(|place| directory.saturating_add(2 + place * 12))
        .find(|at| read(*at, 2) == Some(ORIENTATION))?;
    let turned = u8::try_from(read(at.checked_add(8)?, 2)?).ok()?;
    (2..=8).contains(&turned).then_some(turned)
}

/// A TIFF that says which way is up, and nothing else.
fn only_turned(turned: u8) -> Vec<u8> {
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    tiff.extend([turned, 0, 0, 0, 0, 0, 0]);
    tiff
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder};
    use image::metadata::Orientation;
    use image::{ExtendedColorType, ImageDecoder as _, ImageEncoder as _};
    use proptest::prelude::*;

    use super::*;

    const PLACE: &[u8] = b"47.3769 N, 8.5417 E";

    fn pixels() -> Vec<u8> {
        (0..40 * 30 * 3).map(|place| (place * 7 % 251) as u8).collect()
    }

    /// A TIFF with an orientation and something that tells where somebody was.
    fn exif(is_little: bool, turned: u16) -> Vec<u8> {
        let short = |n: u16| {
            if is_little {
                n.to_le_bytes()
            } else {
                n.to_be_bytes()
            }
        };
        let long = |n: u32| {
            if is_little {
                n.to_le_bytes()
            } else {
                n.to_be_bytes()
            }
        };
        let mut tiff = if is_little { b"II".to_vec() } else { b"MM".to_vec() };
        tiff.extend(short(42));
        tiff.extend(long(8));
        tiff.extend(short(2));
        for (tag, kind, count, value) in [
            (0x010e, 2, PLACE.len() as u32, long(38)),
            (0x0112, 3, 1, {
                let [a, b] = short(turned);
                [a, b, 0, 0]
            }),
        ] {
            tiff.extend([short(tag), short(kind)].concat());
            tiff.extend(long(count));
            tiff.extend(value);
        }
        tiff.extend(long(0));
        tiff.extend(PLACE);
        tiff
    }

    fn pictures(exif: &[u8]) -> Vec<Vec<u8>> {
        let mut jpeg = Vec::new();
        let mut encoder = JpegEncoder::new(&mut jpeg);
        encoder.set_exif_metadata(exif.to_vec()).unwrap();
        encoder
            .write_image(&pixels(), 40, 30, ExtendedColorType::Rgb8)
            .unwrap();
        let mut png = Vec::new();
        let mut encoder = PngEncoder::new(&mut png);
        encoder.set_exif_metadata(exif.to_vec()).unwrap();
        encoder
            .write_image(&pixels(), 40, 30, ExtendedColorType::Rgb8)
            .unwrap();
        let mut webp = Vec::new();
        let mut encoder = WebPEncoder::new_lossless(&mut webp);
        encoder.set_exif_metadata(exif.to_vec()).unwrap();
        encoder
            .write_image(&pixels(), 40, 30, ExtendedColorType::Rgb8)
            .unwrap();
        vec![jpeg, png, webp]
    }

    fn holds(bytes: &[u8], word: &[u8]) -> bool {
        bytes.windows(word.len()).any(|window| window == word)
    }

    fn decoded(bytes: &[u8]) -> image::DynamicImage {
        let reader = image::ImageReader::new(Cursor::new(bytes));
        reader.with_guessed_format().unwrap().decode().unwrap()
    }

    fn way(bytes: &[u8]) -> Orientation {
        let reader = image::ImageReader::new(Cursor::new(bytes));
        let mut decoder = reader.with_guessed_format().unwrap().into_decoder().unwrap();
        decoder.orientation().unwrap()
    }

    #[test]
    fn nobody_learns_where_a_picture_was_taken() {
        for exif in [exif(true, 6), exif(false, 6)] {
            for picture in pictures(&exif) {
                assert!(holds(&picture, PLACE));
                let cleaned = without(&picture).unwrap();
                assert!(!holds(&cleaned, PLACE));
                assert_eq!(decoded(&cleaned), decoded(&picture));
                // Still the right way up.
                let kind = picture_type(&cleaned).unwrap();
                assert_eq!(way(&cleaned), Orientation::Rotate90, "{kind}");
                // There is no more to take away.
                assert!(without(&cleaned).unwrap() == cleaned, "{kind}");
            }
        }
    }

    #[test]
    fn comments_and_what_follows_the_end_go_too() {
        for (kind, picture) in pictures(&exif(true, 1)).into_iter().enumerate() {
            let mut said = picture.clone();
            said.extend(PLACE);
            if kind == 0 {
                let comment = [&[0xff, 0xfe, 0, 2 + PLACE.len() as u8], PLACE].concat();
                said.splice(2..2, comment);
                // Between parts, where it belongs to none.
                let table = said.windows(2).position(|pair| pair == [0xff, 0xdb]).unwrap();
                said.splice(table..table, PLACE.iter().copied());
            }
            let cleaned = without(&said).unwrap();
            assert!(!holds(&cleaned, PLACE), "{kind}");
            assert_eq!(decoded(&cleaned), decoded(&picture));
        }
    }

    #[test]
    fn the_parts_of_a_jpeg_are_told_apart() {
        let picture = pictures(&exif(true, 6)).swap_remove(0);
        let cleaned = without(&picture).unwrap();
        // More of what begins a part.
        let mut filled = picture.clone();
        filled.splice(2..2, [0xff; 9]);
        assert!(without(&filled).unwrap() == cleaned);
        // What begins none.
        for marker in [0x00, 0x01, 0xd0, 0xd7] {
            let mut damaged = picture.clone();
            damaged.splice(2..2, [0xff, marker, 0, 2]);
            assert!(without(&damaged).is_none(), "{marker}");
        }
    }

    #[test]
    fn a_png_that_begins_otherwise_is_damaged() {
        let mut picture = pictures(&exif(true, 6)).swap_remove(1);
        picture.drain(8..8 + 12 + 13);
        assert!(without(&picture).is_none());
    }

    proptest! {
        #[test]
        fn nothing_breaks_on_a_damaged_picture(kind in 0..3usize, at in any::<prop::sample::Index>(), byte: u8, cut in any::<prop::sample::Index>()) {
            let mut picture = pictures(&exif(true, 6)).swap_remove(kind);
            let place = at.index(picture.len());
            picture[place] = byte;
            let _ = without(&picture);
            picture.truncate(cut.index(picture.len()));
            let _ = without(&picture);
        }
    }
}
