//! What a list of rules holds: rules, and places where per-directory files put theirs.

use std::fmt;

use super::bytes::{Escaped, last_component, split_last};
use super::origin::Origin;
use super::rule::{Rule, push_modifiers};
use super::syntax::Modifiers;

/// The name of a file that each directory may have, with rules for itself and what is below it.
///
/// ```
/// use linkdest_core::filter::{Clause, FilterBuilder};
/// let filter = FilterBuilder::new().rule("dir-merge,n .rules").build_without_files()?;
/// let Some(Clause::PerDirectory(file)) = filter.clauses().next() else { panic!() };
/// assert_eq!(file.name(), b".rules");
/// assert_eq!(file.to_string(), ":n .rules");
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PerDirectory {
    pub(super) modifiers: Modifiers,
    /// What was written: a name, perhaps with a path before it or a slash behind it.
    pub(super) text: Box<[u8]>,
    pub(super) origin: Origin,
}

impl PerDirectory {
    /// The name of the file in each directory.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        last_component(self.without_slashes())
    }

    /// Where the rule comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The rule as bytes, exact also where the name is not UTF-8.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![b':'];
        push_modifiers(&mut bytes, self.modifiers);
        bytes.push(b' ');
        bytes.extend_from_slice(&self.text);
        bytes
    }

    /// The directory part of the text: where reading starts if that is above the source.
    pub(super) fn directory(&self) -> Option<&[u8]> {
        split_last(self.without_slashes()).0
    }

    /// A slash behind the name makes all the file's rules match only directories.
    pub(super) fn directories_only(&self) -> bool {
        self.text.ends_with(b"/")
    }

    /// Says whether there can be a regular file of that name.
    pub(super) fn is_readable(&self) -> bool {
        !matches!(self.name(), b"" | b"." | b"..")
    }

    fn without_slashes(&self) -> &[u8] {
        let mut text = &*self.text;
        while let [rest @ .., b'/'] = text {
            text = rest;
        }
        text
    }
}

impl PartialEq for PerDirectory {
    fn eq(&self, other: &Self) -> bool {
        (self.modifiers, &self.text) == (other.modifiers, &other.text)
    }
}

impl Eq for PerDirectory {}

impl fmt::Display for PerDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Escaped(&self.to_bytes()))
    }
}

/// One line of a filter after all its files were read.
///
/// `Display` prints it as a line of a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clause {
    /// A rule.
    Rule(Rule),
    /// A per-directory file, whose rules stand here.
    PerDirectory(PerDirectory),
}

impl Clause {
    /// The clause as bytes, exact also where a pattern is not UTF-8.
    ///
    /// ```
    /// use linkdest_core::filter::FilterBuilder;
    /// let filter = FilterBuilder::new().exclude(b"caf\xe9").build_without_files()?;
    /// assert_eq!(filter.clauses().next().unwrap().to_bytes(), b"- caf\xe9");
    /// # Ok::<(), linkdest_core::filter::RuleError>(())
    /// ```
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Rule(rule) => rule.to_bytes(),
            Self::PerDirectory(file) => file.to_bytes(),
        }
    }

    /// Where the clause comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        match self {
            Self::Rule(rule) => rule.origin(),
            Self::PerDirectory(file) => file.origin(),
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(rule) => rule.fmt(f),
            Self::PerDirectory(file) => file.fmt(f),
        }
    }
}
