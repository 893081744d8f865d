//! What the snapshots of a repository tell together: what changed between two, which versions of a path there are, what
//! is in one of them, and what space they take.
//!
//! Everything here only reads: no lock is taken, nothing is tidied up, and snapshots that go away meanwhile are an
//! error, never a wrong answer.

mod diff;
mod free_space;
mod list;
mod side;
mod tree;
mod usage;
mod versions;
mod walk;

pub use diff::{Aspects, Change, ChangeKind, Diff};
pub use list::{Item, Items};
pub use usage::{SnapshotUsage, Usage};
pub use versions::Version;

use crate::error::Error;

/// The error of a question that was stopped.
fn stopped() -> Error {
    Error::stopped("stopped")
}
