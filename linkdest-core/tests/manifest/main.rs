//! Manifests: whatever is written is read back, and whatever is damaged is refused.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests may fail"
)]

mod damage;
mod document;
mod golden;
mod lookups;
mod model;
mod round_trip;
