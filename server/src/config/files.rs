use serde::{Deserialize, Serialize};

use super::Rate;
use super::value;

/// What files may take. Sizes are in bytes.
///
/// The limits of the protocol itself stand in [`kith_common::limits`]; these are the operator's to change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileLimits {
    /// The largest file that can be uploaded.
    #[serde(deserialize_with = "value::bytes")]
    pub largest_bytes: u64,
    /// All files that one account has sent, and what its uploads will take.
    #[serde(deserialize_with = "value::bytes")]
    pub account_bytes: u64,
    /// The same for all accounts together; 0 means as much as the disk takes.
    #[serde(deserialize_with = "value::bytes")]
    pub server_bytes: u64,
    /// What has to stay free on the disk: what would take of it is refused.
    #[serde(deserialize_with = "value::bytes")]
    pub free_bytes: u64,
    /// Uploads of one account that are under way, or complete and not sent yet.
    #[serde(deserialize_with = "value::within::<_, _, 1, 100_000>")]
    pub uploads_per_account: u32,
    /// After so many hours without a byte an upload is given up.
    #[serde(deserialize_with = "value::within::<_, _, 1, 8760>")]
    pub upload_hours: u32,
    /// Transfers of one account that run at a time, up and down.
    #[serde(deserialize_with = "value::within::<_, _, 1, 10_000>")]
    pub transfers_per_account: usize,
    /// The same for all accounts together.
    #[serde(deserialize_with = "value::within::<_, _, 1, 100_000>")]
    pub transfers: usize,
    /// New uploads of one account.
    pub opened_per_account: Rate,
}

impl Default for FileLimits {
    fn default() -> Self {
        Self {
            largest_bytes: 10 * 1024 * 1024 * 1024,
            account_bytes: 20 * 1024 * 1024 * 1024,
            server_bytes: 0,
            free_bytes: 512 * 1024 * 1024,
            uploads_per_account: 64,
            upload_hours: 7 * 24,
            transfers_per_account: 32,
            transfers: 512,
            opened_per_account: Rate::new(200, 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_whole_numbers_of_any_length() {
        let limits = toml::from_str::<FileLimits>("largest_bytes = 1099511627776").unwrap();
        assert_eq!(limits.largest_bytes, 1 << 40);
        for bad in [
            "largest_bytes = -1",
            "largest_bytes = \"10 GB\"",
            "free_bytes = 0.5",
        ] {
            let error = toml::from_str::<FileLimits>(bad).unwrap_err();
            assert!(error.message().contains("a whole number of bytes"), "{error}");
        }
    }
}
