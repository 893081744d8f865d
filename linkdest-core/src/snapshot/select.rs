//! Asking only which entries take part, and why.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::engine::{Plan, walk};
use super::filtering::Filtering;
use super::run::{absolute, open_source};
use crate::entry::Timestamp;
use crate::error::{Error, Result};
use crate::filter::{DirectoryFiles, Explanation, Filter, Place};
use crate::monitor::{Event, Monitor, Progress, StopFlag};
use crate::os::{Dir, effective_ids, errno, open_file_limit};
use crate::path::RelPath;
use crate::policy::Quick;
use crate::policy::attributes::Reach;
use crate::source::{LocalSource, RuleFile, read_rule_file};

/// An entry that takes part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Selected {
    /// The path below the source.
    pub path: RelPath,
    /// Whether it is a directory.
    pub directory: bool,
}

/// Keeps what was selected and passes everything else on.
struct Selecting<'m> {
    monitor: &'m dyn Monitor,
    selected: Mutex<Vec<Selected>>,
}

impl Monitor for Selecting<'_> {
    fn event(&self, event: &Event) {
        if let Event::Selected { path, directory } = event {
            let one = Selected { path: path.clone(), directory: *directory };
            self.selected.lock().unwrap_or_else(PoisonError::into_inner).push(one);
        }
        self.monitor.event(event);
    }

    fn progress(&self, progress: &Progress) {
        self.monitor.progress(progress);
    }
}

impl Filtering {
    /// Lists the entries of a source that take part, sorted by their bytes, a directory as if it ended in `/`. Nothing
    /// is written and no content is read but rule files.
    ///
    /// # Errors
    /// A source that cannot be read; a bad rule in one of its rule files.
    pub fn select(&self, source: impl AsRef<Path>, monitor: &dyn Monitor) -> Result<Vec<Selected>> {
        let source = source.as_ref();
        let (dir, metadata) = open_source(source)?;
        let selecting = Selecting { monitor, selected: Mutex::default() };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        walk(Plan {
            source: &LocalSource::new(dir),
            source_path: &absolute(source),
            filtering: self,
            select_only: true,
            staged: None,
            scratch: None,
            manifest: None,
            started: Timestamp::now(),
            damaged: &HashSet::new(),
            record_attributes: false,
            shift: None,
            trust_shift: false,
            device: metadata.id.device,
            references: &[],
            policy: &Quick::default(),
            reach: Reach::unknown(effective_ids()),
            one_file_system: false,
            own: Vec::new(),
            repository: source,
            threads: cores.min(64),
            descriptors: open_file_limit() / 4 * 3,
            monitor: &selecting,
            stop: &StopFlag::default(),
        })?;
        let mut selected = selecting.selected.into_inner().unwrap_or_else(PoisonError::into_inner);
        selected.sort_by_cached_key(|one| {
            let mut key = one.path.as_bytes().to_vec();
            key.extend(one.directory.then_some(b'/'));
            key
        });
        Ok(selected)
    }
}

/// Reads the rule files on the way to one path, a directory at a time.
struct OnTheWay {
    root: Dir,
}

impl DirectoryFiles for OnTheWay {
    fn read_in(&self, place: Place<'_>, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let name = std::ffi::CString::new(name)?;
        let found = match place {
            Place::Here(path) | Place::Source(path) => match descend(&self.root, path)? {
                Some(dir) => read_rule_file(&dir, &name)?,
                None => RuleFile::Absent,
            },
            Place::Outside(path) => read_rule_file(&Dir::open_operator_path(path)?, &name)?,
        };
        match found {
            RuleFile::Content(bytes) => Ok(Some(bytes)),
            RuleFile::Absent | RuleFile::Refused(_) => Ok(None),
        }
    }
}

fn descend(root: &Dir, path: &[u8]) -> io::Result<Option<Dir>> {
    let mut dir = root.open_dir(c".")?;
    for part in path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
        dir = match dir.open_dir(&std::ffi::CString::new(part)?) {
            Err(error) if errno::is_absent(&error) => return Ok(None),
            opened => opened?,
        };
    }
    Ok(Some(dir))
}

/// Explains whether a path below a source takes part: the rule that decides, or the parent that was excluded.
///
/// A path that does not exist is taken as a file, or as a directory if it ends in `/`.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// use linkdest_core::filter::FilterBuilder;
/// let filter = FilterBuilder::new().exclude("/cache/").build_without_files()?;
/// let explanation = linkdest_core::explain(dir.path(), &filter, b"cache/file")?;
/// assert_eq!(explanation.excluded_parent().unwrap().path(), b"cache");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A source that cannot be read; a bad rule in a rule file on the way.
pub fn explain(source: impl AsRef<Path>, filter: &Filter, path: &[u8]) -> Result<Explanation> {
    let source = source.as_ref();
    let (root, _) = open_source(source)?;
    let failed = |error| Error::io("look at", source, error);
    let plain = path.strip_suffix(b"/").unwrap_or(path);
    let (parent, name) = match plain.iter().rposition(|&byte| byte == b'/') {
        Some(at) => (plain.get(..at).unwrap_or_default(), plain.get(at + 1..).unwrap_or_default()),
        None => (&b""[..], plain),
    };
    let directory = path.ends_with(b"/")
        || match (descend(&root, parent).map_err(failed)?, std::ffi::CString::new(name).ok()) {
            (Some(dir), Some(name)) => dir
                .stat_if_there(&name)
                .map_err(failed)?
                .is_some_and(|stat| stat.kind == crate::entry::Kind::Directory),
            _ => false,
        };
    let files = OnTheWay { root };
    let rules = filter.root(&absolute(source), &files)?;
    Ok(Explanation::of(&rules, path, directory, &files)?)
}
