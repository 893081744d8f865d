//! What is told of a run, while it goes on and at its end: for people and as JSON.

pub mod adopt;
pub mod check;
pub mod expunge;
pub mod filter;
pub mod guards;
pub mod history;
pub mod human;
pub mod json;
pub mod overview;
pub mod profile;
pub mod removal;
pub mod replicate;
pub mod restore;
pub mod runs;
pub mod table;
mod watch;

pub use watch::Watch;
