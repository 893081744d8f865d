//! Asking why one path takes part or not.

use std::ffi::CString;
use std::io;
use std::path::Path;

use super::filtering::Filtering;
use super::found::{absolute, open_source};
use super::rule_reading::RuleReading;
use crate::entry::{Kind, Metadata};
use crate::error::{Error, Problem, ProblemKind, Result};
use crate::filter::{Descent, DirectoryRules, Explanation, Extra, FilterBuilder};
use crate::monitor::{Event, Monitor, Silent, StopFlag};
use crate::os::{Dir, Listing, errno};
use crate::path::{Escaped, RelPath};
use crate::source::{LocalSource, Source as _};

impl Filtering {
    /// Explains whether a path below a source takes part: what decides about it, or about the parent that is left
    /// out. It says what [`select`](Self::select) does, and tells the problems of the rule files on the way.
    ///
    /// A path that does not exist is taken as a file, or as a directory if it ends in `/`. A directory that may be
    /// empty is looked for among all that takes part, if empty ones are left out; nothing else needs a walk.
    ///
    /// ```
    /// # let dir = tempfile::tempdir()?;
    /// use linkdest_core::filter::FilterBuilder;
    /// use linkdest_core::{Filtering, Silent, StopFlag};
    /// let filter = FilterBuilder::new().exclude("/cache/").build_without_files()?;
    /// let filtering = Filtering::from(filter);
    /// let explanation = filtering.explain(dir.path(), b"cache/file", &Silent, &StopFlag::default())?;
    /// assert_eq!(explanation.excluded_parent().unwrap().path(), b"cache");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A source that cannot be read; a path that does not stay below it; a bad rule in a rule file on the way; the stop
    /// that was asked for.
    pub fn explain(
        &self,
        source: impl AsRef<Path>,
        path: &[u8],
        monitor: &dyn Monitor,
        stop: &StopFlag,
    ) -> Result<Explanation> {
        let path_of_source = source.as_ref();
        let is_directory = path.ends_with(b"/");
        let path = below(path)?;
        let (root, _) = open_source(path_of_source)?;
        let source = LocalSource::new(root);
        let failed = |error| Error::io("look at", path_of_source, error);
        let here = source.open_root().map_err(failed)?.dir;
        let target = look(&source, &path).map_err(failed)?;
        let tell = |problem| monitor.event(&Event::Problem(problem));
        let source_path = absolute(path_of_source);
        let ignore_bad_rules = self.ignore_bad_rules;
        let reading =
            RuleReading { source: &source, source_path: &source_path, ignore_bad_rules, tell: &tell };
        let nothing = || FilterBuilder::new().build_without_files();
        let filter = self.filter.clone().map_or_else(nothing, Ok)?;
        let rules = reading.root(&filter, &here)?;
        let is_directory = is_directory || target.is_some_and(|target| target.kind == Kind::Directory);
        let mut way = Way { filtering: self, path_of_source, reading, here: Some(here), target, stop };
        Explanation::along(rules, path.as_bytes(), is_directory, &mut way)
    }
}

/// Takes a path below the source; slashes too many and `.` are passed over.
fn below(path: &[u8]) -> Result<RelPath> {
    let names = path.split(|&byte| byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    let names: Vec<&[u8]> = names.collect();
    let wrong = || Error::option(format!("{}: not a path below the source", Escaped(path)));
    RelPath::new(names.join(&b'/')).ok_or_else(wrong)
}

/// Looks at a path below the source, one name at a time.
fn look(source: &LocalSource, path: &RelPath) -> io::Result<Option<Metadata>> {
    let mut names: Vec<&[u8]> = path.as_bytes().split(|&byte| byte == b'/').collect();
    let last = CString::new(names.pop().unwrap_or_default())?;
    let mut dir = source.open_root()?.dir;
    for name in names {
        let Some(next) = open(source, &dir, &CString::new(name)?)? else { return Ok(None) };
        dir = next;
    }
    if last.is_empty() { Ok(None) } else { dir.stat_if_there(&last) }
}

fn open(source: &LocalSource, dir: &Dir, name: &CString) -> io::Result<Option<Dir>> {
    match source.open_dir(dir, name) {
        Err(error) if errno::is_absent(&error) => Ok(None),
        opened => opened.map(|opened| Some(opened.dir)),
    }
}

/// The way down to one path.
struct Way<'a> {
    filtering: &'a Filtering,
    path_of_source: &'a Path,
    reading: RuleReading<'a, LocalSource>,
    /// The directory that was come to, if it exists.
    here: Option<Dir>,
    /// What the path leads to, if it exists.
    target: Option<Metadata>,
    stop: &'a StopFlag,
}

impl Descent for Way<'_> {
    type Error = Error;

    fn extra(&mut self, rules: &DirectoryRules, name: &[u8], is_last: bool) -> Result<Option<Extra>> {
        if let Some(extra) = self.marked(rules, name)? {
            return Ok(Some(extra));
        }
        match self.target.filter(|_| is_last) {
            Some(target) if !self.filtering.is_small_enough(&target) => Ok(Some(Extra::LargerThan)),
            Some(target) if target.kind == Kind::Directory => self.pruned(rules, name),
            _ => Ok(None),
        }
    }

    fn enter(&mut self, rules: &DirectoryRules, name: &[u8]) -> Result<DirectoryRules> {
        if let Some(dir) = self.here.take() {
            let opened = CString::new(name).map_err(io::Error::from);
            let opened = opened.and_then(|name| open(self.reading.source, &dir, &name));
            self.here = opened.map_err(|error| Error::io("open", path_in(rules, name).as_path(), error))?;
        }
        self.reading.child(rules, name, self.here.as_ref())
    }
}

impl Way<'_> {
    /// Finds out whether something in the directory leaves out all entries but one, which is not this.
    fn marked(&self, rules: &DirectoryRules, name: &[u8]) -> Result<Option<Extra>> {
        let Some(here) = self.here.as_ref().filter(|_| self.filtering.needs_listing()) else {
            return Ok(None);
        };
        let mut listing = Listing::default();
        // What was opened is listed elsewhere, so that it can be asked about again.
        let listed = here.open_dir(c".").and_then(|dir| dir.list(&mut listing));
        if let Err(error) = listed {
            let path = RelPath::new(rules.path()).unwrap_or_default();
            (self.reading.tell)(Problem::io(path, ProblemKind::Unreadable, "list", &error));
        }
        let marker = self.filtering.marker(self.reading.source, here, &listing)?;
        Ok(marker.filter(|(marker, _)| marker.to_bytes() != name).map(|(_, extra)| extra))
    }

    /// Finds out whether nothing in a directory takes part. Only a walk can tell.
    fn pruned(&self, rules: &DirectoryRules, name: &[u8]) -> Result<Option<Extra>> {
        if !self.filtering.prune_empty_dirs {
            return Ok(None);
        }
        let filtering = self.filtering.clone().ignore_bad_rules(true);
        let selected = filtering.select(self.path_of_source, &Silent, self.stop)?;
        let path = path_in(rules, name);
        Ok((!selected.iter().any(|one| one.path == path)).then_some(Extra::PruneEmptyDirs))
    }
}

fn path_in(rules: &DirectoryRules, name: &[u8]) -> RelPath {
    RelPath::new(rules.path()).unwrap_or_default().child(name)
}
