//! Reading the rule files of a source's directories, and what is told of those that cannot be used.

use std::cell::RefCell;
use std::ffi::{CStr, CString};
use std::io;
use std::path::Path;

use super::engine::Engine;
use super::node::Node;
use crate::error::{Error, Problem, ProblemKind, Result};
use crate::filter::{DirectoryFiles, DirectoryRules, Filter, Place, RuleError};
use crate::native::OsStrExt as _;
use crate::os::{Dir, errno};
use crate::path::{Escaped, RelPath};
use crate::source::{RuleFile, Source, read_rule_file};

/// Enters directories: reads the rule files in them.
pub(super) struct RuleReading<'a, S: Source> {
    pub source: &'a S,
    /// The absolute path of the source.
    pub source_path: &'a Path,
    /// A bad rule file counts as absent, and is a problem.
    pub ignore_bad_rules: bool,
    /// Takes each problem.
    pub tell: &'a dyn Fn(Problem),
}

impl<S: Source> RuleReading<'_, S> {
    /// The rules of the source's root.
    pub fn root(&self, filter: &Filter, dir: &S::Dir) -> Result<DirectoryRules> {
        self.read(Some(dir), |reader, errors| match errors {
            Some(errors) => Ok(filter.root_ignoring(self.source_path, reader, errors)),
            None => filter.root(self.source_path, reader),
        })
    }

    /// The rules of a sub-directory, which may not be there.
    pub fn child(&self, rules: &DirectoryRules, name: &[u8], dir: Option<&S::Dir>) -> Result<DirectoryRules> {
        self.read(dir, |reader, errors| match errors {
            Some(errors) => Ok(rules.enter_ignoring(name, reader, errors)),
            None => rules.enter(name, reader),
        })
    }

    fn read(
        &self,
        here: Option<&S::Dir>,
        enter: impl FnOnce(
            &Reader<'_, S>,
            Option<&mut Vec<RuleError>>,
        ) -> std::result::Result<DirectoryRules, RuleError>,
    ) -> Result<DirectoryRules> {
        let (refused, ended) = (RefCell::default(), RefCell::default());
        let reader = Reader { source: self.source, root: self.source_path, here, refused, ended };
        let mut errors = Vec::new();
        let rules = enter(&reader, self.ignore_bad_rules.then_some(&mut errors));
        // A lost connection is no bad rule, whatever became of the rules.
        if let Some(error) = reader.ended.take() {
            return Err(error);
        }
        let rules = rules?;
        reader.refused.into_inner().into_iter().for_each(self.tell);
        for error in errors {
            let path = RelPath::new(rules.path()).unwrap_or_default();
            (self.tell)(problem(path, Error::from(error).to_string()));
        }
        Ok(rules)
    }
}

fn problem(path: RelPath, why: impl Into<String>) -> Problem {
    Problem::new(path, ProblemKind::Rules, "read rules", why)
}

/// Reads the rule files of the source for one directory that is being entered.
struct Reader<'a, S: Source> {
    source: &'a S,
    /// The absolute path of the source.
    root: &'a Path,
    here: Option<&'a S::Dir>,
    refused: RefCell<Vec<Problem>>,
    /// What ends the run: the source is out of reach.
    ended: RefCell<Option<Error>>,
}

impl<S: Source> DirectoryFiles for Reader<'_, S> {
    fn read_in(&self, place: Place<'_>, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let name = CString::new(name)?;
        let found = match place {
            Place::Here(_) => self.here.map_or(Ok(RuleFile::Absent), |dir| self.source.rule_file(dir, &name)),
            Place::Source(path) => self.in_source(path, &name),
            Place::Outside(path) => self.above(path, &name),
        };
        if let Err(error) = &found
            && let Some(error) = Error::within(error)
        {
            self.ended.replace(Some(error));
        }
        match found? {
            RuleFile::Absent => Ok(None),
            RuleFile::Content(bytes) => Ok(Some(bytes)),
            RuleFile::Refused(why) => {
                self.refused.borrow_mut().push(refusal(place, &name, why));
                Ok(None)
            }
        }
    }
}

/// The problem of a file that is not read. One above the source is told as the source's, with its own path.
fn refusal(place: Place<'_>, name: &CStr, why: &str) -> Problem {
    match place {
        Place::Here(path) | Place::Source(path) => {
            problem(RelPath::new(path).unwrap_or_default().child(name.to_bytes()), why)
        }
        Place::Outside(path) => {
            let path = [path.as_os_str().as_bytes(), name.to_bytes()].join(&b'/');
            problem(RelPath::root(), format!("{}: {why}", Escaped(&path)))
        }
    }
}

impl<S: Source> Reader<'_, S> {
    /// Reads in another directory of the source, going there one name at a time.
    fn in_source(&self, path: &[u8], name: &CStr) -> io::Result<RuleFile> {
        let mut dir = self.source.enter_root()?;
        for part in path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
            dir = match self.source.enter_dir(&dir, &CString::new(part)?) {
                Err(error) if errno::is_absent(&error) => return Ok(RuleFile::Absent),
                opened => opened?,
            };
        }
        self.source.rule_file(&dir, name)
    }

    /// Reads in a directory above the source, which is the operator's; a file of the source gets no further.
    fn above(&self, path: &Path, name: &CStr) -> io::Result<RuleFile> {
        if !self.source.is_here() || !self.root.starts_with(path) {
            return Ok(RuleFile::Absent);
        }
        read_rule_file(&Dir::open_operator_path(path)?, name)
    }
}

impl<S: Source> Engine<'_, S> {
    /// The rules of the source's root.
    pub fn root_rules(&self, worker: usize, dir: &S::Dir) -> Result<Option<DirectoryRules>> {
        let Some(filter) = &self.plan.filtering.filter else { return Ok(None) };
        self.rule_reading(&|problem| self.problem(worker, problem)).root(filter, dir).map(Some)
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
        let tell = |problem| self.problem(worker, problem);
        self.rule_reading(&tell).child(rules, name.to_bytes(), Some(dir)).map(Some)
    }

    /// The rules of a sub-directory whose own rule files cannot be read.
    pub fn unread_rules(
        &self,
        worker: usize,
        rules: Option<&DirectoryRules>,
        name: &CStr,
    ) -> Result<Option<DirectoryRules>> {
        let tell = |problem| self.problem(worker, problem);
        rules.map(|rules| self.rule_reading(&tell).child(rules, name.to_bytes(), None)).transpose()
    }

    fn rule_reading<'r>(&'r self, tell: &'r dyn Fn(Problem)) -> RuleReading<'r, S> {
        let (source, source_path) = (self.plan.source, self.plan.source_path);
        let ignore_bad_rules = self.plan.filtering.ignore_bad_rules;
        RuleReading { source, source_path, ignore_bad_rules, tell }
    }
}
