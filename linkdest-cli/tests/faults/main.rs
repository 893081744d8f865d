//! The program killed, its power cut, its kernel calls failing, and many of it at once: nothing is lost.
//!
//! A few rounds of each are run; `LINKDEST_ROUNDS=20` runs twenty times as many, which gives the figures of
//! `docs/testing.md`.

// A test may stop right where an assumption fails, and reach its own trees by path.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod injected;
mod kill;
mod power;
mod scene;
mod together;

/// So many rounds, or as many times more as were asked for.
fn rounds(few: u64) -> u64 {
    let times = std::env::var("LINKDEST_ROUNDS").ok().map_or(1, |times| times.parse().unwrap());
    few * times
}
