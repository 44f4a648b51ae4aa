//! What every [`LocalStore`] has to do, whatever it keeps its rows in: SQLite here, IndexedDB when this is run in a browser.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may end where something isn't as it should be, in its helpers too"
)]
#![allow(
    unfulfilled_lint_expectations,
    reason = "a browser's tests aren't marked as tests"
)]

mod contract;

#[cfg(target_arch = "wasm32")]
mod indexed_db;
#[cfg(not(target_arch = "wasm32"))]
mod sqlite;
#[cfg(target_arch = "wasm32")]
mod version_1;
