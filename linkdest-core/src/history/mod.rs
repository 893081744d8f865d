//! What the snapshots of a repository tell together: what changed between two, which versions of a path there are, what
//! is in one of them, and what space they take.
//!
//! Everything here only reads: no lock is taken, nothing is tidied up, and snapshots that go away meanwhile are an
//! error, never a wrong answer.

mod diff;
mod side;
mod tree;

pub use diff::{Aspects, Change, ChangeKind, Diff};
