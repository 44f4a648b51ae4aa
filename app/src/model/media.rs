//! What a file is, by what is in it.

/// The media type of a file by how it begins, and not by its name: of those that are shown or played, and of a few more that a
/// person likes to see named. By PNG (section 5.2), JFIF, GIF89a (section 17), RFC 9649 (WebP, section 2.4), ISO/IEC 14496-12
/// (section 4.3, brands), RFC 9559 (Matroska, WebM), RFC 3533 (Ogg), RFC 9639 (FLAC), ID3v2 and RFC 2361 (WAVE). A library that
/// knows all files takes a browser four kilobytes.
pub fn media_type(head: &[u8]) -> Option<&'static str> {
    let holds = |word: &[u8]| head.windows(word.len()).any(|window| window == word);
    Some(match head {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => "audio/wav",
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand {
            [b'a', b'v', b'i', b'f', ..] => "image/avif",
            [b'h', b'e', b'i', ..] | [b'm', b'i', b'f', b'1', ..] => "image/heic",
            [b'M', b'4', b'A', ..] => "audio/mp4",
            [b'q', b't', ..] => "video/quicktime",
            _ => "video/mp4",
        },
        [0x1a, 0x45, 0xdf, 0xa3, ..] if holds(b"webm") => "video/webm",
        [0x1a, 0x45, 0xdf, 0xa3, ..] => "video/x-matroska",
        [b'O', b'g', b'g', b'S', ..] if holds(b"theora") => "video/ogg",
        [b'O', b'g', b'g', b'S', ..] => "audio/ogg",
        [b'f', b'L', b'a', b'C', ..] => "audio/flac",
        [b'I', b'D', b'3', ..] | [0xff, 0xf2 | 0xf3 | 0xfa | 0xfb, ..] => "audio/mpeg",
        [b'%', b'P', b'D', b'F', b'-', ..] => "application/pdf",
        [b'P', b'K', 3, 4, ..] => "application/zip",
        [0x1f, 0x8b, ..] => "application/gzip",
        _ => return None,
    })
}

/// The media type of a picture that can be shown and that can't run anything, by its content.
pub fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    let is_shown = |media: &&str| matches!(*media, "image/png" | "image/jpeg" | "image/gif" | "image/webp");
    media_type(bytes).filter(is_shown)
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
    }

    #[test]
    fn a_type_is_told_by_how_a_file_begins() {
        for (head, media) in [
            (&b"\0\0\0\x20ftypisom\0\0"[..], Some("video/mp4")),
            (b"\0\0\0\x20ftypM4A \0\0", Some("audio/mp4")),
            (b"\0\0\0\x20ftypqt  \0\0", Some("video/quicktime")),
            (b"\0\0\0\x20ftypheic\0\0", Some("image/heic")),
            (b"\x1a\x45\xdf\xa3\x42\x82\x84webm", Some("video/webm")),
            (b"\x1a\x45\xdf\xa3\x42\x82\x88matroska", Some("video/x-matroska")),
            (b"OggS\0\0OpusHead", Some("audio/ogg")),
            (b"ID3\x04", Some("audio/mpeg")),
            (b"RIFF\0\0\0\0WAVEfmt ", Some("audio/wav")),
            (b"%PDF-1.7", Some("application/pdf")),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
            (b"<!doctype html>", None),
            (b"", None),
        ] {
            assert_eq!(media_type(head), media, "{head:?}");
        }
    }
}
