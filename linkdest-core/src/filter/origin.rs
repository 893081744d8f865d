//! Where a rule comes from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bytes::{Escaped, of_path};

/// Where a rule comes from: a line of a file, an option, or a list that is built in.
///
/// `Display` gives `laptop.rules:3`, or the option's name.
///
/// ```
/// use linkdest_core::filter::FilterBuilder;
/// let filter = FilterBuilder::new().exclude("*.o").build_without_files()?;
/// let rule = filter.rules().next().unwrap();
/// assert_eq!(rule.origin().to_string(), "--exclude");
/// assert_eq!(rule.origin().file(), None);
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    text: Arc<RuleText>,
    line: usize,
}

/// One text with rules in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RuleText {
    /// The value of an option.
    Option(&'static str),
    /// A file, and the rule or option that named it.
    File(PathBuf, Option<Origin>),
    /// Something else that has no lines: a built-in list, an environment variable.
    Other(&'static str),
}

impl Origin {
    pub(super) fn option(name: &'static str) -> Self {
        Self { text: Arc::new(RuleText::Option(name)), line: 0 }
    }

    pub(super) fn other(name: &'static str) -> Self {
        Self { text: Arc::new(RuleText::Other(name)), line: 0 }
    }

    /// A line of a file that this rule names.
    pub(super) fn file_named_here(&self, path: PathBuf) -> Arc<RuleText> {
        Arc::new(RuleText::File(path, Some(self.clone())))
    }

    pub(super) fn line_of(text: &Arc<RuleText>, line: usize) -> Self {
        Self { text: Arc::clone(text), line }
    }

    /// The file that the rule is in; `None` for an option or a built-in list.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &*self.text {
            RuleText::File(path, _) => Some(path),
            RuleText::Option(_) | RuleText::Other(_) => None,
        }
    }

    /// The line in the file, counted from 1; `None` where there are no lines.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        (self.line > 0).then_some(self.line)
    }

    /// The rule or option that named the file; the chain of merges ends with an option.
    #[must_use]
    pub fn named_by(&self) -> Option<&Origin> {
        match &*self.text {
            RuleText::File(_, named_by) => named_by.as_ref(),
            RuleText::Option(_) | RuleText::Other(_) => None,
        }
    }
}

impl Origin {
    /// Says whether nobody wrote the rule for this run.
    pub(super) fn is_built_in(&self) -> bool {
        matches!(&*self.text, RuleText::Other(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.text {
            RuleText::Option(name) | RuleText::Other(name) => f.write_str(name)?,
            RuleText::File(path, _) => write!(f, "{}", Escaped(of_path(path)))?,
        }
        self.line().map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}
