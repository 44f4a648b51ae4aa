//! Which bytes of a file are wanted (RFC 9110, sections 13.1.5 and 14).

use std::ops::Range;

use axum::http::{HeaderMap, header};
use http_range_header::parse_range_header;

/// What of a file is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// This part.
    Part(Range<u64>),
    /// A part that it doesn't have.
    Beyond,
}

/// What the client wants of a file of this size that bears this tag. Several ranges at once, and what is no range, are answered with
/// the whole file, as section 14.2 allows.
pub(super) fn wanted(headers: &HeaderMap, size: u64, tag: &str) -> Wanted {
    let mut values = headers.get_all(header::RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Wanted::Whole;
    };
    // A part of another file would be worthless; a date says too little of which file it was.
    if headers.get(header::IF_RANGE).is_some_and(|held| held != tag) {
        return Wanted::Whole;
    }
    let asked = value.to_str().ok().filter(|text| !text.contains(','));
    let Some(Ok(asked)) = asked.map(parse_range_header) else {
        return Wanted::Whole;
    };
    match asked.validate(size).as_deref() {
        Ok([range]) => Wanted::Part(*range.start()..range.end().saturating_add(1)),
        _ => Wanted::Beyond,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &str, size: u64) -> Wanted {
        let headers = HeaderMap::from_iter([(header::RANGE, range.parse().unwrap())]);
        wanted(&headers, size, "\"tag\"")
    }

    #[test]
    fn one_range() {
        for (range, expected) in [
            ("bytes=0-", 0..10),
            ("bytes=3-", 3..10),
            ("bytes=3-3", 3..4),
            ("bytes=0-99999999999999999999999999", 0..10),
            ("bytes=-4", 6..10),
            ("bytes=-99", 0..10),
        ] {
            assert_eq!(of(range, 10), Wanted::Part(expected), "{range}");
        }
        for range in ["bytes=10-", "bytes=99999999999999999999999999-", "bytes=-0"] {
            assert_eq!(of(range, 10), Wanted::Beyond, "{range}");
        }
        assert_eq!(of("bytes=0-", 0), Wanted::Beyond);
        assert_eq!(of("bytes=-1", 0), Wanted::Beyond);
    }

    #[test]
    fn nonsense_is_not_there() {
        for range in [
            "bytes=",
            "bytes=-",
            "bytes=4-3",
            "bytes=a-b",
            "bytes=0x1-",
            "bytes=+1-",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes",
            "0-1",
            "bytes=1--2",
            "bytes= 1 - 2",
        ] {
            assert_eq!(of(range, 10), Wanted::Whole, "{range}");
        }
        let mut twice = HeaderMap::new();
        twice.append(header::RANGE, "bytes=0-1".parse().unwrap());
        twice.append(header::RANGE, "bytes=2-3".parse().unwrap());
        assert_eq!(wanted(&twice, 10, "\"tag\""), Wanted::Whole);
    }

    #[test]
    fn a_part_of_another_file_is_not_wanted() {
        for (held, expected) in [
            ("\"tag\"", Wanted::Part(1..10)),
            ("\"other\"", Wanted::Whole),
            ("W/\"tag\"", Wanted::Whole),
            ("Wed, 21 Oct 2026 07:28:00 GMT", Wanted::Whole),
        ] {
            let headers = HeaderMap::from_iter([
                (header::RANGE, "bytes=1-".parse().unwrap()),
                (header::IF_RANGE, held.parse().unwrap()),
            ]);
            assert_eq!(wanted(&headers, 10, "\"tag\""), expected, "{held}");
        }
    }
}
