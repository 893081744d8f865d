//! Why one path takes part or not.

use std::convert::Infallible;
use std::fmt;

use super::bytes::Escaped;
use super::decision::Decision;
use super::directory::DirectoryRules;
use super::error::RuleError;
use super::extra::Extra;
use super::files::{DirectoryFiles, NoFiles};
use super::rule::{Rule, Verdict};
use super::ruleset::Filter;

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
    extra: Option<Extra>,
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
        match self.extra {
            Some(_) => Verdict::Exclude,
            None => self.rule.as_ref().map_or(Verdict::Include, Rule::verdict),
        }
    }

    /// The rule that decided; `None` if no rule matches, or if an [`extra`](Self::extra) decided.
    #[must_use]
    pub fn rule(&self) -> Option<&Rule> {
        self.rule.as_ref()
    }

    /// What left the entry out although the rules would let it take part.
    #[must_use]
    pub fn extra(&self) -> Option<Extra> {
        self.extra
    }
}

impl fmt::Display for Step {
    /// Says the verdict and its reason: `excluded by "- *.o" (my.rules:3)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.extra {
            Some(extra) => write!(f, "excluded by {}", extra.option()),
            None => Decision::new(self.rule()).fmt(f),
        }
    }
}

/// Goes down to a path, a directory at a time.
pub(crate) trait Descent {
    /// What can go wrong on the way.
    type Error;

    /// Finds what leaves out an entry of this directory that its rules let take part.
    fn extra(
        &mut self,
        rules: &DirectoryRules,
        name: &[u8],
        is_last: bool,
    ) -> Result<Option<Extra>, Self::Error>;

    /// Enters a directory in this one.
    fn enter(&mut self, rules: &DirectoryRules, name: &[u8]) -> Result<DirectoryRules, Self::Error>;
}

/// Looks at nothing but rules.
struct RulesAlone<'a>(&'a dyn DirectoryFiles);

impl Descent for RulesAlone<'_> {
    type Error = RuleError;

    fn extra(&mut self, _: &DirectoryRules, _: &[u8], _: bool) -> Result<Option<Extra>, RuleError> {
        Ok(None)
    }

    fn enter(&mut self, rules: &DirectoryRules, name: &[u8]) -> Result<DirectoryRules, RuleError> {
        rules.enter(name, self.0)
    }
}

/// Reads nothing at all: no directory has a rule file.
struct NothingRead;

impl Descent for NothingRead {
    type Error = Infallible;

    fn extra(&mut self, _: &DirectoryRules, _: &[u8], _: bool) -> Result<Option<Extra>, Infallible> {
        Ok(None)
    }

    fn enter(&mut self, rules: &DirectoryRules, name: &[u8]) -> Result<DirectoryRules, Infallible> {
        Ok(rules.enter_ignoring(name, &NoFiles, &mut Vec::new()))
    }
}

impl Filter {
    /// Tells what these rules alone say of a path: no tree is looked at, no directory has a rule file, and the source is
    /// taken for `/`, which matters to rules with the modifier `/` only.
    ///
    /// ```
    /// use linkdest_core::filter::{FilterBuilder, Verdict};
    /// let filter = FilterBuilder::new().rule("- .cache/").rule("+ *.txt").build_without_files()?;
    /// let explanation = filter.explain(b"docs/letter.txt", false);
    /// assert_eq!(explanation.verdict(), Verdict::Include);
    /// assert_eq!(explanation.to_string(), r#"docs/letter.txt: included by "+ *.txt" (--filter)"#);
    /// # Ok::<(), linkdest_core::filter::RuleError>(())
    /// ```
    #[must_use]
    pub fn explain(&self, path: &[u8], is_directory: bool) -> Explanation {
        let root = self.root_without_files(super::bytes::path(b"/"));
        match Explanation::along(root, path, is_directory, &mut NothingRead) {
            Ok(explanation) => explanation,
            Err(never) => match never {},
        }
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
        Self::along(root.clone(), path, is_directory, &mut RulesAlone(files))
    }

    /// Goes down the same way, and also finds what is left out by other means than rules.
    pub(crate) fn along<D: Descent>(
        root: DirectoryRules,
        path: &[u8],
        is_directory: bool,
        descent: &mut D,
    ) -> Result<Self, D::Error> {
        let names: Vec<&[u8]> =
            path.split(|&byte| byte == b'/').filter(|name| !matches!(*name, b"" | b".")).collect();
        let mut rules = root;
        let mut steps = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let is_last = at + 1 == names.len();
            let decision = rules.decide(name, is_directory || !is_last);
            let extra = if decision.is_included() { descent.extra(&rules, name, is_last)? } else { None };
            let rule = decision.rule().filter(|_| extra.is_none()).cloned();
            let step = Step { path: names.get(..=at).unwrap_or_default().join(&b'/'), rule, extra };
            let stop = is_last || step.verdict() == Verdict::Exclude;
            steps.push(step);
            if stop {
                break;
            }
            rules = descent.enter(&rules, name)?;
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
        let path = Escaped(if self.path.is_empty() { b"." } else { &self.path });
        match (self.steps.last(), self.excluded_parent()) {
            (None, _) => write!(f, "{path}: included, it is the source"),
            (Some(last), None) => write!(f, "{path}: {last}"),
            (_, Some(parent)) => {
                write!(f, "{path}: excluded, because the directory {}/ is {parent}", Escaped(parent.path()))
            }
        }
    }
}
