use proptest::prelude::*;

use super::*;

const PLACE: &[u8] = b"+47.3769+008.5417/";
const FRAMES: &[u8] = b"what is seen and heard";
/// 2024-05-01, in seconds since 1904.
const TIME: [u8; 4] = [0xe2, 0x57, 0x12, 0x00];

fn boxed(kind: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = u32::try_from(8 + content.len()).unwrap();
    [&length.to_be_bytes()[..], kind, &content].concat()
}

/// One whose size takes 64 bits.
fn large(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = 16 + content.len() as u64;
    [&1_u32.to_be_bytes()[..], kind, &length.to_be_bytes(), content].concat()
}

fn words(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn head_with_times(kind: &[u8; 4]) -> Vec<u8> {
    boxed(kind, &[&[0; 4], &TIME, &TIME, &words(&[600, 1200])])
}

fn about(kind: &[u8; 4]) -> Vec<u8> {
    boxed(b"hdlr", &[&[0; 8], kind, &[0; 13]])
}

fn track(kind: &[u8; 4], table: &[&[u8]], more: &[&[u8]]) -> Vec<u8> {
    let media = boxed(
        b"mdia",
        &[
            &head_with_times(b"mdhd"),
            &about(kind),
            &boxed(b"minf", &[&boxed(b"stbl", table)]),
        ],
    );
    boxed(b"trak", &[&head_with_times(b"tkhd"), &media, &more.concat()])
}

/// A film that tells where it was made in all ways that there are. Its frames lie in front of what is told of them.
fn film() -> Vec<u8> {
    let first = boxed(b"ftyp", &[b"qt  \0\0\0\0qt  "]);
    let from = u32::try_from(first.len() + 16).unwrap();
    let told = u32::try_from(PLACE.len()).unwrap();
    let other = from + u32::try_from(FRAMES.len()).unwrap() + told;
    // One sample of another size in a chunk of its own, then two alike in one.
    let frames = large(b"mdat", &[FRAMES, PLACE, FRAMES, PLACE, PLACE].concat());
    let second = other + u32::try_from(FRAMES.len()).unwrap();
    let sizes = boxed(b"stsz", &[&words(&[0, 0, 3, told, told, told])]);
    let runs = boxed(b"stsc", &[&words(&[0, 2, 1, 1, 1, 2, 2, 1])]);
    let chunks = boxed(b"stco", &[&words(&[0, 2, other - told, second])]);
    let wide = boxed(b"co64", &[&words(&[0, 1, 0, other - told])]);
    let equal = boxed(b"stsz", &[&words(&[0, told, 1])]);
    let one = boxed(b"stsc", &[&words(&[0, 1, 1, 1, 1])]);
    let says = boxed(b"udta", &[&boxed(b"\xa9xyz", &[b"\0\x12\x15\xc7", PLACE])]);
    let movie = boxed(
        b"moov",
        &[
            &head_with_times(b"mvhd"),
            &track(b"vide", &[], &[&says, &boxed(b"uuid", &[SPHERICAL, b"round"])]),
            &track(b"meta", &[&sizes, &runs, &chunks], &[&says]),
            &track(b"camm", &[&equal, &one, &wide], &[]),
            &large(b"udta", &boxed(b"loci", &[PLACE])),
            &boxed(b"meta", &[&about(b"mdta"), &boxed(b"ilst", &[PLACE])]),
            &boxed(b"uuid", &[&[7; 16], PLACE]),
            // As QuickTime ends them.
            &[0; 4],
        ],
    );
    let more = boxed(b"sefd", &[PLACE]);
    let description = boxed(b"meta", &[&[0; 4], &about(b"ID32"), PLACE]);
    let free = boxed(b"free", &[b"\0\0"]);
    [first, frames, movie, more, description, free].concat()
}

/// A picture with where it was taken, in one part of the file and one within what tells of it.
fn picture(version: u8, within: bool) -> Vec<u8> {
    let entry = |version: u8, id: u32, kind: &[u8; 4], more: &[u8]| {
        let id = match version {
            2 => id.to_be_bytes()[2..].to_vec(),
            _ => id.to_be_bytes().to_vec(),
        };
        boxed(b"infe", &[&[version, 0, 0, 0], &id, &[0, 0], kind, b"\0", more])
    };
    let entries = [
        entry(2, 1, b"hvc1", b""),
        entry(2, 2, b"Exif", b""),
        entry(3, 3, b"mime", b"application/rdf+xml\0"),
    ];
    let number = |long: bool, number: u32| match long {
        true => number.to_be_bytes().to_vec(),
        false => number.to_be_bytes()[2..].to_vec(),
    };
    let made = |at: u32| {
        let mut places = vec![version, 0, 0, 0, 0x44, 0x40 | (u8::from(version > 0) * 4)];
        places.extend(number(version > 1, 3));
        let told = u32::try_from(PLACE.len()).unwrap();
        let seen = u32::try_from(FRAMES.len()).unwrap();
        for (id, base, extents) in [
            (1, at, vec![(0, seen)]),
            (
                2,
                if within { 1 } else { at + 1 },
                vec![(if within { 0 } else { seen - 1 }, told)],
            ),
            // In two halves.
            (3, at + seen, vec![(told, 5), (told + 5, told - 5)]),
        ] {
            places.extend(number(version > 1, id));
            if version > 0 {
                places.extend([0, u8::from(within && id == 2)]);
            }
            places.extend([0, 0]);
            places.extend(words(&[base]));
            places.extend(number(false, u32::try_from(extents.len()).unwrap()));
            for (offset, length) in extents {
                if version > 0 {
                    places.extend([9; 4]);
                }
                places.extend(words(&[offset, length]));
            }
        }
        boxed(
            b"meta",
            &[
                &[0; 4],
                &about(b"pict"),
                &boxed(b"idat", &[b"x", if within { PLACE } else { b"" }]),
                &boxed(b"iinf", &[&[0, 0, 0, 0, 0, 3], &entries.concat()]),
                &boxed(b"iloc", &[&places]),
                &boxed(b"iprp", &[&boxed(b"irot", &[&[1]])]),
            ],
        )
    };
    let first = boxed(b"ftyp", &[b"heic\0\0\0\0mif1heic"]);
    let at = first.len() + made(0).len() + 8;
    let told = if within { &[9; PLACE.len()] } else { PLACE };
    let content = boxed(b"mdat", &[FRAMES, told, PLACE]);
    [first, made(u32::try_from(at).unwrap()), content].concat()
}

fn read(bytes: &[u8]) -> Boxes {
    let mut boxes = Boxes::of(bytes.len() as u64);
    while let Some((from, most)) = boxes.wanted() {
        let from = usize::try_from(from).unwrap();
        boxes.take(&bytes[from..from + usize::try_from(most).unwrap()]);
    }
    boxes
}

fn cleaned(bytes: &[u8], boxes: &Boxes) -> Vec<u8> {
    let mut cleaned = bytes.to_vec();
    for blank in &boxes.blanks {
        blank.cover(&mut cleaned, 0);
    }
    cleaned
}

fn count(bytes: &[u8], word: &[u8]) -> usize {
    bytes.windows(word.len()).filter(|window| *window == word).count()
}

#[test]
fn nobody_learns_where_a_film_was_made() {
    let film = film();
    assert_eq!((count(&film, PLACE), count(&film, &TIME)), (10, 14));
    let boxes = read(&film);
    assert!(!boxes.is_partly_read);
    let cleaned = cleaned(&film, &boxes);
    assert_eq!(cleaned.len(), film.len());
    assert_eq!((count(&cleaned, PLACE), count(&cleaned, &TIME)), (0, 0));
    // What is seen and heard, and how, lies where it lay.
    let place = |bytes: &[u8], word: &[u8]| bytes.windows(word.len()).position(|window| window == word);
    for word in [FRAMES, b"moov", b"mdhd", b"vide", SPHERICAL] {
        assert_eq!(place(&cleaned, word), place(&film, word));
        assert_eq!(
            count(&cleaned, word),
            count(&film, word).min(2) - usize::from(word == b"mdhd")
        );
    }
    // There is no more to be taken away.
    let again = read(&cleaned);
    assert!(again.blanks.is_empty() && !again.is_partly_read);
}

#[test]
fn nobody_learns_where_a_picture_in_boxes_was_taken() {
    for (version, within) in [(0, false), (1, false), (1, true), (2, false), (2, true)] {
        let picture = picture(version, within);
        assert_eq!(count(&picture, PLACE), 2);
        let boxes = read(&picture);
        assert!(!boxes.is_partly_read, "{version}");
        let cleaned = cleaned(&picture, &boxes);
        assert_eq!(cleaned.len(), picture.len());
        assert_eq!(count(&cleaned, PLACE), 0, "{version} {within}");
        for word in [FRAMES, b"hvc1", b"irot", b"iloc"] {
            assert_eq!(count(&cleaned, word), 1);
        }
        let again = read(&cleaned);
        assert!(again.blanks.is_empty() && !again.is_partly_read);
    }
}

#[test]
fn of_a_large_film_only_what_stands_between_its_frames_is_read() {
    let film = film();
    let (at, size) = (film.len() as u64 + 16, 10_000_000_000_u64);
    let frames = [&1_u32.to_be_bytes()[..], b"mdat", &size.to_be_bytes()].concat();
    // To the end of the file.
    let last = [&0_u32.to_be_bytes()[..], b"mdat", &[0; 8]].concat();
    let mut boxes = Boxes::of(at - 16 + size + 5000);
    let mut taken = 0;
    while let Some((from, most)) = boxes.wanted() {
        taken += most;
        let from = usize::try_from(from).unwrap();
        let most = usize::try_from(most).unwrap();
        boxes.take(match film.get(from..from + most) {
            Some(bytes) => bytes,
            None if from == film.len() => &frames,
            None => &last,
        });
    }
    assert!(!boxes.is_partly_read && taken < film.len() as u64);
    assert_eq!(boxes.blanks, read(&film).blanks);
}

#[test]
fn what_lies_about_itself_is_known_as_such_and_the_rest_is_taken_away() {
    let says = boxed(b"udta", &[PLACE]);
    let film = |more: &[u8]| {
        let movie = boxed(b"moov", &[&says, more]);
        [boxed(b"ftyp", &[b"isom"]), movie].concat()
    };
    let deep = (0..10_000).fold(Vec::new(), |inner, _| {
        boxed(b"trak", &[&boxed(b"mdia", &[&about(b"vide"), &inner])])
    });
    let many = [boxed(b"free", &[])].concat().repeat(20_000);
    for more in [
        boxed(b"cmov", &[b"packed"]),
        boxed(b"mvhd", &[]),
        track(b"meta", &[], &[]),
        // Samples beyond the end of the file.
        track(
            b"meta",
            &[
                &boxed(b"stsz", &[&words(&[0, 9, u32::MAX])]),
                &boxed(b"stsc", &[&words(&[0, 1, 1, u32::MAX, 1])]),
                &boxed(b"stco", &[&words(&[0, 1, 40])]),
            ],
            &[],
        ),
    ] {
        let film = film(&more);
        let boxes = read(&film);
        assert!(boxes.is_partly_read, "{more:?}");
        assert_eq!(count(&cleaned(&film, &boxes), PLACE), 0);
    }
    assert!(!read(&film(&deep)).is_partly_read);
    for film in [
        film(&many),
        [boxed(b"ftyp", &[b"isom"]), many.clone()].concat(),
        b"\0\0\0\x07moov\0".to_vec(),
        b"\0\0\0\x01moov\0\0\0\0\0\0\0\x0f".to_vec(),
        b"\0\0\0\x01moov\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        b"\0\0\0\x09moov".to_vec(),
        b"\0\0\0\x0cmeta\0\0\0".to_vec(),
    ] {
        assert!(read(&film).is_partly_read);
    }
    let mut short = Boxes::of(1 << 40);
    short.take(b"\0\0\0\x01moov\0\0\0\x01\0\0\0\0");
    assert!(
        short.is_partly_read && short.wanted().is_none(),
        "too large to be read"
    );
    let mut much = Boxes::of(1 << 28);
    much.take(b"\x08\0\0\0sefd\0\0\0\0\0\0\0\0");
    assert!(
        much.is_partly_read && much.blanks.is_empty(),
        "too much to be made blank"
    );
}

proptest! {
    #[test]
    fn nothing_breaks_on_damage(
        kind in 0..4_u8,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut file = match kind {
            0 => film(),
            version => picture(version - 1, version > 2),
        };
        for (at, byte) in changes {
            let place = at.index(file.len());
            file[place] = byte;
        }
        for _ in 0..2 {
            let boxes = read(&file);
            let mut end = 0;
            for blank in &boxes.blanks {
                prop_assert!(end <= blank.at && blank.length > 0);
                end = blank.end();
            }
            prop_assert!(end <= file.len() as u64);
            file.truncate(cut.index(file.len() + 1));
        }
    }
}
