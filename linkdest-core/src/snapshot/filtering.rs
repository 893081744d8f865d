//! Which entries take part: rules, and what rsync has no rules for.

use std::ffi::{CStr, CString, OsStr};
use std::io;

use super::node::Node;
use super::worker::Worker;
use crate::entry::{Kind, Metadata};
use crate::error::{Error, Result};
use crate::filter::{DirectoryRules, Extra, Filter};
use crate::native::OsStrExt as _;
use crate::os::Listing;
use crate::source::{RuleFile, Source};

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
/// let selected = filtering.select(dir.path(), &linkdest_core::Silent, &Default::default())?;
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

    /// Says whether an entry is no file, or one that is small enough.
    pub(super) fn is_small_enough(&self, metadata: &Metadata) -> bool {
        metadata.kind != Kind::File || self.larger_than.is_none_or(|limit| metadata.size <= limit)
    }

    /// Says whether a directory has to be listed to know which of its entries take part.
    pub(super) fn needs_listing(&self) -> bool {
        self.exclude_caches || !self.exclude_if_present.is_empty()
    }

    /// The entry that marks a directory as one whose other entries do not take part, and what they fall to.
    ///
    /// # Errors
    /// A source that is out of reach.
    pub(super) fn marker<'l, S: Source>(
        &self,
        source: &S,
        dir: &S::Dir,
        listing: &'l Listing,
    ) -> Result<Option<(&'l CStr, Extra)>> {
        self.marker_among(listing, |name| source.rule_file(dir, name))
    }

    /// The same where files are read in another way.
    ///
    /// # Errors
    /// A source that is out of reach.
    pub(super) fn marker_among<'l>(
        &self,
        listing: &'l Listing,
        read: impl Fn(&CStr) -> io::Result<RuleFile>,
    ) -> Result<Option<(&'l CStr, Extra)>> {
        if !self.needs_listing() {
            return Ok(None);
        }
        let mut names = listing.entries().iter().map(|entry| listing.name(*entry));
        let present =
            names.clone().find(|name| self.exclude_if_present.iter().any(|marker| **marker == **name));
        if let Some(name) = present {
            return Ok(Some((name, Extra::IfPresent)));
        }
        match names.find(|name| self.exclude_caches && *name == CACHE_TAG.0) {
            Some(name) if is_cache_tag(name, &read)? => Ok(Some((name, Extra::Caches))),
            _ => Ok(None),
        }
    }
}

/// What a valid cache directory tag begins with (bford.info/cachedir).
const CACHE_TAG: (&CStr, &[u8]) = (c"CACHEDIR.TAG", b"Signature: 8a477f597d28d172789f06886806bc55");

/// Says whether a file is a valid tag: one that cannot be read is none.
fn is_cache_tag(name: &CStr, read: &impl Fn(&CStr) -> io::Result<RuleFile>) -> Result<bool> {
    match read(name) {
        Ok(file) => Ok(matches!(file, RuleFile::Content(bytes) if bytes.starts_with(CACHE_TAG.1))),
        Err(error) => Error::within(&error).map_or(Ok(false), Err),
    }
}

impl<S: Source> Worker<'_, '_, S> {
    /// Says whether an entry takes part, by its name and by whether it is a directory.
    pub fn takes_part(&self, node: &Node<S>, name: &CStr, is_directory: bool) -> bool {
        self.takes_part_by(node.opened.rules.as_ref(), name, is_directory)
    }

    /// The same by the rules of any directory.
    pub fn takes_part_by(&self, rules: Option<&DirectoryRules>, name: &CStr, is_directory: bool) -> bool {
        let taken = rules.is_none_or(|rules| rules.decide(name.to_bytes(), is_directory).is_included());
        if !taken {
            self.count(crate::counts::Counter::Excluded, 1);
        }
        taken
    }

    /// Says whether a file is small enough to take part.
    pub fn is_small_enough(&self, metadata: &Metadata) -> bool {
        let small = self.engine.plan.filtering.is_small_enough(metadata);
        if !small {
            self.count(crate::counts::Counter::Excluded, 1);
        }
        small
    }

    /// The name of the entry that marks a directory as one whose other entries do not take part.
    pub fn marker<'l>(&self, dir: &S::Dir, listing: &'l Listing) -> Result<Option<&'l CStr>> {
        let plan = &self.engine.plan;
        let marker = plan.filtering.marker(plan.source, dir, listing)?;
        Ok(marker.map(|(name, _)| name))
    }
}
