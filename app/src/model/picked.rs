//! What is found out about a file before it is sent.

use kith_common::{FileDetails, MediaType, Thumbhash};

use super::files::FileKind;
use super::media;
use super::thumb;

/// What a picture or film looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// A small one: width, height, and four bytes for each pixel.
    pub small: (u32, u32, Vec<u8>),
}

/// What kind a file is that begins so. What its name says of pictures counts for nothing here.
pub fn kind(head: &[u8], name: &str) -> (FileKind, Option<&'static str>) {
    let media = media::media_type(head);
    let kind = FileKind::of(Some(media.unwrap_or("application/octet-stream")), name);
    (kind, media)
}

/// What is told of a file to who receives it.
pub fn details(media: Option<&str>, look: Option<&Look>) -> FileDetails {
    let thumb = look.and_then(|look| {
        let (width, height, pixels) = &look.small;
        thumb::make(*width, *height, pixels)
    });
    FileDetails {
        media_type: media.and_then(|media| MediaType::try_from(media.to_owned()).ok()),
        width: look.map(|look| look.width),
        height: look.map(|look| look.height),
        thumbhash: thumb.and_then(|thumb| Thumbhash::try_from(kith_common::Base64Bytes(thumb)).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_it_is_and_not_what_it_is_called() {
        assert_eq!(
            kind(b"\xff\xd8\xff\xe0", "notes.txt"),
            (FileKind::Picture, Some("image/jpeg"))
        );
        assert_eq!(kind(b"<svg/>", "photo.png"), (FileKind::Other, None));
        assert_eq!(kind(b"MZ\x90", "setup.exe"), (FileKind::Program, None));
        assert_eq!(
            kind(b"\0\0\0\x20ftypheic", "a.heic"),
            (FileKind::Other, Some("image/heic"))
        );
    }

    #[test]
    fn a_picture_is_told_with_its_size_and_a_small_one() {
        let look = Look {
            width: 4000,
            height: 2000,
            small: (100, 50, vec![128; 100 * 50 * 4]),
        };
        let details = details(Some("image/jpeg"), Some(&look));
        assert_eq!((details.width, details.height), (Some(4000), Some(2000)));
        assert!(thumb::bitmap(details.thumbhash.unwrap().as_bytes()).is_some());
        assert!(super::details(None, None).is_empty());
    }
}
