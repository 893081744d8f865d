//! What is wrong with a rule or a rule file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::bytes::{Escaped, of_path};
use super::origin::Origin;

/// What is wrong, coarse enough to act on.
///
/// ```
/// use linkdest_core::filter::{FilterBuilder, RuleErrorKind};
/// let error = FilterBuilder::new().rules_file("missing").build_without_files().unwrap_err();
/// assert_eq!(error.kind(), RuleErrorKind::Unreadable);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RuleErrorKind {
    /// The text does not start with the name of a rule.
    UnknownRule,
    /// A modifier that does not exist, or not for this rule, or not beside the others.
    BadModifier,
    /// The pattern or the file name is missing.
    MissingPattern,
    /// A clear rule has something behind it.
    TextAfterClear,
    /// A rule that names its side is in a file whose merge rule already does.
    SideTwice,
    /// A rule file is missing or cannot be read.
    Unreadable,
    /// A rule file merges itself, at once or through others.
    Cycle,
    /// Rule files merge each other too many levels deep.
    TooDeep,
    /// Too many names of per-directory files are in use at once, or a per-directory file merges too much.
    TooMuch,
}

/// A bad rule or rule file: where it is, its text, and what was expected.
///
/// `Display` is one line for a person; the accessors have the parts.
///
/// ```
/// use linkdest_core::filter::{FilterBuilder, RuleErrorKind};
/// let error = FilterBuilder::new().rule("-z *.o").build_without_files().unwrap_err();
/// assert_eq!(error.kind(), RuleErrorKind::BadModifier);
/// assert_eq!(error.column(), 2);
/// assert_eq!(error.text(), b"-z *.o");
/// assert!(error.to_string().starts_with("--filter: bad modifier at column 2 of \"-z *.o\""));
/// ```
#[derive(Debug)]
pub struct RuleError {
    pub(super) kind: RuleErrorKind,
    pub(super) origin: Origin,
    pub(super) column: usize,
    pub(super) text: Vec<u8>,
    pub(super) expected: String,
    pub(super) file: Option<PathBuf>,
    pub(super) source: Option<io::Error>,
}

impl RuleError {
    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> RuleErrorKind {
        self.kind
    }

    /// The place of the bad rule, with the chain of files that led there.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The byte in the line (or the option's value) where reading stopped, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// The rule as it was written; empty if it is from a file outside the source that a per-directory file named.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// What would have been right.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// The rule file that could not be read, or that closes a cycle.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What is wrong: the words before the name of the file, where there is one, and those behind it.
    fn what(&self) -> (&'static str, &'static str) {
        match self.kind {
            RuleErrorKind::UnknownRule => ("unknown rule", ""),
            RuleErrorKind::BadModifier => ("bad modifier", ""),
            RuleErrorKind::MissingPattern => ("missing pattern", ""),
            RuleErrorKind::TextAfterClear => ("text behind a clear rule", ""),
            RuleErrorKind::SideTwice => ("side given twice", ""),
            RuleErrorKind::Unreadable => ("cannot read the rule file", ""),
            RuleErrorKind::Cycle => ("the rule file", " merges itself"),
            RuleErrorKind::TooDeep => ("the rule file", " is merged too deep"),
            RuleErrorKind::TooMuch => ("too much in rule files", ""),
        }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, behind) = self.what();
        write!(f, "{}: {before}", self.origin)?;
        if let Some(file) = &self.file {
            write!(f, " {}", Escaped(of_path(file)))?;
        }
        f.write_str(behind)?;
        if !self.text.is_empty() {
            if self.file.is_none() {
                write!(f, " at column {} of", self.column)?;
            }
            write!(f, " \"{}\"", Escaped(&self.text))?;
        }
        if !self.expected.is_empty() {
            write!(f, ": expected {}", self.expected)?;
        }
        let mut named_by = self.origin.named_by();
        while let Some(origin) = named_by {
            write!(f, ", named by {origin}")?;
            named_by = origin.named_by();
        }
        Ok(())
    }
}

impl std::error::Error for RuleError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}
