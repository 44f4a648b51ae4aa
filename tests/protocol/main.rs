//! Every example of docs/PROTOCOL.md, run against a real server; and that the examples leave nothing out.
//!
//! An example is a block fenced as `transcript`; the chapter "How to read the examples" explains its notation.
//! Each is a test of its own, named after its section: `cargo nextest run -p kith-tests --test protocol`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "these are tests"
)]

mod complete;
mod connection;
mod document;
mod pattern;
mod play;
mod transcript;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use document::Document;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let document = Document::read();
    let mut trials = complete::trials(&document);
    for example in document.examples {
        trials.push(Trial::test(example.name.clone(), move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(play::play(&example));
            Ok(())
        }));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
