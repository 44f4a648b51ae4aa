//! What is known of a file before it is opened.

use kith_common::FileName;

use super::people;

/// Pictures up to this size are fetched and shown without being asked for, in bytes.
const PREVIEW: u64 = 4 * 1024 * 1024;

/// Whether a file is worth being fetched for its preview.
pub fn is_previewed(name: &str, size: u64) -> bool {
    size <= PREVIEW && matches!(ending(name).as_str(), "png" | "jpg" | "jpeg" | "gif" | "webp")
}

/// The media type of a picture that can be shown and that can't run anything, by its content and not by its name: PNG (its
/// specification, section 5.2), JPEG (JFIF), GIF (89a, section 17) or WebP (RFC 9649, section 2.4). A library that knows all files takes a
/// browser four kilobytes.
pub fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// A name under which a file may be saved: the one it has, unless that could lead elsewhere.
pub fn safe_name(name: &str) -> String {
    FileName::try_from(people::plain(name)).map_or_else(|_| "file".to_owned(), String::from)
}

/// The end of a file's name, in lower case.
pub fn ending(name: &str) -> String {
    name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_that_can_not_run_anything_are_shown() {
        assert_eq!(picture_type(b"\x89PNG\r\n\x1a\n\0\0"), Some("image/png"));
        assert_eq!(picture_type(b"\xff\xd8\xff\xe0\0"), Some("image/jpeg"));
        assert_eq!(picture_type(b"GIF89a\0"), Some("image/gif"));
        assert_eq!(picture_type(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        for bytes in [
            &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..],
            b"<html>",
            b"",
            b"GI",
        ] {
            assert_eq!(picture_type(bytes), None);
        }
        assert!(is_previewed("a.PNG", 100) && !is_previewed("a.svg", 100));
        assert!(!is_previewed("a.png", PREVIEW + 1));
    }

    #[test]
    fn names_lead_nowhere_else() {
        assert_eq!(safe_name("a b.txt"), "a b.txt");
        assert_eq!(safe_name("evil\u{202e}gpj.exe"), "evilgpj.exe");
        for name in ["../x", "/etc/passwd", "..", "a\\b", ""] {
            assert_eq!(safe_name(name), "file", "{name}");
        }
    }
}
