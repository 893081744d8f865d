//! What the source of a snapshot is known by.

use std::fmt;
use std::path::{Path, PathBuf};

use super::RunRecord;
use crate::native::OsStrExt as _;
use crate::path::Escaped;

/// What a source is known by: the machine that it was on, and its absolute path there. Snapshots with the same name are of
/// the same source.
///
/// Neither is known of adopted snapshots whose tool did not write it down, nor where the run's record was lost: those
/// are taken for snapshots of one source.
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let (source, repo) = (dir.path().join("source"), dir.path().join("repo"));
/// # std::fs::create_dir(&source)?;
/// use linkdest_core::{KeepRules, Repository, Silent, Snapshotter};
/// Snapshotter::new(&source, &repo).init(true).run(&Silent)?;
/// let plan = Repository::open(&repo)?.plan_forget(&KeepRules::default().last(1))?;
/// assert_eq!(plan.groups()[0].source().path(), Some(source.as_path()));
/// assert!(plan.groups()[0].source().host().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceName(Option<(String, PathBuf)>);

impl SourceName {
    /// The name in a run's record, if there is one.
    pub(super) fn recorded(record: Option<&RunRecord>) -> Self {
        let known = record.filter(|record| !record.source.as_os_str().is_empty());
        Self(known.map(|record| (record.host.clone(), record.source.clone())))
    }

    /// The machine; `None` if the source is not known.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.0.as_ref().map(|(host, _)| host.as_str())
    }

    /// The path; `None` if the source is not known.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.0.as_ref().map(|(_, path)| path.as_path())
    }
}

impl fmt::Display for SourceName {
    /// Writes `host:path`, with what a terminal could be deceived by as its bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some((host, path)) => {
                let path = Escaped(path.as_os_str().as_bytes());
                if host.is_empty() {
                    write!(f, "{path}")
                } else {
                    write!(f, "{}:{path}", Escaped(host.as_bytes()))
                }
            }
            None => write!(f, "unknown source"),
        }
    }
}
