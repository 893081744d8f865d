//! What is decided about a path, and why.

use std::fmt;

use super::rule::{Rule, Verdict};

/// The verdict about one entry, with the rule that gave it.
///
/// `Display` says both: `excluded by "- *.o" (my.rules:3)`.
///
/// ```
/// use linkdest_core::filter::{FilterBuilder, Verdict};
/// let filter = FilterBuilder::new().exclude("*.o").build_without_files()?;
/// let root = filter.root_without_files("/src".as_ref());
/// let decision = root.decide(b"main.o", false);
/// assert_eq!(decision.verdict(), Verdict::Exclude);
/// assert_eq!(decision.rule().unwrap().pattern(), b"*.o");
/// assert_eq!(decision.to_string(), "excluded by \"- *.o\" (--exclude)");
/// assert_eq!(root.decide(b"main.c", false).to_string(), "included, no rule matches");
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Decision<'a> {
    rule: Option<&'a Rule>,
}

impl<'a> Decision<'a> {
    pub(super) fn new(rule: Option<&'a Rule>) -> Self {
        Self { rule }
    }

    /// Include or exclude; a path that no rule matches is included.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.rule.map_or(Verdict::Include, Rule::verdict)
    }

    /// Says whether the path takes part.
    #[must_use]
    pub fn is_included(&self) -> bool {
        self.verdict() == Verdict::Include
    }

    /// The rule that decided; `None` if no rule matches.
    #[must_use]
    pub fn rule(&self) -> Option<&'a Rule> {
        self.rule
    }
}

impl fmt::Display for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_included() { "included" } else { "excluded" };
        match self.rule {
            Some(rule) => write!(f, "{verdict} by \"{rule}\" ({})", rule.origin()),
            None => write!(f, "{verdict}, no rule matches"),
        }
    }
}
