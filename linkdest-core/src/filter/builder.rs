//! Rule options in the order given, made into a filter.

use std::cell::{Cell, OnceCell};
use std::path::{Path, PathBuf};

use super::bytes::{of_path, path, path_buf};
use super::clause::Clause;
use super::cvs::{self, CvsRules};
use super::error::RuleError;
use super::files::{NoFiles, RuleFiles};
use super::loader::{Loader, Opened, Surroundings};
use super::origin::Origin;
use super::pattern::Anchor;
use super::rule::{Rule, RuleKind};
use super::ruleset::Filter;
use super::style::{Form, Style};
use super::syntax::{Modifiers, Sign};

/// Takes rsync's filter options in the order given and builds a [`Filter`].
///
/// The order matters: the first rule that matches a path decides. Nothing is read or checked before
/// [`build`](Self::build).
///
/// ```
/// use linkdest_core::filter::{FilterBuilder, Verdict};
/// let filter = FilterBuilder::new().include("keep.o").exclude("*.o").build_without_files()?;
/// let rules = filter.root_without_files("/src".as_ref());
/// assert_eq!(rules.decide(b"keep.o", false).verdict(), Verdict::Include);
/// assert_eq!(rules.decide(b"main.o", false).verdict(), Verdict::Exclude);
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct FilterBuilder {
    steps: Vec<Step>,
    cvs_exclude: bool,
    per_directory_f: usize,
}

#[derive(Debug, Clone)]
enum Step {
    Rule(&'static str, Vec<u8>),
    File(PathBuf),
    Old(Sign, Vec<u8>),
    OldFile(Sign, PathBuf),
    From0,
}

impl FilterBuilder {
    /// A builder without rules: everything takes part.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads rules from a file: `--rules FILE`, the same as `--filter='merge FILE'`.
    pub fn rules_file(self, path: impl AsRef<Path>) -> Self {
        self.step(Step::File(path.as_ref().to_owned()))
    }

    /// Takes one rule in the full syntax: `--filter=RULE`; an empty text is no rule.
    pub fn rule(self, rule: impl AsRef<[u8]>) -> Self {
        self.step(Step::Rule("--filter", rule.as_ref().to_vec()))
    }

    /// Takes a pattern, or `- PATTERN`, `+ PATTERN`, or `!` alone: `--exclude=PATTERN`.
    pub fn exclude(self, pattern: impl AsRef<[u8]>) -> Self {
        self.step(Step::Old(Sign::Exclude, pattern.as_ref().to_vec()))
    }

    /// The opposite of [`exclude`](Self::exclude): `--include=PATTERN`.
    pub fn include(self, pattern: impl AsRef<[u8]>) -> Self {
        self.step(Step::Old(Sign::Include, pattern.as_ref().to_vec()))
    }

    /// Reads a file whose lines are like values of `--exclude`: `--exclude-from=FILE`.
    pub fn exclude_from(self, path: impl AsRef<Path>) -> Self {
        self.step(Step::OldFile(Sign::Exclude, path.as_ref().to_owned()))
    }

    /// Reads a file whose lines are like values of `--include`: `--include-from=FILE`.
    pub fn include_from(self, path: impl AsRef<Path>) -> Self {
        self.step(Step::OldFile(Sign::Include, path.as_ref().to_owned()))
    }

    /// Counts `-F`: the first reads `.rsync-filter` in each directory, from the root of the file system down to the
    /// source and below it; the second also leaves those files out; more do nothing.
    ///
    /// The rules stand where the option stood, so it may be called once for each `-F`.
    pub fn per_directory_f(mut self, count: usize) -> Self {
        for _ in 0..count.min(2) {
            self.per_directory_f += 1;
            self = match self.per_directory_f {
                1 => self.step(Step::Rule("-F", b": /.rsync-filter".to_vec())),
                2 => self.step(Step::Rule("-F", b"- .rsync-filter".to_vec())),
                _ => self,
            };
        }
        self
    }

    /// Leaves out what CVS would, and reads `.cvsignore` files: `-C`; comes after all other rules.
    pub fn cvs_exclude(mut self) -> Self {
        self.cvs_exclude = true;
        self
    }

