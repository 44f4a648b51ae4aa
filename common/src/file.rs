//! What is said of a file beside its bytes.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Base64Bytes, FileName, limits};

/// The body of a `file` event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileBody {
    /// The file's id.
    pub file: String,
    /// Its name.
    pub file_name: FileName,
    /// Its size in bytes.
    pub size: u64,
    /// The BLAKE3 of its bytes; older events have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<FileHash>,
    /// What the sender says of it.
    #[serde(flatten)]
    pub details: FileDetails,
    /// The message or file that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
}

/// What a sender may say of a file, for a preview before it is fetched. The server checks none of it against the bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDetails {
    /// What kind of file it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<MediaType>,
    /// A picture's or video's width in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// A picture's or video's height in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// A picture of a few bytes, to be shown until the file is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbhash: Option<Thumbhash>,
}

impl FileDetails {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The BLAKE3 of a file's bytes, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FileHash(pub [u8; 32]);

/// A text that is no [`FileHash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 64 hexadecimal digits in lower case")]
pub struct FileHashError;

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for FileHash {
    type Err = FileHashError;

    fn from_str(text: &str) -> Result<Self, FileHashError> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(FileHashError),
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut hash = [0; 32];
        if pairs.len() != hash.len() || !rest.is_empty() {
            return Err(FileHashError);
        }
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Self(hash))
    }
}

impl TryFrom<String> for FileHash {
    type Error = FileHashError;

    fn try_from(text: String) -> Result<Self, FileHashError> {
        text.parse()
    }
}

impl From<FileHash> for String {
    fn from(hash: FileHash) -> String {
        hash.to_string()
    }
}

/// A media type without parameters, in lower case: `image/png` (RFC 6838, section 4.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MediaType(String);

/// A text that is no [`MediaType`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a media type is like `image/png`, without parameters")]
pub struct MediaTypeError;

impl MediaType {
    /// The type.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is before the slash: `image`.
    pub fn kind(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }
}

impl TryFrom<String> for MediaType {
    type Error = MediaTypeError;

    fn try_from(text: String) -> Result<Self, MediaTypeError> {
        let text = text.to_ascii_lowercase();
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c))
        };
        match text.split_once('/') {
            Some((kind, name))
                if text.len() <= limits::MEDIA_TYPE_BYTES && is_name(kind) && is_name(name) =>
            {
                Ok(Self(text))
            }
            _ => Err(MediaTypeError),
        }
    }
}

impl From<MediaType> for String {
    fn from(kind: MediaType) -> String {
        kind.0
    }
}

/// A picture in a few bytes, as ThumbHash or BlurHash make them. The server doesn't look inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Base64Bytes", into = "Base64Bytes")]
pub struct Thumbhash(Vec<u8>);

/// Bytes that are no [`Thumbhash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a thumbhash has 1 to 64 bytes")]
pub struct ThumbhashError;

impl Thumbhash {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<Base64Bytes> for Thumbhash {
    type Error = ThumbhashError;

    fn try_from(bytes: Base64Bytes) -> Result<Self, ThumbhashError> {
        if bytes.0.is_empty() || bytes.0.len() > limits::THUMBHASH_BYTES {
            return Err(ThumbhashError);
        }
        Ok(Self(bytes.0))
    }
}

impl From<Thumbhash> for Base64Bytes {
    fn from(thumbhash: Thumbhash) -> Base64Bytes {
        Base64Bytes(thumbhash.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_written_one_way() {
        let text = "00ff".repeat(16);
        let hash: FileHash = text.parse().unwrap();
        assert_eq!((hash.0[1], hash.to_string()), (255, text.clone()));
        for bad in [
            "",
            "00",
            &text.to_uppercase(),
            &format!("{text}0"),
            &format!("{text}00"),
        ] {
            assert!(bad.parse::<FileHash>().is_err(), "{bad}");
        }
    }

    #[test]
    fn media_types_have_no_parameters() {
        let of = |text: &str| MediaType::try_from(text.to_owned());
        assert_eq!(of("Image/PNG").unwrap().as_str(), "image/png");
        assert_eq!(
            of("application/vnd.oasis.opendocument.text").unwrap().kind(),
            "application"
        );
        for bad in [
            "",
            "image",
            "/",
            "image/",
            "/png",
            "text/html; charset=utf-8",
            "a/b/c",
            "a/b\r\nX: y",
            "é/a",
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
        assert!(of(&format!("a/{}", "b".repeat(254))).is_err());
    }

    #[test]
    fn a_body_says_only_what_is_known() {
        let body = r#"{"file":"f","file_name":"a.txt","size":3}"#;
        let read: FileBody = serde_json::from_str(body).unwrap();
        assert!(read.details.is_empty());
        assert_eq!(serde_json::to_string(&read).unwrap(), body);
        let body = format!(
            r#"{{"file":"f","file_name":"a.png","size":3,"hash":"{}","media_type":"image/png","width":2,"height":1,"thumbhash":"AQI=","reply_to":7}}"#,
            "0a".repeat(32)
        );
        let read: FileBody = serde_json::from_str(&body).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), body);
    }
}
