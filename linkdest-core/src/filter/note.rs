//! What was met while reading rules that is no error, but worth a warning.

use super::origin::Origin;

/// Something odd in a rule file that rsync accepts.
#[derive(Debug, Clone)]
pub(super) struct Note {
    pub(super) kind: NoteKind,
    pub(super) origin: Origin,
    pub(super) text: Vec<u8>,
}

/// What is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoteKind {
    /// The line was dropped.
    LineTooLong,
    /// The rule was dropped.
    PatternTooLong,
    /// There is text behind `-C`.
    TextIgnored,
    /// A per-directory file of that name is in use already.
    DeclaredAgain,
    /// A file elsewhere merges a file by a name that is relative to the working directory.
    RelativeMerge,
}
