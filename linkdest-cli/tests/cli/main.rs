//! The program as its users run it: what comes out, with which code, and what is left as it was.

// A test may stop right where an assumption fails, and reach its own trees by path.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod adopt;
mod bad_input;
mod checks;
mod completions;
mod corpus;
mod docs;
mod expunge;
mod filters;
mod guards;
mod history;
mod json;
mod lists;
mod place;
mod profiles;
mod remote;
mod removal;
mod replicate;
mod report;
mod restore;
mod schema;
mod shells;
mod signals;
mod snapshots;
mod terminal;
mod user;
