//! What is wrong with the text of a profile, and where.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::native::OsStrExt as _;
use crate::path::Escaped;

/// One thing that is wrong with a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileFault {
    line: usize,
    column: usize,
    message: String,
}

impl ProfileFault {
    /// Finds the place of a span of bytes in the text.
    pub(super) fn at(text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line, column, message: message.into() }
    }

    /// The line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// What is wrong, and what to write instead where that can be guessed.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ProfileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, Escaped(self.message.as_bytes()))
    }
}

/// A text is no profile; all that is wrong with it, in the order of the lines.
///
/// ```
/// use linkdest_core::Profile;
/// let error = Profile::parse("sorce = '/home'\nrepository = '/backup'\n", "/etc/linkdest/me.toml").unwrap_err();
/// let fault = &error.faults()[0];
/// assert_eq!((fault.line(), fault.column()), (1, 1));
/// assert_eq!(fault.message(), "unknown key `sorce`; did you mean `source`?");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidProfile {
    path: PathBuf,
    faults: Vec<ProfileFault>,
}

impl InvalidProfile {
    pub(super) fn new(path: &Path, mut faults: Vec<ProfileFault>) -> Self {
        faults.sort_by_key(|fault| (fault.line, fault.column));
        Self { path: path.to_owned(), faults }
    }

    /// All that is wrong; one at least.
    #[must_use]
    pub fn faults(&self) -> &[ProfileFault] {
        &self.faults
    }
}

impl fmt::Display for InvalidProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = Escaped(self.path.as_os_str().as_bytes());
        for (index, fault) in self.faults.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{path}: {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidProfile {}

impl From<InvalidProfile> for Error {
    fn from(error: InvalidProfile) -> Self {
        Self::profile(&error.path, error.to_string())
    }
}
