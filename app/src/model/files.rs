//! What is known of a file before it is opened.

use kith_client::Content;
use kith_common::{FileDetails, FileName, MediaType};

use super::people;

/// Pictures up to this size are fetched and shown without being asked for, in bytes.
const PREVIEW: u64 = 16 * 1024 * 1024;

/// Bytes of a file's beginning by which its type is told.
pub const HEAD: u64 = 64;

/// What a file is, as far as it matters for how it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A picture that browsers show.
    Picture,
    /// A film that browsers may play.
    Film,
    /// Sound that browsers may play.
    Sound,
    /// Other files in one.
    Archive,
    /// What runs when it is opened, or may.
    Program,
    /// Anything else.
    Other,
}

impl FileKind {
    /// What a received file is, by what its sender says and its name. Nothing is believed but what harms nobody: what a picture
    /// really is, shows when it is drawn.
    pub fn of(media: Option<&str>, name: &str) -> Self {
        let ending = ending(name);
        match media {
            _ if is_program(name) => Self::Program,
            Some("image/png" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif" | "image/bmp") => {
                Self::Picture
            }
            Some("video/mp4" | "video/webm" | "video/ogg" | "video/quicktime") => Self::Film,
            Some(media) if media.starts_with("audio/") => Self::Sound,
            // Those who don't say.
            None if matches!(ending.as_str(), "png" | "jpg" | "jpeg" | "gif" | "webp") => Self::Picture,
            _ if matches!(
                ending.as_str(),
                "zip" | "gz" | "xz" | "zst" | "7z" | "rar" | "tar"
            ) =>
            {
                Self::Archive
            }
            _ => Self::Other,
        }
    }
}

/// A file of a conversation, as its message tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// Its id; empty before it was sent.
    pub file: String,
    /// Its name, as the sender gave it.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// What the sender says of it.
    pub details: FileDetails,
}

impl Sent {
    /// That of a message, if it is one.
    pub fn of(content: &Content) -> Option<Self> {
        match content {
            Content::File {
                file,
                name,
                size,
                details,
            } => Some(Self {
                file: file.clone(),
                name: people::plain(name),
                size: *size,
                details: details.clone(),
            }),
            _ => None,
        }
    }

    /// What it is.
    pub fn kind(&self) -> FileKind {
        let media = self.details.media_type.as_ref().map(MediaType::as_str);
        FileKind::of(media, &self.name)
    }

    /// The width and height in which it is shown, in pixels, within so many of each; none where the sender doesn't tell them.
    pub fn fitted(&self, within: (f64, f64)) -> Option<(f64, f64)> {
        let (width, height) = (f64::from(self.details.width?), f64::from(self.details.height?));
        if width < 1.0 || height < 1.0 {
            return None;
        }
        let scale = (within.0 / width).min(within.1 / height).min(1.0);
        // Enough to be hit with a finger, however thin it is.
        Some((
            (width * scale).max(64.0).round(),
            (height * scale).max(48.0).round(),
        ))
    }
}

/// Whether a file is fetched and shown without being asked for.
pub fn is_previewed(kind: FileKind, size: u64) -> bool {
    kind == FileKind::Picture && size <= PREVIEW
}

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

/// Whether a file runs something when it is opened, by the end of its name, as systems see it: programs, scripts, what installs
/// them, links to them, and pages.
pub fn is_program(name: &str) -> bool {
    const ENDINGS: &str = " apk app appimage appx bat cmd com command cpl deb desktop dll dmg exe gadget hta htm html img ipa iso \
        jar js jse lnk mht msc msi msix msp pif pkg ps1 psm1 py reg rpm run scf scr sh svg url vb vbe vbs workflow ws wsf wsh xhtml xpi ";
    ENDINGS.contains(&format!(" {} ", ending(name)))
}

/// A name under which a file may be saved: the one it has, unless that could lead elsewhere.
pub fn safe_name(name: &str) -> String {
    FileName::try_from(people::plain(name)).map_or_else(|_| "file".to_owned(), String::from)
}

/// The end of a file's name, in lower case.
pub fn ending(name: &str) -> String {
    let end = name.rsplit_once('.').map(|(_, end)| end);
    end.unwrap_or_default().to_ascii_lowercase()
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

    #[test]
    fn only_what_harms_nobody_is_shown() {
        assert_eq!(FileKind::of(Some("image/png"), "a.png"), FileKind::Picture);
        assert_eq!(FileKind::of(None, "a.PNG"), FileKind::Picture);
        assert_eq!(FileKind::of(Some("video/mp4"), "a"), FileKind::Film);
        assert_eq!(FileKind::of(Some("image/svg+xml"), "a"), FileKind::Other);
        // Whatever is said of it.
        for name in ["photo.jpg.exe", "a.SVG", "a.html", "setup.msi", "x.desktop"] {
            assert_eq!(FileKind::of(Some("image/png"), name), FileKind::Program, "{name}");
        }
        for name in ["exe", "notes.txt", "a.", "", "script"] {
            assert_ne!(FileKind::of(None, name), FileKind::Program, "{name}");
        }
        assert!(is_previewed(FileKind::Picture, PREVIEW));
        assert!(!is_previewed(FileKind::Picture, PREVIEW + 1) && !is_previewed(FileKind::Film, 1));
    }

    #[test]
    fn pictures_fit_and_can_be_hit() {
        let sent = |width, height| Sent {
            file: "f".to_owned(),
            name: "a.png".to_owned(),
            size: 1,
            details: FileDetails {
                width,
                height,
                ..FileDetails::default()
            },
        };
        let within = (320.0, 360.0);
        assert_eq!(sent(Some(4000), Some(2000)).fitted(within), Some((320.0, 160.0)));
        assert_eq!(sent(Some(100), Some(90)).fitted(within), Some((100.0, 90.0)));
        assert_eq!(sent(Some(u32::MAX), Some(1)).fitted(within), Some((320.0, 48.0)));
        assert_eq!(sent(Some(0), Some(9)).fitted(within), None);
        assert_eq!(sent(None, Some(9)).fitted(within), None);
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
