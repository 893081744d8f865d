//! Why one path takes part or not.

use std::fmt;

use super::bytes::Escaped;
use super::directory::DirectoryRules;
use super::error::RuleError;
use super::files::DirectoryFiles;
use super::rule::{Rule, Verdict};

/// The decisions about a path and all its parents, from the source down.
///
/// Ends at the first that is left out: nothing below it is ever asked for.
///
/// ```
/// use linkdest_core::filter::{Explanation, FilterBuilder, Verdict};
/// # struct None;
/// # impl linkdest_core::filter::DirectoryFiles for None {
/// #     fn read_in(&self, _: linkdest_core::filter::Place<'_>, _: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
/// #         Ok(Option::None)
/// #     }
/// # }
/// let filter = FilterBuilder::new().rule("- /home/").rule("+ /home/me/**").build_without_files()?;
/// let root = filter.root("/".as_ref(), &None)?;
/// let explanation = Explanation::of(&root, b"home/me/letter", false, &None)?;
/// assert_eq!(explanation.verdict(), Verdict::Exclude);
/// let parent = explanation.excluded_parent().unwrap();
/// assert_eq!(parent.path(), b"home");
/// assert_eq!(parent.rule().unwrap().to_string(), "- /home/");
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Explanation {
    path: Vec<u8>,
    steps: Vec<Step>,
}

/// The decision about a path or one of its parents; the steps of an [`Explanation`].
///
/// ```
/// use linkdest_core::filter::{Explanation, FilterBuilder, Verdict};
/// # struct None;
/// # impl linkdest_core::filter::DirectoryFiles for None {
/// #     fn read_in(&self, _: linkdest_core::filter::Place<'_>, _: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
/// #         Ok(Option::None)
/// #     }
/// # }
/// let root = FilterBuilder::new().exclude("*.o").build_without_files()?.root_without_files("/src".as_ref());
/// let explanation = Explanation::of(&root, b"d/a.o", false, &None)?;
/// let [parent, file] = explanation.steps() else { panic!() };
/// assert_eq!((parent.path(), parent.verdict()), (b"d".as_slice(), Verdict::Include));
/// assert_eq!((file.path(), file.verdict()), (b"d/a.o".as_slice(), Verdict::Exclude));
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    path: Vec<u8>,
    rule: Option<Rule>,
}

impl Step {
    /// The path below the source.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Include or exclude.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.rule.as_ref().map_or(Verdict::Include, Rule::verdict)
    }

    /// The rule that decided; `None` if no rule matches.
    #[must_use]
    pub fn rule(&self) -> Option<&Rule> {
        self.rule.as_ref()
    }
}

impl Explanation {
    /// Goes from the rules of the source down to a path below it, reading the rule files on the way.
    ///
    /// Empty components and `.` are passed over. The source itself always takes part.
    ///
    /// # Errors
    /// A bad rule in a directory's file, or one that could not be read.
    pub fn of(
        root: &DirectoryRules,
        path: &[u8],
        is_directory: bool,
        files: &dyn DirectoryFiles,
    ) -> Result<Self, RuleError> {
        let names: Vec<&[u8]> =
            path.split(|&byte| byte == b'/').filter(|name| !matches!(*name, b"" | b".")).collect();
        let mut rules = root.clone();
        let mut steps = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let is_last = at + 1 == names.len();
            let rule = rules.decide(name, is_directory || !is_last).rule().cloned();
            let path = names.get(..=at).unwrap_or_default().join(&b'/');
            let step = Step { path, rule };
            let stop = is_last || step.verdict() == Verdict::Exclude;
            steps.push(step);
            if stop {
                break;
            }
            rules = rules.enter(name, files)?;
        }
        Ok(Self { path: names.join(&b'/'), steps })
    }

    /// The path that was asked for.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// Include or exclude.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.steps.last().map_or(Verdict::Include, Step::verdict)
    }

    /// The decisions, from the top down.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The parent because of which the path is never asked for.
    #[must_use]
    pub fn excluded_parent(&self) -> Option<&Step> {
        self.steps.last().filter(|step| step.path != self.path)
    }
}

impl fmt::Display for Explanation {
    /// Says the verdict and its reason in one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.verdict() == Verdict::Include { "included" } else { "excluded" };
        write!(f, "{}: {verdict}", Escaped(&self.path))?;
        let Some(last) = self.steps.last() else { return f.write_str(", it is the source") };
        if self.excluded_parent().is_some() {
            write!(f, ", because its parent {} is", Escaped(last.path()))?;
        }
        match last.rule() {
            Some(rule) => write!(f, " by \"{rule}\" ({})", rule.origin()),
            None => f.write_str(", no rule matches"),
        }
    }
}
