//! Published snapshots.

use std::ffi::OsStr;
use std::hash::{Hash, Hasher};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use linkdest_core::{Escaped, RelPath, Repository, RunRecord};
use pyo3::prelude::*;

use crate::error::exception;
use crate::history::Entries;
use crate::html::{Table, size};
use crate::path::FsPath;
use crate::repository::below;
use crate::time::datetime;

/// One published snapshot.
#[pyclass(frozen, eq, hash, module = "linkdest")]
pub(crate) struct Snapshot {
    snapshot: linkdest_core::Snapshot,
    /// Where it is, for what is read later.
    repository: Arc<Repository>,
}

impl Snapshot {
    pub fn new(snapshot: linkdest_core::Snapshot, repository: &Arc<Repository>) -> Self {
        Self { snapshot, repository: Arc::clone(repository) }
    }
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.snapshot.path() == other.snapshot.path()
            && self.snapshot.record() == other.snapshot.record()
            && self.snapshot.is_pinned() == other.snapshot.is_pinned()
    }
}

impl Hash for Snapshot {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.snapshot.path().hash(state);
    }
}

#[pymethods]
impl Snapshot {
    /// The snapshot's name.
    #[getter]
    pub(crate) fn name(&self) -> &str {
        self.snapshot.name().as_str()
    }

    /// Where its tree is.
    #[getter]
    fn path(&self) -> &Path {
        self.snapshot.path()
    }

    /// When its run started, in UTC.
    #[getter]
    fn started<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        datetime(py, self.snapshot.started())
    }

    /// "complete", or "problems" if not everything was saved as asked.
    #[getter]
    fn status(&self) -> &'static str {
        self.snapshot.status().as_str()
    }

    /// Whether the snapshot is marked as suspect.
    #[getter]
    fn suspect(&self) -> bool {
        self.snapshot.is_suspect()
    }

    /// Why it is suspect.
    #[getter]
    fn suspect_reasons(&self) -> Vec<String> {
        self.snapshot.record().map(RunRecord::suspect).unwrap_or_default().to_vec()
    }

    /// Whether the snapshot is kept whatever the retention rules say.
    #[getter]
    fn pinned(&self) -> bool {
        self.snapshot.is_pinned()
    }

    /// Whether another tool made the snapshot, and it was adopted.
    #[getter]
    fn adopted(&self) -> bool {
        self.snapshot.is_adopted()
    }

    /// The bytes that were new in it; None where the run's record was lost.
    #[getter]
    fn new_bytes(&self) -> Option<u64> {
        self.snapshot.record().map(RunRecord::counts).map(|counts| counts.bytes_copied)
    }

    /// The number of its problems; None where the run's record was lost.
    #[getter]
    fn problems(&self) -> Option<u64> {
        self.snapshot.record().map(RunRecord::counts).map(|counts| counts.problems)
    }

    /// The number of entries; None where the run's record was lost.
    #[getter]
    fn entry_count(&self) -> Option<u64> {
        self.snapshot.record().map(RunRecord::counts).map(|counts| counts.entries)
    }

    /// The sum of the sizes of its files, an inode once; None where the run's record was lost.
    #[getter]
    fn bytes(&self) -> Option<u64> {
        self.snapshot.record().map(RunRecord::counts).map(|counts| counts.bytes)
    }

    /// Goes through its entries, or through those below a path.
    #[pyo3(signature = (path = None))]
    fn entries(&self, py: Python<'_>, path: Option<FsPath>) -> PyResult<Entries> {
        let path = path.map_or_else(|| Ok(RelPath::root()), below)?;
        let items = py.detach(|| self.repository.ls(self.snapshot.name(), &path));
        items.map(|items| Entries::new(items.recursive())).map_err(|error| exception(py, &error))
    }

    fn __fspath__(&self) -> &OsStr {
        self.snapshot.path().as_os_str()
    }

    fn _repr_html_(&self) -> String {
        let suspect = self.suspect_reasons();
        let table = Table::new("snapshot", self.name())
            .row("path", Escaped(self.snapshot.path().as_os_str().as_bytes()))
            .row("started", self.snapshot.started())
            .row("status", self.status())
            .list("suspect", &suspect, suspect.len() as u64)
            .row("pinned", if self.pinned() { "yes" } else { "no" });
        match self.snapshot.record().map(RunRecord::counts) {
            Some(counts) => table
                .number("entries", counts.entries)
                .row("bytes", format_args!("{}, {} new", size(counts.bytes), size(counts.bytes_copied)))
                .number("problems", counts.problems)
                .end(),
            None => table.row("run", "its record was lost").end(),
        }
    }

    fn __repr__(&self) -> String {
        format!("Snapshot(name='{}', status='{}')", self.name(), self.status())
    }
}
