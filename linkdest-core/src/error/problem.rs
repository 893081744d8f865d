//! What only spoils one entry.

use std::io;

use super::Error;
use crate::path::RelPath;

/// Why one entry could not be saved as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The entry, or a part of it, could not be read.
    Unreadable,
    /// The entry changed while it was read, each time it was read.
    Changed,
    /// The repository's file system cannot hold the entry or one of its attributes.
    NotStored,
    /// Another name of the same directory already stands for this one there (case, Unicode forms).
    Collision,
    /// A reference could not be read; the entry was taken from the source instead.
    ReferenceUnreadable,
    /// A rule file in the source cannot be used; it counts as absent.
    Rules,
    /// The entry could not be read; the version of an earlier snapshot stands in its place.
    CarriedForward,
    /// The content in the snapshot is not what was saved.
    Damaged,
    /// Something lies where the entry should be, and stays.
    InTheWay,
    /// The snapshot is whole, but something beside it in the repository could not be tidied up.
    Housekeeping,
}

impl ProblemKind {
    /// The word for the kind in JSON and run records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Changed => "changed",
            Self::NotStored => "not_stored",
            Self::Collision => "collision",
            Self::ReferenceUnreadable => "reference_unreadable",
            Self::Rules => "rules",
            Self::CarriedForward => "carried_forward",
            Self::Damaged => "damaged",
            Self::InTheWay => "in_the_way",
            Self::Housekeeping => "housekeeping",
        }
    }

    /// Finds the kind that a word stands for.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [
            Self::Unreadable,
            Self::Changed,
            Self::NotStored,
            Self::Collision,
            Self::ReferenceUnreadable,
            Self::Rules,
            Self::CarriedForward,
            Self::Damaged,
            Self::InTheWay,
            Self::Housekeeping,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }
}

/// One entry that could not be saved as asked; the run goes on and says so at its end.
///
/// ```
/// use linkdest_core::{Problem, ProblemKind, RelPath};
/// let path = RelPath::new("etc/shadow").unwrap();
/// let problem = Problem::new(path, ProblemKind::Unreadable, "open", "permission denied").with_errno(Some(13));
/// assert_eq!(problem.to_string(), "etc/shadow: unreadable: open: permission denied");
/// assert_eq!(problem.errno(), Some(13));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    path: RelPath,
    kind: ProblemKind,
    operation: String,
    errno: Option<i32>,
    message: String,
}

impl Problem {
    /// Makes a problem from its parts; `operation` is a verb, `message` the cause.
    pub fn new(
        path: RelPath,
        kind: ProblemKind,
        operation: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { path, kind, operation: operation.into(), errno: None, message: message.into() }
    }

    /// Sets the operating system's error number.
    #[must_use]
    pub fn with_errno(mut self, errno: Option<i32>) -> Self {
        self.errno = errno;
        self
    }

    /// Makes a problem from what the operating system said.
    pub(crate) fn io(path: RelPath, kind: ProblemKind, operation: &str, error: &io::Error) -> Self {
        Self::new(path, kind, operation, error.to_string()).with_errno(error.raw_os_error())
    }

    /// Makes the problem of a reference whose manifest cannot be used.
    pub(crate) fn unusable_manifest(error: &Error) -> Self {
        let message = format!("{error}; `reindex` makes it anew");
        Self::new(RelPath::root(), ProblemKind::ReferenceUnreadable, error.operation(), message)
    }

    /// Makes the problem of a snapshot whose manifest cannot be made, or may not be replaced.
    pub(crate) fn not_indexed(error: &Error) -> Self {
        let cause = error.io_error();
        let message = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        Self::new(RelPath::root(), ProblemKind::Unreadable, error.operation(), message)
            .with_errno(cause.and_then(io::Error::raw_os_error))
    }

    /// Makes the problem of a published snapshot whose surroundings could not be tidied up.
    pub(crate) fn housekeeping(error: &Error) -> Self {
        let cause = error.io_error();
        let message = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        Self::new(RelPath::root(), ProblemKind::Housekeeping, error.operation(), message)
            .with_errno(cause.and_then(io::Error::raw_os_error))
    }

    /// The path of the entry below the source.
    #[must_use]
    pub fn path(&self) -> &RelPath {
        &self.path
    }

    /// Why the entry was not saved as asked.
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        self.kind
    }

    /// What was being done, as a verb: `open`, `read`, `set owner` ...
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The operating system's error number, where there is one.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        self.errno
    }

    /// The cause in words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.kind == ProblemKind::Rules {
            return write!(f, "{}: rule file ignored: {}", self.path, self.message);
        }
        let kind = self.kind.as_str().replace('_', " ");
        write!(f, "{}: {kind}: {}: {}", self.path, self.operation, self.message)
    }
}
