//! Which entries take part: rules, and what rsync has no rules for.

use std::cell::RefCell;
use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::engine::Engine;
use super::node::Node;
use super::worker::Worker;
use crate::entry::{Kind, Metadata};
use crate::error::{Error, Problem, ProblemKind, Result};
use crate::filter::{DirectoryFiles, DirectoryRules, Filter, Place};
use crate::os::{Dir, Listing, errno};
use crate::path::RelPath;
use crate::source::{RuleFile, Source, read_rule_file};

/// Which entries of a source take part.
///
/// ```
/// use linkdest_core::Filtering;
/// use linkdest_core::filter::FilterBuilder;
/// let filter = FilterBuilder::new().exclude("*.o").build_without_files()?;
/// let filtering = Filtering::from(filter).exclude_caches(true).exclude_larger_than(1 << 30);
/// # let dir = tempfile::tempdir()?;
/// # std::fs::write(dir.path().join("a.o"), "")?;
/// # std::fs::write(dir.path().join("a.c"), "")?;
/// let selected = filtering.select(dir.path(), &linkdest_core::Silent)?;
/// assert_eq!(selected.iter().map(|one| one.path.to_string()).collect::<Vec<_>>(), ["a.c"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Filtering {
    pub(super) filter: Option<Filter>,
    pub(super) ignore_bad_rules: bool,
    pub(super) prune_empty_dirs: bool,
    pub(super) exclude_caches: bool,
    pub(super) exclude_if_present: Vec<CString>,
    pub(super) larger_than: Option<u64>,
}

impl From<Filter> for Filtering {
    fn from(filter: Filter) -> Self {
        Self { filter: Some(filter), ..Self::default() }
    }
}

impl Filtering {
    /// Everything takes part.
    pub fn new() -> Self {
        Self::default()
    }

    /// The rules as text, for the manifest.
    pub(super) fn rules_text(&self) -> String {
        self.filter.as_ref().map_or_else(String::new, ToString::to_string)
    }

    /// Sets what an error in a rule file in the source does. Unset: it ends the run. Set: the file counts as absent,
    /// and that is a problem.
    pub fn ignore_bad_rules(mut self, ignore: bool) -> Self {
        self.ignore_bad_rules = ignore;
        self
    }

    /// Leaves out directories with nothing in them that takes part (rsync's `--prune-empty-dirs`). Unset: they stay.
    pub fn prune_empty_dirs(mut self, prune: bool) -> Self {
        self.prune_empty_dirs = prune;
        self
    }

    /// Leaves out what is in a directory with a `CACHEDIR.TAG`, all but the tag (bford.info/cachedir). Unset: it
    /// stays.
    pub fn exclude_caches(mut self, exclude: bool) -> Self {
        self.exclude_caches = exclude;
        self
    }

    /// Leaves out what is in a directory that has an entry of this name, all but that entry; can be called again for
    /// more names. Unset: none.
    pub fn exclude_if_present(mut self, name: impl AsRef<OsStr>) -> Self {
        // A name with a NUL byte is in no directory.
        self.exclude_if_present.extend(CString::new(name.as_ref().as_bytes()).ok());
        self
    }

    /// Leaves out regular files of more than so many bytes. Unset: none.
    pub fn exclude_larger_than(mut self, bytes: u64) -> Self {
        self.larger_than = Some(bytes);
        self
    }
}

/// What a valid cache directory tag begins with (bford.info/cachedir).
const CACHE_TAG: (&CStr, &[u8]) = (c"CACHEDIR.TAG", b"Signature: 8a477f597d28d172789f06886806bc55");

/// Reads the rule files of the source for one directory that is being entered.
struct Reader<'a, S: Source> {
    source: &'a S,
    /// The absolute path of the source.
    root: &'a Path,
    here: &'a S::Dir,
    refused: RefCell<Vec<Problem>>,
}

impl<S: Source> DirectoryFiles for Reader<'_, S> {
    fn read_in(&self, place: Place<'_>, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let name = CString::new(name)?;
        let (path, found) = match place {
            Place::Here(path) => (path, self.source.rule_file(self.here, &name)?),
            Place::Source(path) => (path, self.in_source(path, &name)?),
            Place::Outside(path) => return self.above(path, &name),
        };
        match found {
            RuleFile::Absent => Ok(None),
            RuleFile::Content(bytes) => Ok(Some(bytes)),
            RuleFile::Refused(why) => {
                let path = RelPath::new(path).unwrap_or_default().child(name.to_bytes());
                self.refused.borrow_mut().push(Problem::new(path, ProblemKind::Rules, "read rules", why));
                Ok(None)
            }
        }
    }
}