    /// Ends lines at NUL bytes in all files that later options name, and in per-directory files: `--from0`.
    pub fn from0(self) -> Self {
        self.step(Step::From0)
    }

    /// Reads all files and checks all rules.
    ///
    /// # Errors
    /// The first bad rule or unreadable file, with its place and the chain of files that led there.
    pub fn build(mut self, files: &dyn RuleFiles) -> Result<Filter, RuleError> {
        if self.cvs_exclude {
            self = self.step(Step::Rule("-C", b":C".to_vec())).step(Step::Rule("-C", b"-C".to_vec()));
        }
        let around = Operator { files, cvs: OnceCell::new(), first_cvs: Cell::new(None) };
        let mut loader = Loader::new(&around, false);
        for step in &self.steps {
            take(step, &mut loader)?;
        }
        let (clauses, notes, from0) = (loader.clauses, loader.notes, loader.from0);
        // Per-directory files may say `-C` too, and are read when there is nobody to ask for the list.
        let reads_more = clauses.iter().any(|clause| matches!(clause, Clause::PerDirectory(_)));
        let rules = if reads_more { around.cvs_list().to_vec() } else { Vec::new() };
        let cvs = CvsRules { rules, first: around.first_cvs.get() };
        Ok(Filter::new(clauses, cvs, from0, notes))
    }

    /// Builds a filter from options that name no files; one that does is refused as missing.
    ///
    /// # Errors
    /// The first bad rule.
    pub fn build_without_files(self) -> Result<Filter, RuleError> {
        self.build(&NoFiles)
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

fn take(step: &Step, loader: &mut Loader<'_, Operator<'_>>) -> Result<(), RuleError> {
    match step {
        Step::Rule(_, text) | Step::Old(_, text) if text.is_empty() => Ok(()),
        Step::Rule(option, text) => loader.rule(text, &Style::plain(Form::Full), &Origin::option(option), 0),
        Step::Old(sign, text) => {
            let option = if *sign == Sign::Exclude { "--exclude" } else { "--include" };
            loader.rule(text, &Style::plain(Form::Old(*sign)), &Origin::option(option), 0)
        }
        Step::File(path) => {
            loader.named_file(of_path(path), &Style::plain(Form::Full), &Origin::option("--rules"))
        }
        Step::OldFile(sign, path) => {
            let option = if *sign == Sign::Exclude { "--exclude-from" } else { "--include-from" };
            loader.named_file(of_path(path), &Style::plain(Form::Old(*sign)), &Origin::option(option))
        }
        Step::From0 => {
            loader.from0 = true;
            Ok(())
        }
    }
}

/// The surroundings of the operator's own rules.
struct Operator<'a> {
    files: &'a dyn RuleFiles,
    cvs: OnceCell<Vec<Rule>>,
    /// What the first `-C` rule said.
    first_cvs: Cell<Option<(RuleKind, Modifiers)>>,
}

impl Operator<'_> {
    fn cvs_list(&self) -> &[Rule] {
        self.cvs.get_or_init(|| cvs::rules(self.files))
    }
}

impl Surroundings for Operator<'_> {
    fn open(&self, name: &[u8]) -> Opened {
        let content = if name == b"-" { self.files.standard_input() } else { self.files.read(path(name)) };
        Opened { path: path_buf(name), content, secret: false }
    }

    fn is_declared(&self, _: &[u8]) -> bool {
        false
    }

    fn cvs_rules(&self, kind: RuleKind, modifiers: Modifiers) -> Vec<Rule> {
        let first = self.first_cvs.get().unwrap_or((kind, modifiers));
        self.first_cvs.set(Some(first));
        CvsRules { rules: self.cvs_list().to_vec(), first: Some(first) }.of_kind(kind, modifiers)
    }

    fn merged_anchor(&self) -> Anchor {
        Anchor::Home
    }

    fn is_of_entered(&self) -> bool {
        false
    }

    fn budget(&self) -> usize {
        usize::MAX
    }
}
