//! The operating system's randomness.

use crate::Error;

/// Random bytes, fit for secrets.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Local(error.to_string()))?;
    Ok(bytes)
}