impl<S: Source> Reader<'_, S> {
    /// Reads in another directory of the source, going there one name at a time.
    fn in_source(&self, path: &[u8], name: &CStr) -> io::Result<RuleFile> {
        let mut dir = self.source.open_root()?.dir;
        for part in path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
            dir = match self.source.open_dir(&dir, &CString::new(part)?) {
                Err(error) if errno::is_absent(&error) => return Ok(RuleFile::Absent),
                opened => opened?.dir,
            };
        }
        self.source.rule_file(&dir, name)
    }

    /// Reads in a directory above the source, which is the operator's; a file of the source gets no further.
    fn above(&self, path: &Path, name: &CStr) -> io::Result<Option<Vec<u8>>> {
        if !self.root.starts_with(path) {
            return Ok(None);
        }
        match read_rule_file(&Dir::open_operator_path(path)?, name)? {
            RuleFile::Content(bytes) => Ok(Some(bytes)),
            RuleFile::Absent | RuleFile::Refused(_) => Ok(None),
        }
    }
}

impl<S: Source> Engine<'_, S> {
    /// The rules of the source's root.
    pub fn root_rules(&self, worker: usize, dir: &S::Dir) -> Result<Option<DirectoryRules>> {
        let Some(filter) = &self.plan.filtering.filter else { return Ok(None) };
        self.with_reader(worker, dir, |reader, errors| match errors {
            Some(errors) => Ok(filter.root_ignoring(self.plan.source_path, reader, errors)),
            None => filter.root(self.plan.source_path, reader),
        })
    }

    /// The rules of a sub-directory.
    pub fn child_rules(
        &self,
        worker: usize,
        parent: &Node<S>,
        name: &CStr,
        dir: &S::Dir,
    ) -> Result<Option<DirectoryRules>> {
        let Some(rules) = &parent.opened.rules else { return Ok(None) };
        self.with_reader(worker, dir, |reader, errors| match errors {
            Some(errors) => Ok(rules.enter_ignoring(name.to_bytes(), reader, errors)),
            None => rules.enter(name.to_bytes(), reader),
        })
    }

    fn with_reader(
        &self,
        worker: usize,
        here: &S::Dir,
        enter: impl FnOnce(
            &Reader<'_, S>,
            Option<&mut Vec<crate::filter::RuleError>>,
        ) -> std::result::Result<DirectoryRules, crate::filter::RuleError>,
    ) -> Result<Option<DirectoryRules>> {
        let refused = RefCell::default();
        let reader = Reader { source: self.plan.source, root: self.plan.source_path, here, refused };
        let mut errors = Vec::new();
        let rules = enter(&reader, self.plan.filtering.ignore_bad_rules.then_some(&mut errors))?;
        for problem in reader.refused.into_inner() {
            self.problem(worker, problem);
        }
        for error in errors {
            let error = Error::from(error);
            let path = RelPath::new(rules.path()).unwrap_or_default();
            self.problem(worker, Problem::new(path, ProblemKind::Rules, "read rules", error.to_string()));
        }
        Ok(Some(rules))
    }
}

impl<S: Source> Worker<'_, '_, S> {
    /// Says whether an entry takes part, by its name and by whether it is a directory.
    pub fn takes_part(&self, node: &Node<S>, name: &CStr, is_directory: bool) -> bool {
        let taken =
            node.opened.rules.as_ref().is_none_or(|rules| rules.decide(name.to_bytes(), is_directory).is_included());
        if !taken {
            self.count(crate::counts::Counter::Excluded, 1);
        }
        taken
    }

    /// Says whether a file is small enough to take part.
    pub fn is_small_enough(&self, metadata: &Metadata) -> bool {
        let limit = self.engine.plan.filtering.larger_than;
        let small = metadata.kind != Kind::File || limit.is_none_or(|limit| metadata.size <= limit);
        if !small {
            self.count(crate::counts::Counter::Excluded, 1);
        }
        small
    }

    /// The name of the entry that marks a directory as one whose other entries do not take part.
    pub fn marker<'l>(&self, dir: &S::Dir, listing: &'l Listing) -> Option<&'l CStr> {
        let filtering = &self.engine.plan.filtering;
        if !filtering.exclude_caches && filtering.exclude_if_present.is_empty() {
            return None;
        }
        let names = || listing.entries().iter().map(|entry| listing.name(*entry));
        let present =
            names().find(|name| filtering.exclude_if_present.iter().any(|marker| **marker == **name));
        present.or_else(|| names().find(|name| filtering.exclude_caches && self.is_cache_tag(dir, name)))
    }

    fn is_cache_tag(&self, dir: &S::Dir, name: &CStr) -> bool {
        let tag = |file: RuleFile| matches!(file, RuleFile::Content(bytes) if bytes.starts_with(CACHE_TAG.1));
        name == CACHE_TAG.0 && self.engine.plan.source.rule_file(dir, name).is_ok_and(tag)
    }
}
