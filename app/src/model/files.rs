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
