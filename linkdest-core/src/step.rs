//! The steps of a run by profile, and what is told of them.

use std::fmt;

/// A part of a run by [`Profile`](crate::Profile).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// The hook before the snapshot.
    RunBefore,
    /// Taking the snapshot.
    Snapshot,
    /// Removing what the keep rules do not keep.
    Forget,
    /// Checking a sample.
    Verify,
    /// The hook after a snapshot was published.
    RunAfter,
    /// The hook after no snapshot was published.
    RunFailed,
    /// The hook at the end, whatever happened.
    RunFinally,
    /// The whole run.
    Run,
}

impl Step {
    /// The word for the step in messages and JSON; a hook's is its key in the profile.
    ///
    /// ```
    /// assert_eq!(linkdest_core::Step::RunBefore.as_str(), "run-before");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RunBefore => "run-before",
            Self::Snapshot => "snapshot",
            Self::Forget => "forget",
            Self::Verify => "verify",
            Self::RunAfter => "run-after",
            Self::RunFailed => "run-failed",
            Self::RunFinally => "run-finally",
            Self::Run => "run",
        }
    }
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It begins.
    Began,
    /// It is done.
    Done,
    /// It was left out, for the reason that is told.
    Skipped,
    /// It failed.
    Failed,
}

impl Outcome {
    /// The word for the outcome in JSON.
    ///
    /// ```
    /// assert_eq!(linkdest_core::Outcome::Skipped.as_str(), "skipped");
    /// ```
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// One fact of a run by [`Profile`](crate::Profile): a line in its log.
///
/// ```
/// use linkdest_core::{Fact, Outcome, Step};
/// let fact = Fact { step: Step::Forget, outcome: Outcome::Done, message: "2 snapshots removed".into() };
/// assert_eq!(fact.to_string(), "forget: 2 snapshots removed");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is about.
    pub step: Step,
    /// How far that is.
    pub outcome: Outcome,
    /// The fact in words; names in it are escaped.
    pub message: String,
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = if self.outcome == Outcome::Failed { "failed: " } else { "" };
        write!(f, "{}: {failed}{}", self.step.as_str(), self.message)
    }
}
