//! The filter as a whole: against the corpus, against rsync, against itself.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::map_unwrap_or,
    reason = "tests may fail"
)]

mod check;
mod corpus;
mod differential;
mod directories;
mod errors;
mod generator;
mod maker;
mod memory;
mod options;
mod patterns;
mod properties;
mod support;
