//! Tickets for transfers: what a connection that is logged in gets, so that file bytes may go over connections of their own.
//!
//! A ticket says what it is for, on whose behalf, and until when, under an HMAC with a key that comes from the pepper: the server keeps
//! no list of them, and they hold over a restart. Each use asks the database whether the session still stands, so a ticket
//! ends with it.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kith_common::{DeviceId, limits};

use crate::secrets::PepperKey;

/// What the key is derived for, so that it is no key for anything else.
const LABEL: &[u8] = b"kith tickets for transfers, version 1";

/// Bytes of the HMAC that a ticket carries.
const TAG: usize = 32;

/// Makes tickets and reads them.
pub struct Tickets(hmac::Key);

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The device in whose name it is used: a session's.
    pub device: DeviceId,
    /// What it is good for.
    pub purpose: Purpose,
    /// Until when, in milliseconds since 1970-01-01T00:00:00Z.
    pub expires: i64,
}

/// What a ticket is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To open uploads, and to go on with any of the account's.
    Upload,
    /// To fetch this file, said in a header.
    Download(String),
    /// To fetch this file, said in an address.
    Media(String),
}

impl Tickets {
    /// With the pepper that all nodes of a server share.
    pub fn new(pepper: PepperKey) -> Self {
        let pepper = hmac::Key::new(hmac::HMAC_SHA256, pepper.as_bytes());
        let key = hmac::sign(&pepper, LABEL);
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
    }

    /// A ticket from this moment on, and until when it is good.
    pub fn issue(&self, device: DeviceId, purpose: Purpose, now: i64) -> (String, i64) {
        let lifetime = i64::try_from(limits::TICKET_SECONDS * 1000).unwrap_or(i64::MAX);
        let ticket = Ticket {
            device,
            purpose,
            expires: now.saturating_add(lifetime),
        };
        let mut bytes = ticket.to_bytes();
        let tag = hmac::sign(&self.0, &bytes);
        bytes.extend(tag.as_ref().iter().take(TAG));
        (URL_SAFE_NO_PAD.encode(bytes), ticket.expires)
    }

    /// What a ticket says; `None` where it isn't one of these, or its time is over.
    pub fn read(&self, text: &str, now: i64) -> Option<Ticket> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (said, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        hmac::verify(&self.0, said, tag).ok()?;
        Ticket::from_bytes(said).filter(|ticket| ticket.expires > now)
    }
}

impl Ticket {
    fn to_bytes(&self) -> Vec<u8> {
        let (kind, file) = match &self.purpose {
            Purpose::Upload => (0, ""),
            Purpose::Download(file) => (1, file.as_str()),
            Purpose::Media(file) => (2, file.as_str()),
        };
        let mut bytes = vec![kind];
        bytes.extend(self.device.0.to_be_bytes());
        bytes.extend(self.expires.to_be_bytes());
        bytes.extend(file.as_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (device, rest) = rest.split_first_chunk()?;
        let (expires, file) = rest.split_first_chunk()?;
        let file = String::from_utf8(file.to_vec()).ok()?;
        Some(Self {
            device: DeviceId(i64::from_be_bytes(*device)),
            purpose: match kind {
                0 => Purpose::Upload,
                1 => Purpose::Download(file),
                2 => Purpose::Media(file),
                _ => return None,
            },
            expires: i64::from_be_bytes(*expires),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Random, RandomError};
    use crate::secrets::Peppers;

    struct Always(u8);

    impl Random for Always {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
            buffer.fill(self.0);
            Ok(())
        }
    }

    fn tickets(pepper: u8) -> Tickets {
        let directory = tempfile::tempdir().unwrap();
        let peppers = Peppers::create(&directory.path().join("pepper.toml"), &Always(pepper)).unwrap();
        Tickets::new(peppers.newest().1)
    }

    #[test]
    fn a_ticket_says_what_it_is_for_until_its_time_is_over() {
        let tickets = tickets(1);
        for purpose in [
            Purpose::Upload,
            Purpose::Download("f".to_owned()),
            Purpose::Media("f".to_owned()),
        ] {
            let (text, expires) = tickets.issue(DeviceId(7), purpose.clone(), 1000);
            assert_eq!(expires, 1000 + 3_600_000);
            let ticket = tickets.read(&text, expires - 1).unwrap();
            assert_eq!((ticket.device, ticket.purpose), (DeviceId(7), purpose));
            assert_eq!(tickets.read(&text, expires), None);
        }
    }

    #[test]
    fn nobody_else_can_make_one() {
        let (tickets, others) = (tickets(1), tickets(2));
        let (text, _) = tickets.issue(DeviceId(7), Purpose::Upload, 0);
        assert_eq!(others.read(&text, 0), None);
        let mut bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            assert_eq!(
                tickets.read(&URL_SAFE_NO_PAD.encode(&bytes), 0),
                None,
                "byte {at}"
            );
            bytes[at] ^= 1;
        }
        for text in ["", "made up", text.trim_end_matches(|c| text.ends_with(c))] {
            assert_eq!(tickets.read(text, 0), None, "{text}");
        }
    }
}
