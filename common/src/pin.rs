use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A pinned public key: the SHA-256 of a certificate's SubjectPublicKeyInfo in DER (RFC 7469, section 2.4).
///
/// Written as `sha256:` and 64 hexadecimal digits, so that people can compare it by eye.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pin(pub [u8; 32]);

/// A text that is no [`Pin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pin is `sha256:` and 64 hexadecimal digits")]
pub struct PinError;

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Pin {
    type Err = PinError;

    /// Accepts what people type: either case, with or without the prefix, with colons or spaces between digits.
    fn from_str(text: &str) -> Result<Self, PinError> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.strip_prefix("sha256:").unwrap_or(&text);
        let mut digits = text
            .chars()
            .filter(|c| !matches!(c, ':' | ' '))
            .map(|c| c.to_digit(16));
        let mut pin = [0u8; 32];
        for byte in &mut pin {
            let high = digits.next().flatten().ok_or(PinError)?;
            let low = digits.next().flatten().ok_or(PinError)?;
            *byte = u8::try_from(high * 16 + low).map_err(|_| PinError)?;
        }
        if digits.next().is_some() {
            Err(PinError)
        } else {
            Ok(Self(pin))
        }
    }
}

impl TryFrom<String> for Pin {
    type Error = PinError;

    fn try_from(text: String) -> Result<Self, PinError> {
        text.parse()
    }
}

impl From<Pin> for String {
    fn from(pin: Pin) -> String {
        pin.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_what_people_type() {
        let pin = Pin(core::array::from_fn(|i| u8::try_from(i * 7).unwrap()));
        assert_eq!(pin.to_string().parse(), Ok(pin));
        let spaced = pin
            .to_string()
            .to_uppercase()
            .replace("SHA256:", "")
            .replace('0', "0 ")
            .replace('7', "7:");
        assert_eq!(spaced.parse(), Ok(pin));
        assert_eq!("sha256:00".parse::<Pin>(), Err(PinError));
        assert_eq!(format!("{pin}0").parse::<Pin>(), Err(PinError));
        assert_eq!("é".repeat(32).parse::<Pin>(), Err(PinError));
    }
}
