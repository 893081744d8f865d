//! The filter itself: all rules that hold everywhere, and the per-directory files to look for.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::block::{Block, blocks};
use super::bytes::{of_path, resolve};
use super::clause::{Clause, PerDirectory};
use super::cvs::CvsRules;
use super::directory::DirectoryRules;
use super::entering::Entering;
use super::error::RuleError;
use super::files::{DirectoryFiles, NoFiles};
use super::note::Note;
use super::rule::Rule;

/// A list of rules in force: decides which entries of a source take part.
///
/// Immutable and cheap to clone and share; made by [`FilterBuilder`](super::FilterBuilder). `Display` prints it as a
/// rule file without merges, which reads back as the same filter (unless a pattern holds a line end, which only
/// `--exclude` and `--from0` can give it).
///
/// ```
/// use linkdest_core::filter::{FilterBuilder, Verdict};
/// let filter = FilterBuilder::new().rule("+ /docs/***").rule("- *").build_without_files()?;
/// let root = filter.root_without_files("/home/me".as_ref());
/// assert_eq!(root.decide(b"docs", true).verdict(), Verdict::Include);
/// assert_eq!(root.decide(b"junk", true).verdict(), Verdict::Exclude);
/// assert_eq!(filter.to_string(), "+ /docs/***\n- *\n");
/// # Ok::<(), linkdest_core::filter::RuleError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Filter {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) clauses: Vec<Clause>,
    pub(super) blocks: Vec<Block>,
    pub(super) declared: Vec<Arc<PerDirectory>>,
    pub(super) cvs: CvsRules,
    pub(super) from0: bool,
    pub(super) notes: Vec<Note>,
}

impl Filter {
    pub(super) fn new(clauses: Vec<Clause>, cvs: CvsRules, from0: bool, notes: Vec<Note>) -> Self {
        let mut declared = Vec::new();
        let blocks = blocks(clauses.iter().cloned(), true, |file| {
            declared.push(Arc::new(file));
            declared.len() - 1
        });
        Self { inner: Arc::new(Inner { clauses, blocks, declared, cvs, from0, notes }) }
    }

    /// All rules and per-directory files in order, merged files in place.
    pub fn clauses(&self) -> impl Iterator<Item = &Clause> {
        self.inner.clauses.iter()
    }

    /// The rules among the [`clauses`](Self::clauses).
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.clauses().filter_map(|clause| match clause {
            Clause::Rule(rule) => Some(rule),
            Clause::PerDirectory(_) => None,
        })
    }

    /// Says whether directories are to be searched for rule files.
    #[must_use]
    pub fn reads_directories(&self) -> bool {
        !self.inner.declared.is_empty()
    }

    /// The filter as a rule file, exact also where patterns are not UTF-8.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.clauses().flat_map(|clause| [clause.to_bytes(), b"\n".to_vec()].concat()).collect()
    }

    /// Starts at a source, given by its absolute path; reads the per-directory files in it and, where rules ask for
    /// that, above it.
    ///
    /// The path only serves rules with the modifier `/` and files above the source. It is not resolved.
    ///
    /// # Errors
    /// A bad rule in one of these files, or one that could not be read.
    pub fn root(&self, source: &Path, files: &dyn DirectoryFiles) -> Result<DirectoryRules, RuleError> {
        self.enter_source(source, files, true).strictly()
    }

    /// Does what [`root`](Self::root) does, but treats files with errors as if they were not there.
    #[must_use]
    pub fn root_ignoring(
        &self,
        source: &Path,
        files: &dyn DirectoryFiles,
        errors: &mut Vec<RuleError>,
    ) -> DirectoryRules {
        self.enter_source(source, files, false).ignoring(errors)
    }

    /// Starts at a source without reading anything there.
    #[must_use]
    pub fn root_without_files(&self, source: &Path) -> DirectoryRules {
        self.root_ignoring(source, &NoFiles, &mut Vec::new())
    }

    fn enter_source<'a>(
        &'a self,
        source: &Path,
        files: &'a dyn DirectoryFiles,
        strict: bool,
    ) -> Entering<'a> {
        Entering::source(&self.inner, &resolve(b"", of_path(source)), files, strict)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clauses().try_for_each(|clause| writeln!(f, "{clause}"))
    }
}
