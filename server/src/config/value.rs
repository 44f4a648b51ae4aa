//! Deserialisers whose errors say what is allowed.

use std::fmt;
use std::net::SocketAddr;

use serde::Deserializer;
use serde::de::{Error, Unexpected, Visitor};

/// Reads a whole number from `MIN` to `MAX`.
pub(super) fn within<'de, D, T, const MIN: u32, const MAX: u32>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u32>,
{
    let number = deserializer.deserialize_u64(WholeNumber {
        minimum: MIN,
        maximum: MAX,
        unit: "",
    })?;
    T::try_from(number).map_err(|_| D::Error::custom("the number is too large for this machine"))
}

/// Times as whole seconds, up to a day.
pub(super) mod seconds {
    use std::time::Duration;

    use serde::{Deserializer, Serializer};

    use super::WholeNumber;

    pub(in super::super) fn serialize<S: Serializer>(
        time: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(time.as_secs())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let seconds = deserializer.deserialize_u64(WholeNumber {
            minimum: 1,
            maximum: 86_400,
            unit: "seconds, ",
        })?;
        Ok(Duration::from_secs(seconds.into()))
    }
}

/// Reads an address and port to listen on.
pub(super) fn socket_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    struct Address;
    impl Visitor<'_> for Address {
        type Value = SocketAddr;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an IP address and a port, like \"[::]:7443\" or \"192.0.2.1:7443\"")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<SocketAddr, E> {
            text.parse()
                .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
        }
    }
    deserializer.deserialize_str(Address)
}

struct WholeNumber {
    minimum: u32,
    maximum: u32,
    unit: &'static str,
}

impl Visitor<'_> for WholeNumber {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}a whole number from {} to {}",
            self.unit, self.minimum, self.maximum
        )
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
        u32::try_from(number)
            .ok()
            .filter(|n| (self.minimum..=self.maximum).contains(n))
            .ok_or_else(|| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u32, E> {
        match i64::try_from(number) {
            Ok(number) => self.visit_i64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
        }
    }
}

/// Reads a size.
pub(super) fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Bytes;
    impl Visitor<'_> for Bytes {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number of bytes")
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
            u64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
            // TOML's numbers, and those of a database, have a sign.
            i64::try_from(number)
                .map(|_| number)
                .map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
        }
    }
    deserializer.deserialize_u64(Bytes)
}
